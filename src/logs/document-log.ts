import { UsageError } from '../core/errors.ts';
import { headerPairs } from '../core/headers.ts';
import { parsePayload } from '../core/payload.ts';
import type { LogRecord } from '../core/record.ts';
import { parseTimestamp } from '../core/time.ts';
import { decodeText } from './decode-text.ts';
import { foreignAttempt, foreignId } from './foreign-record.ts';
import type { LogFormat } from './log-format.ts';
import type { LogFile, LogItem } from './log-item.ts';
import { LONGEST_MS, RecordProblem, recordFromJson } from './record-json.ts';
import { parseSavedRequest } from './saved-delivery.ts';

const LIMIT = 256 * 1024 ** 2;

type Json = Record<string, unknown>;

/** Files that are one document, which is read whole: JSON, HAR, a saved HTTP request. Throws UsageError. */
export async function* readDocument(file: LogFile, format: LogFormat): AsyncIterable<LogItem> {
  const bytes = await readWhole(file);
  if (format === 'http') return yield { line: 1, record: savedRequest(bytes, file) };
  let document: unknown;
  try {
    document = JSON.parse(decodeText(bytes));
  } catch (error) {
    throw new UsageError(`${file.name} is not JSON: ${(error as Error).message}.`);
  }
  const entries = entriesOf(document, format, file.name);
  for (const [index, entry] of entries.entries()) {
    const line = index + 1;
    try {
      const record = format === 'har' ? fromHar(entry, line, file.changedAt) : recordFromJson(entry);
      if (record !== null) yield { line, record };
    } catch (error) {
      if (!(error instanceof RecordProblem)) throw error;
      yield { line, problem: error.message };
    }
  }
}

async function readWhole(file: LogFile): Promise<Buffer> {
  if (file.size > LIMIT) {
    throw new UsageError(
      `${file.name} is one document of ${Math.round(file.size / 1024 ** 2)} MiB; up to ${LIMIT / 1024 ** 2} are read at once. Turn it into NDJSON, which is streamed: jq -c '.[]' ${file.name}`,
    );
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function entriesOf(document: unknown, format: LogFormat, name: string): unknown[] {
  if (format === 'har') {
    const entries = ((document as Json)?.log as Json | undefined)?.entries;
    if (Array.isArray(entries)) return entries;
    throw new UsageError(`${name} is not a HAR file: it has no log.entries.`);
  }
  return Array.isArray(document) ? document : [document];
}

/** A request of a browser's or proxy's archive; null for what is no POST. */
function fromHar(value: unknown, line: number, changedAt: number): LogRecord | null {
  const entry = value as Json | null | undefined;
  const request = entry?.request as Json | null | undefined;
  if (typeof request?.url !== 'string') throw new RecordProblem('it has no request');
  if (request.method !== 'POST') return null;
  const data = request.postData as { text?: unknown; encoding?: unknown } | null | undefined;
  if (typeof data?.text !== 'string') throw new RecordProblem('its request has no body');
  const pairs = Array.isArray(request.headers) ? (request.headers as (Json | null)[]) : [];
  const headers = pairs.flatMap((pair) =>
    typeof pair?.name === 'string' && typeof pair.value === 'string' ? [pair.name, pair.value] : [],
  );
  const { time, startedDateTime, response } = entry as Json;
  const answered = (response as Json | null | undefined)?.status;
  const status = isStatus(answered) ? answered : null;
  const at = parseTimestamp(startedDateTime);
  return foreignAttempt({
    id: foreignId(`entry ${line}`, [at, status, request.url, ...headers, data.text].join('\n')),
    eventId: null,
    event: null,
    callId: null,
    endpoint: null,
    url: request.url,
    attempt: null,
    at: at ?? changedAt,
    status,
    durationMs: typeof time === 'number' && time > 0 && time < LONGEST_MS ? time : 0,
    final: true,
    headers,
    body: Buffer.from(data.text, data.encoding === 'base64' ? 'base64' : 'utf8'),
  });
}

/** `0` stands for no answer. */
function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 100 && (value as number) <= 999;
}

function savedRequest(bytes: Buffer, file: LogFile): LogRecord {
  const { headers, body } = parseSavedRequest(bytes, file.name);
  const { event, callId } = parsePayload(body);
  const eventId = headerPairs(headers).find(([name]) => name.toLowerCase() === 'x-mo-event-id')?.[1] ?? null;
  return {
    kind: 'receipt',
    receipt: {
      id: foreignId('request', bytes),
      eventId,
      event,
      callId,
      attempt: null,
      receivedAt: file.changedAt,
      signature: 'unchecked',
      secret: null,
      duplicate: null,
      latencyMs: null,
      transitMs: null,
      status: null,
      forward: null,
      bodyBytes: body.length,
      flags: [],
      shownAt: null,
    },
    headers,
    body,
  };
}
