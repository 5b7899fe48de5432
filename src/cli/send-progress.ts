import { Histogram } from '../core/histogram.ts';
import { type Attempt, isSuccess } from '../core/record.ts';
import { visible } from '../core/redact.ts';
import { redirectOf } from '../core/redirect.ts';
import type { Store } from '../core/store.ts';
import { formatDuration } from '../core/time.ts';
import type { AttemptResult } from '../http/attempt.ts';
import type { Context } from './context.ts';
import { endpointHint } from './endpoint-hint.ts';
import { startProgress } from './progress.ts';
import type { RunTotals } from './thresholds.ts';

/** Runs up to this many deliveries show a line an attempt; longer ones show progress and their failures. */
const LINES = 20;
const FAILURE_LINES = 10;

/** What the user sees of a run while it lasts, and what it added up to. */
export interface SendProgress {
  attempt(attempt: Attempt, result: AttemptResult, first: boolean): void;
  stop(): void;
  totals(): RunTotals;
  /** The last line of `--json`. */
  summary(): Record<string, unknown>;
  printSummary(url: URL, store: Store | null): Promise<void>;
  /** Every event delivered; for a negative test: every one refused. */
  succeeded(): boolean;
}

export async function sendProgress(
  context: Context,
  { expected, faulty, hide }: { expected: number | null; faulty: boolean; hide: (text: string) => string },
): Promise<SendProgress> {
  const totals = noTotals();
  const quiet = context.options.json === true || context.options.quiet === true;
  const perLine = !quiet && expected !== null && expected <= LINES;
  const { good, bad, warn, dim } = context.style('stdout');
  const bar = perLine
    ? null
    : await startProgress(context, () => barLine(totals, expected, began), { measured: true });
  const began = performance.now();
  let failureLines = 0;
  let lastFailure: AttemptResult | null = null;

  function attempt(a: Attempt, result: AttemptResult, first: boolean): void {
    totals.attempts += 1;
    const ok = isSuccess(a.status);
    const meant = faulty ? isRefusal(a.status) : ok;
    if (ok) totals.successes += 1;
    if (first) totals.sent += 1;
    if (meant) {
      totals.delivered += 1;
      totals.latency.record(Math.max(0, a.sentAt + a.durationMs - a.dueAt));
    } else {
      lastFailure = result;
      if (a.final) totals.failed += 1;
    }
    if (quiet || (!perLine && meant)) return;
    if (!perLine && ++failureLines > FAILURE_LINES) return;
    const mark = meant ? good('✓') : a.final ? bad('✗') : warn('↻');
    const answer = a.status === null ? a.outcome : String(a.status);
    const retry = a.attempt > 1 ? `  attempt ${a.attempt}` : '';
    const more = a.final || meant ? '' : dim('  will be retried');
    context.print(
      `${mark} ${visible(a.event ?? 'data', 24).padEnd(17)} [${visible(a.eventId, 40)}]  ${answer}  ${formatDuration(a.durationMs)}${retry}${why(a, result, meant)}${more}`,
    );
    if (context.options.verbose !== true) return;
    if (result.failure !== null)
      context.print(dim(`    ${visible(context.masked(result.failure.text), 400)}`));
    if (result.responseBody.length > 0) context.print(dim(`    ${said(result, 400)}`));
  }

  function why(a: Attempt, result: AttemptResult, meant: boolean): string {
    if (meant) return faulty ? dim('  refused, as it should be') : '';
    if (faulty && isSuccess(a.status)) return bad(`  accepted, though ${a.fault}`);
    const to = redirectOf(result);
    const location = to === null ? '' : `  redirects to ${visible(context.masked(to), 100)}, not followed`;
    const gone = a.status === 410 ? '  gone: not tried again' : '';
    const answer = a.status === null ? visible(context.masked(a.error ?? ''), 160) : said(result, 80);
    return `${location}${gone}${answer === '' ? '' : dim(`  ${answer}`)}`;
  }

  /** The beginning of the answer's body, on one line. */
  function said({ responseBody }: AttemptResult, length: number): string {
    return visible(context.masked(hide(responseBody.toString('utf8').trim())), length);
  }

  return {
    attempt,
    stop: () => bar?.stop(),
    totals: () => totals,
    succeeded: () => totals.sent > 0 && totals.delivered === totals.sent,
    summary: () => ({
      type: 'summary',
      sent: totals.sent,
      delivered: totals.delivered,
      failed: totals.sent - totals.delivered,
      attempts: totals.attempts,
      latency_ms: {
        p50: totals.latency.quantile(0.5),
        p95: totals.latency.quantile(0.95),
        p99: totals.latency.quantile(0.99),
        max: totals.latency.max,
      },
    }),
    async printSummary(target, store) {
      if (quiet) return;
      const { sent, delivered, attempts, latency } = totals;
      const what = faulty ? 'refused' : 'delivered';
      const tone = sent > 0 && delivered === sent ? good : bad;
      const retried = attempts > sent ? ` in ${attempts} attempts` : '';
      const times =
        latency.count === 0
          ? ''
          : `  p50 ${formatDuration(latency.quantile(0.5) as number)}  p95 ${formatDuration(latency.quantile(0.95) as number)}  max ${formatDuration(latency.max as number)}`;
      const unsent = expected !== null && expected > sent ? `, ${expected - sent} not sent` : '';
      const unseen =
        failureLines > FAILURE_LINES
          ? dim(`… and ${failureLines - FAILURE_LINES} more attempts that failed`)
          : '';
      if (unseen !== '') context.print(unseen);
      context.print(`\n${tone(`${delivered} of ${sent} ${what}${unsent}`)}${retried}${dim(times)}`);
      if (delivered < sent && !faulty) context.note(await hint(target));
      else if (store !== null) context.note(`Next: 'mo-notify report' judges what was recorded.`);
    },
  };

  async function hint(target: URL): Promise<string> {
    if (totals.successes > 0) return `Next: 'mo-notify report' shows what failed, and with which status.`;
    const known = lastFailure === null ? null : await endpointHint(target, lastFailure);
    if (known !== null) return context.masked(known);
    const { status, outcome } = lastFailure ?? { status: null, outcome: 'refused' };
    if (outcome === 'refused')
      return `Nothing got through. Is something listening at ${target.origin}? 'mo-notify listen --port ${target.port || '4800'}' would.`;
    if (status === 400 || status === 401)
      return `All were answered ${status}. Do both sides have the same secret? 'mo-notify verify' says why a signature fails.`;
    if (status !== null)
      return `All were answered; the last one ${status}. 'mo-notify report' shows them all.`;
    return `Nothing got through (${outcome}). 'mo-notify logs list' has the reason for each.`;
  }
}

/** A run of which nothing has been seen yet. */
export function noTotals(): RunTotals {
  return { sent: 0, delivered: 0, failed: 0, attempts: 0, successes: 0, latency: new Histogram() };
}

function isRefusal(status: number | null): boolean {
  return status !== null && status >= 400 && status < 500;
}

/** A bar where the end is known, the rate, the failures. */
function barLine(totals: RunTotals, expected: number | null, began: number): string {
  const ended = totals.delivered + totals.failed;
  const rate = Math.round(totals.attempts / ((performance.now() - began) / 1000));
  const bar =
    expected === null ? '' : `${drawBar(ended / expected)} ${Math.floor((100 * ended) / expected)} %  `;
  const retrying = totals.sent - ended;
  return `${bar}${ended} done  ${rate}/s  ${totals.failed} failed${retrying > 0 ? `  ${retrying} to be retried` : ''}`;
}

function drawBar(share: number): string {
  const width = 24;
  const filled = Math.round(Math.min(1, share) * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}
