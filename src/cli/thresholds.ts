import type { Histogram } from '../core/histogram.ts';
import {
  type Figures,
  formatObserved,
  judgeThreshold,
  parseThreshold,
  type Threshold,
} from '../core/threshold.ts';

/** What a run of send-test adds up to. */
export interface RunTotals {
  sent: number;
  delivered: number;
  failed: number;
  attempts: number;
  successes: number;
  /** First 2xx − due, ms. */
  latency: Histogram;
}

const EXAMPLES = 'p(95)<500ms, med<1s, max<5s, success_rate>=99%, delivery_rate>=99% or failed:count<10';

/** Expressions in k6's grammar over a run's figures. Throws UsageError. */
export function parseSendThresholds(texts: readonly string[], totals: RunTotals): Threshold[] {
  return texts.map((text) => parseThreshold(text, figuresOf(totals), EXAMPLES));
}

/** A line for each threshold that the run misses, with what was seen. */
export function unmetThresholds(thresholds: readonly Threshold[], totals: RunTotals): string[] {
  return thresholds.flatMap((threshold) => {
    const judged = judgeThreshold(threshold, figuresOf(totals));
    if (judged.verdict === 'pass') return [];
    if (judged.verdict === 'no data')
      return [`the threshold '${threshold.text}' has no data: nothing was delivered`];
    return [`the threshold '${threshold.text}' is missed: it was ${formatObserved(judged)}`];
  });
}

function figuresOf({ sent, delivered, failed, attempts, successes, latency }: RunTotals): Figures {
  return {
    trends: { latency },
    rates: { success_rate: [successes, attempts], delivery_rate: [delivered, sent] },
    counts: { sent, delivered, failed, attempts },
  };
}
