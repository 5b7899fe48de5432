import { toCsv } from '../core/csv.ts';
import { visible } from '../core/redact.ts';
import type { EndpointReport, Report } from './report.ts';

const HEAD = [
  'scope',
  'name',
  'url',
  'metric',
  'value',
  'unit',
  'threshold',
  'verdict',
  'evidence',
  'n',
  'low',
  'high',
];

type Row = (string | number | null)[];

/** One figure a row, so that a spreadsheet or a data frame can pivot it. */
export function renderCsv(report: Report): string {
  const kpis = report.kpis.map((kpi): Row => {
    const [low, high] = kpi.interval ?? [null, null];
    const judged = [kpi.threshold, kpi.verdict, kpi.evidence, kpi.n, low, high];
    return ['kpi', 'all', null, kpi.name, kpi.observed, kpi.unit, ...judged];
  });
  const totals = Object.entries(report.totals).map(([metric, n]) =>
    plain('total', 'all', null, metric, n, 'count'),
  );
  const thresholds = (report.thresholds ?? []).map(({ expression, observed, unit, verdict }): Row => {
    const judged = [null, verdict, null, null, null, null];
    return ['threshold', 'all', null, visible(expression), observed, unit, ...judged];
  });
  const rows = [...kpis, ...thresholds, ...totals, ...report.endpoints.flatMap(endpointRows)];
  return toCsv([HEAD, ...rows, ...callRows(report.calls)]).trimEnd();
}

function callRows(calls: Report['calls']): Row[] {
  if (calls === undefined) return [];
  const row = (metric: string, n: number) => plain('calls', 'all', null, metric, n, 'count');
  return [
    row('calls', calls.calls),
    ...Object.entries(calls.statuses).map(([status, n]) => row(`status:${status}`, n)),
    ...calls.findings.map(({ rule, severity, calls: n }) => row(`${severity}:${rule}`, n)),
  ];
}

function endpointRows(e: EndpointReport): Row[] {
  const row = (metric: string, value: number | null, unit: string) =>
    plain('endpoint', visible(e.name), visible(e.url, 2000), metric, value, unit);
  const counts = (what: string, of: Record<string, number>) =>
    Object.entries(of).map(([key, n]) => row(`${what}:${visible(key)}`, n, 'count'));
  return [
    row('attempts', e.attempts, 'count'),
    row('events', e.events, 'count'),
    row('success_rate', e.success_rate, 'ratio'),
    row('delivery_rate', e.delivery_rate, 'ratio'),
    ...Object.entries(e.latency_ms).map(([name, ms]) => row(`latency_${name}`, ms, 'ms')),
    row('outage_horizon_surely', e.outage_horizon_ms.surely, 'ms'),
    row('outage_horizon_at_most', e.outage_horizon_ms.at_most, 'ms'),
    ...counts('status', e.statuses),
    ...counts('outcome', e.outcomes),
    ...counts('event', e.events_by_type),
  ];
}

function plain(
  scope: string,
  name: string,
  url: string | null,
  metric: string,
  value: number | null,
  unit: string,
): Row {
  return [scope, name, url, metric, value, unit, null, null, null, null, null, null];
}
