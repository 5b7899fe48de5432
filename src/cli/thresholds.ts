import { UsageError } from '../core/errors.ts';
import type { Histogram } from '../core/histogram.ts';
import { formatRatio, parseRatio } from '../core/ratio.ts';
import { formatDuration, parseDuration } from '../core/time.ts';

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

export interface SendThreshold {
  text: string;
  figure: Figure;
  comparison: '<' | '<=' | '>' | '>=';
  limit: number;
}

type Figure = { kind: 'quantile'; share: number } | { kind: 'max' | 'success_rate' | 'delivery_rate' };

/** `p(95)<500ms`, `med<=1s`, `max<5s`, `success_rate>=99%`, `delivery_rate>0.99`. Throws UsageError. */
export function parseSendThresholds(texts: readonly string[]): SendThreshold[] {
  return texts.map((text) => {
    const match =
      /^\s*(p\(?(\d+(?:\.\d+)?)\)?|med|max|success_rate|delivery_rate)\s*(<=|>=|<|>)\s*(\S+)\s*$/.exec(text);
    if (!match) {
      throw new UsageError(
        `--threshold: '${text}' is not a threshold. Write p(95)<500ms, med<1s, max<5s, success_rate>=99% or delivery_rate>=99%.`,
      );
    }
    const [, name, share, comparison, value] = match as unknown as [
      string,
      string,
      string | undefined,
      SendThreshold['comparison'],
      string,
    ];
    const figure = parseFigure(name, share);
    const limit = figure.kind.endsWith('_rate')
      ? parseRatio(value, text)
      : parseDuration(value, '--threshold');
    return { text: text.trim(), figure, comparison, limit };
  });
}

/** A line for each threshold that the run misses, with what was seen. */
export function unmetThresholds(thresholds: readonly SendThreshold[], totals: RunTotals): string[] {
  return thresholds.flatMap(({ text, figure, comparison, limit }) => {
    const observed = observe(figure, totals);
    if (observed === null) return [`the threshold '${text}' has no data: nothing was delivered`];
    const shown = figure.kind.endsWith('_rate') ? formatRatio(observed) : formatDuration(observed);
    return holds(observed, comparison, limit) ? [] : [`the threshold '${text}' is missed: it was ${shown}`];
  });
}

function parseFigure(name: string, share: string | undefined): Figure {
  if (name === 'med') return { kind: 'quantile', share: 0.5 };
  if (name.startsWith('p')) return { kind: 'quantile', share: Math.min(1, Number(`${share}e-2`)) };
  return { kind: name as 'max' | 'success_rate' | 'delivery_rate' };
}

function observe(
  figure: Figure,
  { latency, attempts, successes, sent, delivered }: RunTotals,
): number | null {
  if (figure.kind === 'quantile') return latency.quantile(figure.share);
  if (figure.kind === 'max') return latency.max;
  if (figure.kind === 'success_rate') return attempts === 0 ? null : successes / attempts;
  return sent === 0 ? null : delivered / sent;
}

function holds(observed: number, comparison: SendThreshold['comparison'], limit: number): boolean {
  if (comparison === '<') return observed < limit;
  if (comparison === '<=') return observed <= limit;
  return comparison === '>' ? observed > limit : observed >= limit;
}
