import { type CallStory, tellCall } from '../core/call-story.ts';
import { shownHeaders } from '../core/credentials.ts';
import { EXIT } from '../core/errors.ts';
import { parsePayload } from '../core/payload.ts';
import { isCut, isRefused, type LogRecord, recordTime } from '../core/record.ts';
import { visible } from '../core/redact.ts';
import type { RecordFilter, Store } from '../core/store.ts';
import { formatDuration, formatTimestamp } from '../core/time.ts';
import { callMoment } from '../logs/call-moments.ts';
import { exportRow } from '../logs/export-log.ts';
import { mergeByTime } from '../logs/merge-log.ts';
import type { CommonOptions, Context } from './context.ts';
import { resultOf, stamp } from './log-lines.ts';

/** More records of one event than anybody reads; a flood of duplicates must not fill the memory. */
const MOST = 1000;

/** Everything that is known of one event, then of the call it belongs to. */
export async function show(
  context: Context,
  id: string,
  options: CommonOptions & { body: boolean },
): Promise<void> {
  const store = await context.recordedStore();
  const records = await gather(store, { eventId: id });
  if (records.length === 0) {
    const calls = await gather(store, { callId: id });
    if (calls.length === 0) {
      context.exitCode = EXIT.shortfall;
      return context.warn(
        `mo-notify: no event and no call '${visible(id, 80)}' in ${store.location}. 'mo-notify logs list' shows what there is.`,
      );
    }
    const story = tell(id, calls, context.io.now());
    return options.json === true ? context.printJson(storyToJson(story)) : showCall(context, story);
  }
  const callId = records.map((record) => about(record).callId).find((found) => found !== null) ?? null;
  const story = callId === null ? null : tell(callId, await gather(store, { callId }), context.io.now());
  if (options.json === true) {
    const masked = options.showNumbers !== true;
    return context.printJson({
      event_id: id,
      records: records.map((record) => exportRow(record, { bodies: options.body, masked })),
      call: story === null ? null : storyToJson(story),
    });
  }
  showEvent(context, id, records);
  if (options.body) await showBody(context, records);
  if (story !== null) {
    context.print('');
    showCall(context, story);
  }
}

async function gather(store: Store, filter: RecordFilter): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  const read = (kind: 'attempt' | 'receipt') => store.entries(kind, filter, { bodies: true });
  for await (const { record } of mergeByTime(read('attempt'), read('receipt'), 'oldest first')) {
    found.push(record);
    if (found.length === MOST) break;
  }
  return found;
}

function about(record: LogRecord) {
  return record.kind === 'attempt' ? record.attempt : record.receipt;
}

function showEvent(context: Context, id: string, records: readonly LogRecord[]): void {
  const { dim, name, strong, good, bad } = context.style('stdout');
  const { event, callId } = about(records[0] as LogRecord);
  const last = records.filter(({ kind }) => kind === 'attempt').at(-1);
  const end =
    last?.kind !== 'attempt'
      ? ''
      : last.attempt.outcome === 'delivered'
        ? good('  delivered')
        : bad('  not delivered');
  context.print(
    `${strong(visible(event ?? '(no event)', 40))}  ${dim(`[${visible(id, 80)}]`)}  ${callId === null ? 'no call' : `call ${visible(callId, 60)}`}${end}`,
  );
  let before: number | null = null;
  for (const record of records) {
    const at = recordTime(record);
    const gap = before === null ? '' : `+${formatDuration(at - before)}`;
    before = at;
    const way = record.kind === 'attempt' ? 'sent' : 'came';
    context.print(
      `  ${dim(stamp(at))}  ${dim(gap.padStart(10))}  ${name(way)}  ${resultOf(record, context)}`,
    );
    for (const text of details(record)) context.print(dim(`${' '.repeat(38)}${text}`));
  }
  if (records.length === MOST) context.print(dim(`  … the first ${MOST} of them`));
}

function details(record: LogRecord): string[] {
  if (record.kind === 'attempt') {
    const { id, url, run, replayOf } = record.attempt;
    const replay = replayOf === null ? '' : `, replay of ${visible(replayOf, 60)}`;
    return [`${visible(id, 40)} to ${visible(url, 100)}, run ${visible(run, 40)}${replay}`];
  }
  const { id, secret, bodyBytes, evidence } = record.receipt;
  const kept = isCut(record) ? `, cut: the first ${record.body?.length} are on record` : '';
  return [
    `${visible(id, 40)}${secret === null ? '' : `, secret ${visible(secret, 60)}`}, ${bodyBytes} bytes${kept}`,
    ...(evidence === undefined
      ? []
      : [`cause: ${visible(evidence.cause ?? 'not searched', 200)}`, `body SHA-256 ${evidence.sha256}`]),
  ];
}

async function showBody(context: Context, records: readonly LogRecord[]): Promise<void> {
  const { dim } = context.style('stdout');
  // Under a good event's id there may be forged ones, too.
  const withBody = records.filter(({ body }) => body !== null);
  const kept =
    withBody.find((record) => record.kind === 'attempt' || !isRefused(record.receipt)) ?? withBody[0];
  const headers = records.find((record) => record.headers !== null && record.headers.length > 0)?.headers;
  if (headers !== undefined && headers !== null) {
    context.print('');
    for (const [key, value] of shownHeaders(headers))
      context.print(`  ${dim(`${visible(key, 60)}:`)} ${visible(context.masked(value), 300)}`);
  }
  context.print('');
  if (kept === undefined || kept.body === null) return context.print(dim('  its body is not on record'));
  const text = await indented(kept.body);
  for (const line of context.masked(text).split('\n')) context.print(`  ${visible(line, 2000)}`);
  if (kept.kind === 'receipt' && isCut(kept))
    context.print(
      dim(`  cut: the first ${kept.body.length} of ${kept.receipt.bodyBytes} bytes are on record`),
    );
}

/** An event on several lines, made of the very text: numbers and escapes stay as they were written (fault B3). */
async function indented(body: Uint8Array): Promise<string> {
  const text = Buffer.from(body).toString('utf8');
  if (parsePayload(body).data === null) return text;
  const { applyEdits, format } = await import('jsonc-parser');
  return applyEdits(text, format(text, undefined, { insertSpaces: true, tabSize: 2 }));
}

function tell(callId: string, records: readonly LogRecord[], now: number): CallStory {
  return tellCall(
    callId,
    records.flatMap((record, arrival) => callMoment(record, arrival)?.moment ?? []),
    now,
  );
}

function showCall(context: Context, { callId, status, moments, findings }: CallStory): void {
  const { dim, strong, warn, good } = context.style('stdout');
  context.print(`${strong(`Call ${visible(callId, 60)}`)}  ${status ?? 'no known event'}`);
  let before: number | null = null;
  for (const { event, eventId, timestampMs, data } of moments) {
    const gap = before === null || timestampMs === null ? '' : `+${formatDuration(timestampMs - before)}`;
    before = timestampMs ?? before;
    const queue = data?.queue === undefined ? '' : `  ${visible(data.queue, 30)}`;
    const length = (data?.duration ?? 0) > 0 ? `  ${data?.duration} s` : '';
    context.print(
      `  ${dim(timestampMs === null ? 'no timestamp'.padEnd(23) : stamp(timestampMs))}  ${dim(gap.padStart(10))}  ${visible(event, 24).padEnd(17)}  ${dim(`[${visible(eventId ?? 'no id', 40)}]`)}${queue}${length}`,
    );
  }
  for (const { severity, text } of findings)
    context.print(`  ${severity === 'warn' ? warn('!') : dim('·')} ${visible(text, 200)}`);
  if (findings.every(({ severity }) => severity !== 'warn'))
    context.print(`  ${good('✓')} nothing in its states contradicts itself`);
}

function storyToJson({ callId, status, moments, findings }: CallStory): Record<string, unknown> {
  return {
    call_id: callId,
    status,
    events: moments.map(({ event, eventId, timestampMs, recordedAt }) => ({
      event,
      event_id: eventId,
      timestamp: timestampMs === null ? null : formatTimestamp(timestampMs),
      recorded_at: formatTimestamp(recordedAt),
    })),
    findings,
  };
}
