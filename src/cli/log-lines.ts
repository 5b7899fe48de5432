import { type LogRecord, recordTime } from '../core/record.ts';
import { visible } from '../core/redact.ts';
import { formatDuration } from '../core/time.ts';
import type { Context } from './context.ts';

/** A record as one line for people: when, which way, what, how it went. */
export function recordLine(record: LogRecord, context: Context): string {
  const { dim, name, strong } = context.style('stdout');
  const about = record.kind === 'attempt' ? record.attempt : record.receipt;
  const way = record.kind === 'attempt' ? 'sent' : 'came';
  const id = about.eventId === null ? 'no id' : visible(about.eventId, 40);
  const type = visible(about.event ?? '(no event)', 24).padEnd(17);
  return `${dim(stamp(recordTime(record)))}  ${name(way)}  ${strong(type)}  ${dim(`[${id}]`)}  ${resultOf(record, context)}`;
}

/** How one record went: the answer, the time it took, whatever is odd. */
export function resultOf(record: LogRecord, context: Context): string {
  return record.kind === 'attempt' ? attemptResult(record, context) : receiptResult(record, context);
}

function attemptResult({ attempt: a }: Extract<LogRecord, { kind: 'attempt' }>, context: Context): string {
  const { good, bad, warn, dim } = context.style('stdout');
  const tone = a.outcome === 'delivered' ? good : bad;
  const again = a.attempt > 1 ? dim(`  attempt ${a.attempt}`) : '';
  const more = a.outcome !== 'delivered' && !a.final ? dim('  will be retried') : '';
  const replay = a.replayOf === null ? '' : dim('  replay');
  const fault = a.fault === null ? '' : warn(`  ${visible(a.fault, 40)}`);
  const error =
    a.error === null || a.status !== null ? '' : dim(`  ${visible(context.masked(a.error), 120)}`);
  return `${tone(a.status === null ? a.outcome : String(a.status))}  ${formatDuration(a.durationMs)}  ${visible(a.endpoint, 30)}${again}${replay}${fault}${error}${more}`;
}

function receiptResult({ receipt: r }: Extract<LogRecord, { kind: 'receipt' }>, context: Context): string {
  const { good, bad, warn, dim } = context.style('stdout');
  const ok = r.status !== null && r.status >= 200 && r.status < 300;
  const status = r.status === null ? warn('unanswered') : (ok ? good : bad)(String(r.status));
  const signed =
    r.signature === 'valid'
      ? good('valid')
      : r.signature === 'unchecked'
        ? dim('unchecked')
        : bad(r.signature);
  const latency = r.latencyMs === null ? '' : `  latency ${formatDuration(r.latencyMs)}`;
  const again = r.attempt !== null && r.attempt > 1 ? dim(`  attempt ${r.attempt}`) : '';
  const words = [
    ...(r.duplicate === null ? [] : [r.duplicate.replace('_', ' ')]),
    ...r.flags.map((flag) => visible(flag, 60)),
  ];
  const odd = words.length === 0 ? '' : warn(`  ${words.join(', ')}`);
  return `${status}  signature ${signed}${latency}${again}${odd}${forwarded(r.forward, context)}`;
}

function forwarded(
  forward: { status: number | null; durationMs: number; error: string | null } | null,
  context: Context,
): string {
  if (forward === null) return '';
  const { dim } = context.style('stdout');
  const said =
    forward.status === null
      ? visible(context.masked(forward.error ?? 'no answer'), 100)
      : String(forward.status);
  return dim(`  app ${said} in ${formatDuration(forward.durationMs)}`);
}

/** `2026-01-31 12:45:00.120`, in UTC as everything on record is. */
export function stamp(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
}
