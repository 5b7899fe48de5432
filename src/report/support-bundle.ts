import type { LogRecord } from '../core/record.ts';
import { maskNumbers, publicUrl } from '../core/redact.ts';
import { formatTimestamp } from '../core/time.ts';
import { answersOf } from './counts.ts';
import { literal, markdownTable, renderMarkdown } from './markdown.ts';
import type { Report } from './report.ts';
import { formatCounts } from './wording.ts';

/** What MyOperator's support asks for (cli.md, support-bundle), as data. Holds no body, no header and no whole number. */
export interface SupportBundle {
  made_at: string;
  versions: Record<string, string>;
  endpoints: SupportEndpoint[];
  /** The latest records, the newest first. */
  deliveries: SupportDelivery[];
  report: Report;
}

export interface SupportEndpoint {
  name: string;
  url: string;
  /** How often each status was answered; `none` where no answer came. */
  response_codes: Record<string, number>;
}

export interface SupportDelivery {
  kind: 'attempt' | 'receipt';
  at: string;
  event_id: string | null;
  event: string | null;
  call_id: string | null;
  attempt: number | null;
  endpoint: string | null;
  /** The response code: theirs for an attempt, ours for a receipt. */
  status: number | null;
  /** An attempt's outcome, a receipt's signature verdict. */
  result: string;
  duration_ms: number | null;
  error: string | null;
}

/** `records` are the newest first; `registered` are the config's endpoints, which may have no record yet. */
export function makeSupportBundle(
  records: readonly LogRecord[],
  report: Report,
  registered: Record<string, { url: string }>,
  { now, versions }: { now: number; versions: Record<string, string> },
): SupportBundle {
  const seen = report.endpoints.map((one) => ({
    name: maskNumbers(one.name),
    url: publicUrl(one.url),
    response_codes: answersOf(one),
  }));
  const unseen = Object.entries(registered)
    .filter(([name]) => !report.endpoints.some((endpoint) => endpoint.name === name))
    .map(([name, { url }]) => ({ name, url: publicUrl(url), response_codes: {} }));
  return {
    made_at: formatTimestamp(now),
    versions,
    endpoints: [...seen, ...unseen],
    deliveries: records.map(describe),
    report: {
      ...report,
      endpoints: report.endpoints.map((one) => ({
        ...one,
        name: maskNumbers(one.name),
        url: publicUrl(one.url),
      })),
    },
  };
}

function describe(record: LogRecord): SupportDelivery {
  if (record.kind === 'attempt') {
    const { sentAt, eventId, event, callId, attempt, endpoint, status, outcome, durationMs, error } =
      record.attempt;
    return {
      kind: 'attempt',
      at: formatTimestamp(sentAt),
      event_id: eventId,
      event,
      call_id: callId === null ? null : maskNumbers(callId),
      attempt,
      endpoint: maskNumbers(endpoint),
      status,
      result: outcome,
      duration_ms: durationMs,
      error: error === null ? null : maskNumbers(error),
    };
  }
  const { receivedAt, eventId, event, callId, attempt, status, signature, forward } = record.receipt;
  return {
    kind: 'receipt',
    at: formatTimestamp(receivedAt),
    event_id: eventId,
    event,
    call_id: callId === null ? null : maskNumbers(callId),
    attempt,
    endpoint: null,
    status,
    result: signature,
    duration_ms: forward?.durationMs ?? null,
    error: forward?.error == null ? null : maskNumbers(forward.error),
  };
}

/** The bundle to be read, and pasted into a ticket (Markdown). */
export function renderSupportBundle({ made_at: at, versions, endpoints, deliveries, report }: SupportBundle) {
  return [
    '# mo-notify support bundle',
    `Made ${at} with ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}. Callers' numbers are masked; it holds no secret, header or body.`,
    '## Endpoints',
    endpoints.length === 0
      ? 'None.'
      : markdownTable(
          ['Name', 'URL', 'Response codes'],
          endpoints.map(({ name, url, response_codes: counts }) => [
            code(name),
            code(url),
            formatCounts(counts) || 'none on record',
          ]),
        ),
    `## Latest ${deliveries.length} records`,
    deliveries.length === 0
      ? 'None.'
      : markdownTable(
          ['When', '', 'Event id', 'Event', 'Call', 'Attempt', 'Code', 'Result', 'ms', 'Error'],
          deliveries.map((one) => [
            one.at,
            one.kind === 'attempt' ? 'sent' : 'came',
            code(one.event_id),
            code(one.event),
            code(one.call_id),
            String(one.attempt ?? '–'),
            String(one.status ?? '–'),
            one.result,
            one.duration_ms === null ? '–' : String(Math.round(one.duration_ms)),
            literal(one.error ?? ''),
          ]),
        ),
    renderMarkdown(report),
  ].join('\n\n');
}

/** To be copied as it stands, from the page or from its source; what could be markup is written so that it is none. */
function code(text: string | null): string {
  if (text === null) return '–';
  return /^[\w.:/?&=%…*+@-]{1,300}$/.test(text) ? `\`${text}\`` : literal(text);
}
