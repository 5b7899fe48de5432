import { UsageError } from './errors.ts';
import type { Histogram } from './histogram.ts';
import { nearest } from './nearest.ts';
import { formatRatio, parseRatio } from './ratio.ts';
import { formatDuration, parseDuration } from './time.ts';

/** What thresholds are judged by. Durations are ms; a rate is so many of so many. */
export interface Figures {
  trends: Record<string, Histogram>;
  rates: Record<string, readonly [successes: number, trials: number]>;
  counts: Record<string, number>;
}

/** One expression in k6's grammar: `[metric:]aggregation operator value`. */
export interface Threshold {
  text: string;
  metric: string;
  aggregation: Aggregation;
  comparison: Comparison;
  limit: number;
}

type Aggregation = { kind: 'quantile'; share: number } | { kind: 'avg' | 'min' | 'max' | 'count' | 'rate' };
type Comparison = '<' | '<=' | '>' | '>=' | '==' | '!=';

/** What became of a threshold. `observed` is null where nothing was there to judge; that is no pass. */
export interface ThresholdVerdict {
  expression: string;
  observed: number | null;
  unit: 'ms' | 'ratio' | 'count';
  verdict: 'pass' | 'fail' | 'no data';
}

/** The aggregation, as `p(95)`, `p95`, `med` or nothing. */
const AGGREGATION = /^([a-z_]+)?(?:\s*(?:\(\s*)?(\d+(?:\.\d+)?)\s*\)?)?$/;

/** The parts of an expression as they are written; null where it is none. */
function split(text: string) {
  const operator = /[<>]=?|===?|!=/.exec(text);
  if (operator === null) return null;
  const value = text.slice(operator.index + operator[0].length).trim();
  const left = text.slice(0, operator.index);
  const colon = left.indexOf(':');
  const prefix = colon < 0 ? undefined : left.slice(0, colon).trim();
  const aggregation = AGGREGATION.exec(left.slice(colon + 1).trim());
  const known = prefix === undefined || /^[a-z_]+$/.test(prefix);
  if (aggregation === null || !known || !/^\S+$/.test(value)) return null;
  const [, word, share] = aggregation;
  return { prefix, word, share, operator: operator[0], value };
}

/**
 * `p(95)<500ms`, `latency:med<=1s`, `success_rate>=99%`, `failed:count<10`. A number without a unit is in ms, as k6
 * has it. `figures` says which metrics there are; the first trend goes without its name. Throws UsageError.
 */
export function parseThreshold(text: string, figures: Figures, examples: string): Threshold {
  const parts = split(text);
  if (parts === null || (parts.prefix === undefined && parts.word === undefined))
    throw malformed(text, examples);
  const { prefix, word, share, operator, value } = parts;
  const [trend = ''] = Object.keys(figures.trends);
  const metric = prefix ?? (isMetric(word, figures) ? (word as string) : trend);
  if (!isMetric(metric, figures)) throw unknownMetric(metric, figures);
  const aggregation = prefix === undefined && word === metric ? undefined : word;
  return {
    text: text.trim(),
    metric,
    ...readAggregation(text, metric, aggregation, share, figures, examples),
    comparison: operator.replace('===', '==') as Comparison,
    limit: readLimit(text, value, metric, aggregation, figures),
  };
}

export function judgeThreshold(threshold: Threshold, figures: Figures): ThresholdVerdict {
  const { text, metric, aggregation, comparison, limit } = threshold;
  const observed = observe(metric, aggregation, figures);
  const unit = aggregation.kind === 'count' ? 'count' : Object.hasOwn(figures.rates, metric) ? 'ratio' : 'ms';
  if (observed === null) return { expression: text, observed, unit, verdict: 'no data' };
  return { expression: text, observed, unit, verdict: holds(observed, comparison, limit) ? 'pass' : 'fail' };
}

/** A threshold's observed value for people; a dash without one. */
export function formatObserved({ observed, unit }: ThresholdVerdict): string {
  if (observed === null) return '–';
  if (unit === 'count') return String(observed);
  return unit === 'ratio' ? formatRatio(observed) : formatDuration(observed);
}

function readAggregation(
  text: string,
  metric: string,
  word: string | undefined,
  share: string | undefined,
  figures: Figures,
  examples: string,
): { aggregation: Aggregation } {
  const known = (aggregation: Aggregation) => ({ aggregation });
  if (share !== undefined && word !== 'p') throw malformed(text, examples);
  if (Object.hasOwn(figures.counts, metric)) {
    if (word === undefined || word === 'count') return known({ kind: 'count' });
  } else if (Object.hasOwn(figures.rates, metric)) {
    if (word === undefined || word === 'rate') return known({ kind: 'rate' });
  } else {
    // `e-2` rather than a division, which would put 7 % a little above 0.07.
    if (word === 'p' && share !== undefined && Number(share) <= 100)
      return known({ kind: 'quantile', share: Number(`${share}e-2`) });
    if (word === 'med') return known({ kind: 'quantile', share: 0.5 });
    if (word === 'avg' || word === 'min' || word === 'max' || word === 'count') return known({ kind: word });
  }
  throw malformed(text, examples);
}

function readLimit(
  text: string,
  value: string,
  metric: string,
  word: string | undefined,
  figures: Figures,
): number {
  if (Object.hasOwn(figures.rates, metric)) return parseRatio(value, text);
  if (Object.hasOwn(figures.counts, metric) || word === 'count') {
    if (/^\d+$/.test(value)) return Number(value);
    throw new UsageError(`--threshold: '${text}' needs a whole number.`);
  }
  return /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : parseDuration(value, '--threshold');
}

function observe(
  metric: string,
  aggregation: Aggregation,
  { trends, rates, counts }: Figures,
): number | null {
  if (Object.hasOwn(counts, metric)) return counts[metric] as number;
  const rate = Object.hasOwn(rates, metric) ? rates[metric] : undefined;
  if (rate !== undefined) return rate[1] === 0 ? null : rate[0] / rate[1];
  const trend = trends[metric] as Histogram;
  switch (aggregation.kind) {
    case 'quantile':
      return trend.quantile(aggregation.share);
    case 'avg':
      return trend.mean;
    case 'min':
      return trend.at(1);
    case 'max':
      return trend.max;
    default:
      return trend.count;
  }
}

function holds(observed: number, comparison: Comparison, limit: number): boolean {
  switch (comparison) {
    case '<':
      return observed < limit;
    case '<=':
      return observed <= limit;
    case '>':
      return observed > limit;
    case '>=':
      return observed >= limit;
    case '==':
      return observed === limit;
    case '!=':
      return observed !== limit;
  }
}

function isMetric(name: string | undefined, { trends, rates, counts }: Figures): boolean {
  return name !== undefined && [trends, rates, counts].some((group) => Object.hasOwn(group, name));
}

function metricNames({ trends, rates, counts }: Figures): string[] {
  return [trends, rates, counts].flatMap((group) => Object.keys(group));
}

function unknownMetric(name: string, figures: Figures): UsageError {
  const names = metricNames(figures);
  const hint = nearest(name, names);
  return new UsageError(
    `--threshold: '${name}' is not a metric.${hint ? ` Did you mean '${hint}'?` : ''} Known: ${names.join(', ')}.`,
  );
}

function malformed(text: string, examples: string): UsageError {
  return new UsageError(`--threshold: '${text}' is not a threshold. Write ${examples}.`);
}
