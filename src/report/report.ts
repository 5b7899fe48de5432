import { Histogram } from '../core/histogram.ts';
import { judgeMedian, judgeRate, type Kpi, type Thresholds } from '../core/kpi.ts';
import type { EndpointTally, Tally } from '../core/tally.ts';
import { formatTimestamp } from '../core/time.ts';

/** What `report` says, as data; every format is a rendering of this (cli.md, report). Keys are the wire's. */
export interface Report {
  window: { from: string | null; to: string | null };
  totals: { events: number; attempts: number; receipts: number; duplicates: number; refused: number };
  kpis: Kpi[];
  endpoints: EndpointReport[];
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
}

/** Judges a tally. Where there are receipts, webhook latency is the receiver's; else the sender's (contract §4). */
export function buildReport(
  tally: Tally,
  window: { from: number | null; to: number | null },
  thresholds: Thresholds = {},
): Report {
  const { endpoints, received } = tally;
  const sum = (pick: (endpoint: EndpointTally) => number) =>
    endpoints.reduce((total, e) => total + pick(e), 0);
  const attempts = sum((e) => e.attempts);
  const events = sum((e) => e.events);
  const sent = endpoints.reduce((all, e) => all.merge(e.latency), new Histogram());
  const latency = received.latency.count > 0 ? received.latency : sent;
  return {
    window: { from: time(window.from ?? tally.from), to: time(window.to ?? tally.to) },
    totals: {
      events: Math.max(events, received.events),
      attempts,
      receipts: received.receipts,
      duplicates: received.duplicates,
      refused: received.refused,
    },
    kpis: [
      judgeMedian('webhook_latency_median', latency, thresholds),
      judgeMedian('widget_latency_median', new Histogram(), thresholds),
      judgeRate(
        'success_rate',
        sum((e) => e.successes),
        attempts,
        thresholds,
      ),
      judgeRate(
        'delivery_rate',
        sum((e) => e.delivered),
        events,
        thresholds,
      ),
      judgeRate('duplicate_drop_rate', received.dropped, received.duplicates, thresholds),
    ],
    endpoints: endpoints.map(describeEndpoint),
    notes: notes(tally),
  };
}

/** Whether every KPI holds; `strict` takes only strong evidence for a pass. No data is never a failure of its own. */
export function reportPasses({ kpis }: Report, strict: boolean): boolean {
  return kpis.every((kpi) => kpiPasses(kpi, strict));
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

function describeEndpoint(e: EndpointTally): EndpointReport {
  return {
    name: e.name,
    url: e.url,
    attempts: e.attempts,
    events: e.events,
    success_rate: e.attempts === 0 ? null : e.successes / e.attempts,
    delivery_rate: e.events === 0 ? null : e.delivered / e.events,
    latency_ms: percentiles(e.latency),
    statuses: e.statuses,
    outcomes: e.outcomes,
    events_by_type: e.eventsByType,
  };
}

function notes({ received }: Tally): string[] {
  const said: string[] = [];
  if (received.skewed > 0)
    said.push(`${received.skewed} receipts before their event's timestamp (clock skew), left out`);
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
