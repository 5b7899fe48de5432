import { Histogram } from '../core/histogram.ts';
import { judgeMedian, judgeRate, type Kpi, type Thresholds } from '../core/kpi.ts';
import { DEFAULT_SCHEDULE, outageHorizon, type RetrySchedule } from '../core/schedule.ts';
import type { EndpointTally, Tally } from '../core/tally.ts';
import { type Figures, judgeThreshold, type Threshold, type ThresholdVerdict } from '../core/threshold.ts';
import { formatTimestamp } from '../core/time.ts';
import type { CallSummary } from './calls.ts';

/** What `report` says, as data; every format is a rendering of this (cli.md, report). Keys are the wire's. */
export interface Report {
  window: { from: string | null; to: string | null };
  totals: { events: number; attempts: number; receipts: number; duplicates: number; refused: number };
  kpis: Kpi[];
  /** Other thresholds that were asked for. */
  thresholds?: ThresholdVerdict[];
  endpoints: EndpointReport[];
  /** With `--calls`. */
  calls?: CallSummary;
  notes: string[];
}

export interface Percentiles {
  p50: number | null;
  p90: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
}

export interface EndpointReport {
  name: string;
  url: string;
  attempts: number;
  events: number;
  success_rate: number | null;
  delivery_rate: number | null;
  latency_ms: Percentiles;
  statuses: Record<string, number>;
  outcomes: Record<string, number>;
  events_by_type: Record<string, number>;
  /** How long it may be down before events are lost, by its retries: surely, and with luck in the jitter. */
  outage_horizon_ms: { surely: number; at_most: number };
}

/** By what a tally is judged, and what else is known beside it. */
export interface JudgeOptions {
  /** Other thresholds for KPIs than the contract's. */
  kpis?: Thresholds;
  expressions?: readonly Threshold[];
  scheduleOf?: (endpoint: { name: string; url: string }) => RetrySchedule;
  calls?: CallSummary | undefined;
}

/** Judges a tally. Where there are receipts, webhook latency is the receiver's; else the sender's (contract §4). */
export function buildReport(
  tally: Tally,
  window: { from: number | null; to: number | null },
  { kpis: thresholds = {}, expressions = [], scheduleOf = () => DEFAULT_SCHEDULE, calls }: JudgeOptions = {},
): Report {
  const { endpoints } = tally;
  const figures = reportFigures(tally);
  const { trends, rates, counts } = figures;
  const { events, attempts, receipts, duplicates, refused } = counts as Report['totals'];
  const rate = (name: 'success_rate' | 'delivery_rate' | 'duplicate_drop_rate') =>
    judgeRate(name, ...(rates[name] as readonly [number, number]), thresholds);
  return {
    window: { from: time(window.from ?? tally.from), to: time(window.to ?? tally.to) },
    totals: { events, attempts, receipts, duplicates, refused },
    kpis: [
      judgeMedian('webhook_latency_median', trends.webhook_latency as Histogram, thresholds),
      judgeMedian('widget_latency_median', trends.widget_latency as Histogram, thresholds),
      rate('success_rate'),
      rate('delivery_rate'),
      rate('duplicate_drop_rate'),
    ],
    ...(expressions.length === 0
      ? {}
      : { thresholds: expressions.map((one) => judgeThreshold(one, figures)) }),
    endpoints: endpoints.map((one) => describeEndpoint(one, outageHorizon(scheduleOf(one)))),
    ...(calls === undefined ? {} : { calls }),
    notes: notes(tally),
  };
}

/** Whether every KPI holds; `strict` takes only strong evidence for a pass. No data is never a failure of its own. */
export function reportPasses({ kpis, thresholds = [] }: Report, strict: boolean): boolean {
  return kpis.every((kpi) => kpiPasses(kpi, strict)) && thresholds.every(({ verdict }) => verdict === 'pass');
}

/** What thresholds of a report are judged by; the first trend goes without its name (docs/report.md). */
export function reportFigures({ endpoints, received }: Tally): Figures {
  const sum = (pick: (endpoint: EndpointTally) => number) =>
    endpoints.reduce((total, e) => total + pick(e), 0);
  const sent = endpoints.reduce((all, e) => all.merge(e.latency), new Histogram());
  const attempts = sum((e) => e.attempts);
  const events = sum((e) => e.events);
  return {
    trends: {
      webhook_latency: received.latency.count > 0 ? received.latency : sent,
      widget_latency: received.widget,
    },
    rates: {
      success_rate: [sum((e) => e.successes), attempts],
      delivery_rate: [sum((e) => e.delivered), events],
      duplicate_drop_rate: [received.dropped, received.duplicates],
    },
    counts: {
      events: Math.max(events, received.events),
      attempts,
      receipts: received.receipts,
      duplicates: received.duplicates,
      refused: received.refused,
      conflicts: received.conflicts,
    },
  };
}

export function kpiPasses({ verdict, evidence }: Kpi, strict: boolean): boolean {
  if (verdict !== 'pass') return verdict === 'no data';
  return !strict || evidence === 'strong';
}

export function percentiles(latency: Histogram): Percentiles {
  return {
    p50: latency.quantile(0.5),
    p90: latency.quantile(0.9),
    p95: latency.quantile(0.95),
    p99: latency.quantile(0.99),
    max: latency.max,
  };
}

function describeEndpoint(e: EndpointTally, horizon: { surely: number; atMost: number }): EndpointReport {
  return {
    name: e.name,
    url: e.url,
    attempts: e.attempts,
    events: e.events,
    success_rate: e.attempts === 0 ? null : e.successes / e.attempts,
    delivery_rate: e.events === 0 ? null : e.delivered / e.events,
    latency_ms: percentiles(e.latency),
    statuses: e.statuses,
    outcomes: sorted(e.outcomes),
    events_by_type: sorted(e.eventsByType),
    outage_horizon_ms: { surely: horizon.surely, at_most: horizon.atMost },
  };
}

/** By name, so that the same records make the same report wherever they are counted. */
function sorted(counts: Record<string, number>): Record<string, number> {
  const names = Object.keys(counts).sort();
  const copy = Object.create(null) as Record<string, number>;
  for (const name of names) copy[name] = counts[name] as number;
  return copy;
}

function notes({ endpoints, received }: Tally): string[] {
  const said: string[] = [];
  const early = endpoints.reduce((total, { skewed }) => total + skewed, 0);
  if (early > 0) said.push(`${early} attempts answered before they were due (clock skew), left out`);
  if (received.skewed > 0)
    said.push(`${received.skewed} receipts before their event's timestamp (clock skew), left out`);
  const sent = endpoints.reduce((total, { latency }) => total + latency.count, 0);
  if (received.latency.count > 0 && 2 * received.latency.count < sent)
    said.push(
      `webhook latency is the receiver's, of ${received.latency.count} events; of ${sent} the sender's is known (--endpoint judges by that)`,
    );
  if (received.conflicts > 0)
    said.push(`${received.conflicts} conflicts: a known event id with another body`);
  if (received.suspectedReplays > 0) {
    said.push(`${received.suspectedReplays} suspected replays: known bytes under a new event id`);
  }
  return said;
}

function time(ms: number | null): string | null {
  return ms === null ? null : formatTimestamp(ms);
}
