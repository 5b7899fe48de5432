import { UsageError } from './errors.ts';
import type { Histogram } from './histogram.ts';
import {
  flawlessTrials,
  type Interval,
  MEDIAN_NEEDS,
  medianInterval,
  trialsToShow,
  wilson,
  Z95,
} from './interval.ts';
import { nearest } from './nearest.ts';
import { parseRatio } from './ratio.ts';
import { parseDuration } from './time.ts';

/** The figures a receiver is judged by, with their thresholds (contract §4). Times are ms, rates 0 to 1. */
export const KPIS = {
  webhook_latency_median: { unit: 'ms', threshold: 5000 },
  widget_latency_median: { unit: 'ms', threshold: 3000 },
  success_rate: { unit: 'ratio', threshold: 0.99 },
  delivery_rate: { unit: 'ratio', threshold: 0.99 },
  duplicate_drop_rate: { unit: 'ratio', threshold: 0.999 },
} as const satisfies Record<string, { unit: 'ms' | 'ratio'; threshold: number }>;
export type KpiName = keyof typeof KPIS;
export const KPI_NAMES = Object.keys(KPIS) as KpiName[];

/** One judged figure. `needs` is the sample that strong evidence would take, where the evidence is weak. */
export interface Kpi {
  name: KpiName;
  observed: number | null;
  unit: 'ms' | 'ratio';
  threshold: number;
  verdict: 'pass' | 'fail' | 'no data';
  evidence: 'strong' | 'weak' | null;
  n: number;
  interval: Interval | null;
  needs: number | null;
}

export type Thresholds = Partial<Record<KpiName, number>>;

/** A rate that must reach its threshold: `successes` of `trials`. */
export function judgeRate(
  name: KpiName,
  successes: number,
  trials: number,
  thresholds: Thresholds = {},
): Kpi {
  const threshold = thresholds[name] ?? KPIS[name].threshold;
  const interval = wilson(successes, trials);
  if (interval === null) return noData(name, threshold);
  const observed = successes / trials;
  const failures = trials - successes;
  const passes = observed >= threshold;
  const flawless = failures === 0 && threshold < 1 && trials >= needed(threshold, 0);
  const strong = passes && (interval[0] >= threshold || flawless);
  return {
    name,
    observed,
    unit: 'ratio',
    threshold,
    verdict: passes ? 'pass' : 'fail',
    evidence: strong ? 'strong' : 'weak',
    n: trials,
    interval,
    needs: strong || threshold >= 1 ? null : needed(threshold, failures),
  };
}

/** A median that must not exceed its threshold. */
export function judgeMedian(name: KpiName, values: Histogram, thresholds: Thresholds = {}): Kpi {
  const threshold = thresholds[name] ?? KPIS[name].threshold;
  const observed = values.quantile(0.5);
  if (observed === null) return noData(name, threshold);
  const interval = medianInterval(values);
  const passes = observed <= threshold;
  const strong = passes && interval !== null && interval[1] <= threshold;
  return {
    name,
    observed,
    unit: 'ms',
    threshold,
    verdict: passes ? 'pass' : 'fail',
    evidence: strong ? 'strong' : 'weak',
    n: values.count,
    interval,
    needs: strong || !passes ? null : medianNeeds(values.countUpTo(threshold) / values.count),
  };
}

/** `success_rate>=99%`, `webhook_latency_median<5s` -> a KPI and its threshold. Throws UsageError. */
export function parseThreshold(text: string): [KpiName, number] {
  const match = /^\s*([a-z_]+)\s*(<=|>=|<|>)\s*(\S+)\s*$/.exec(text);
  if (!match) {
    throw new UsageError(`--threshold: '${text}' is not a threshold. Write it like 'success_rate>=99%'.`);
  }
  const [, name, comparison, value] = match as unknown as [string, string, string, string];
  if (!isKpiName(name)) {
    const hint = nearest(name, KPI_NAMES);
    throw new UsageError(
      `--threshold: '${name}' is not a KPI.${hint ? ` Did you mean '${hint}'?` : ''} Known: ${KPI_NAMES.join(', ')}.`,
    );
  }
  const wanted = KPIS[name].unit === 'ratio' ? '>' : '<';
  if (!comparison.startsWith(wanted)) {
    throw new UsageError(`--threshold: '${text}' has the wrong sense; ${name} takes ${wanted}=.`);
  }
  return [name, KPIS[name].unit === 'ratio' ? parseRatio(value, text) : parseDuration(value, '--threshold')];
}

function isKpiName(name: string): name is KpiName {
  return Object.hasOwn(KPIS, name);
}

function noData(name: KpiName, threshold: number): Kpi {
  const { unit } = KPIS[name];
  const needs = unit === 'ratio' ? (threshold < 1 ? needed(threshold, 0) : null) : MEDIAN_NEEDS;
  return {
    name,
    observed: null,
    unit,
    threshold,
    verdict: 'no data',
    evidence: null,
    n: 0,
    interval: null,
    needs,
  };
}

function needed(threshold: number, failures: number): number {
  if (threshold <= 0) return 1;
  return failures === 0 ? flawlessTrials(threshold) : trialsToShow(threshold, failures);
}

function medianNeeds(shareWithin: number): number | null {
  if (shareWithin <= 0.5) return null;
  return Math.max(MEDIAN_NEEDS, Math.ceil((Z95 / (2 * (shareWithin - 0.5))) ** 2));
}
