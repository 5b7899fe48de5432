import type { Receipt } from '../core/record.ts';
import { visible } from '../core/redact.ts';
import { redirectOf } from '../core/redirect.ts';
import type { FirstReceipt } from '../core/store.ts';
import { formatClock, formatDuration } from '../core/time.ts';
import type { AppAnswer } from '../receiver/forward.ts';
import type { Context } from './context.ts';
import type { Style } from './style.ts';

const QUIET_FLAGS = new Set(['clock_skew']);

/** A receipt as one line for people: when, what, its id, the verdict on its signature, and what is odd about it. */
export function receiptLine(receipt: Receipt, first: FirstReceipt | null, style: Style): string {
  const { dim, name } = style;
  const id = receipt.eventId === null ? 'no id' : visible(receipt.eventId, 40);
  const again = receipt.attempt !== null && receipt.attempt > 1 ? dim(`  attempt ${receipt.attempt}`) : '';
  return `${dim(formatClock(receipt.receivedAt, 'ms'))}  ${name('-->')}  ${visible(receipt.event ?? '(no event)', 24).padEnd(17)}  ${dim(`[${id}]`)}  ${signature(receipt, style)}${latencyText(receipt, style)}${again}${notes(receipt, style)}${earlier(receipt, first, style)}`;
}

function signature({ signature: verdict, evidence }: Receipt, { good, bad, dim }: Style): string {
  if (verdict === 'valid') return good('signature ok');
  if (verdict === 'unchecked') return dim('signature unchecked');
  return `${bad(`signature ${verdict}`)}: ${visible(evidence?.cause ?? 'cause not searched')}`;
}

function latencyText({ latencyMs }: Receipt, { warn }: Style): string {
  if (latencyMs === null) return '';
  return latencyMs < 0
    ? warn(`  ${formatDuration(-latencyMs)} before its timestamp`)
    : `  latency ${formatDuration(latencyMs)}`;
}

/** For a suspected replay: what the same signed bytes came as before. */
function earlier({ duplicate }: Receipt, first: FirstReceipt | null, { dim }: Style): string {
  if (duplicate !== 'suspected_replay' || first === null) return '';
  const id = first.eventId === null ? 'no id' : visible(first.eventId, 40);
  return dim(`  same bytes as [${id}] at ${formatClock(first.receivedAt, 'ms')}`);
}

function notes({ duplicate, flags, status }: Receipt, { warn }: Style): string {
  const odd = flags.filter((flag) => !QUIET_FLAGS.has(flag)).map((flag) => visible(flag, 60));
  const words = duplicate === null ? odd : [duplicate.replace('_', ' '), ...odd];
  const answer = status === null || status === 200 ? '' : warn(`  answered ${status}`);
  return `${words.length === 0 ? '' : warn(`  ${words.join(', ')}`)}${answer}`;
}

/** What an app said to a forward, or why it said nothing; '' for a success, which says enough itself. */
export function appWords(context: Context, app: AppAnswer, { dim, warn }: Style): string {
  const verbose = context.options.verbose === true;
  const shown = (text: string) => visible(context.masked(text), 160);
  const to = redirectOf(app);
  const redirect = to === null ? '' : warn(`  redirects to ${shown(to)}, not followed`);
  const cut = app.bodyCut
    ? warn(`  answer cut after ${app.responseBody.length.toLocaleString('en-US')} bytes`)
    : '';
  const said = app.result.error ?? app.said.trim();
  const words = said === '' || (app.delivered && !verbose) ? '' : dim(`  ${shown(said)}`);
  const original = app.failure === null || !verbose ? '' : dim(`  (${shown(app.failure.text)})`);
  return `${redirect}${cut}${words}${original}`;
}
