import type { Kpi } from '../core/kpi.ts';
import { type Labels, MetricFamilies, type Sample } from './metric-families.ts';
import type { EndpointReport, Report } from './report.ts';

/** OpenMetrics 1.0 text, for a Prometheus text-file collector; seconds and ratios, as Prometheus wants them. */
export function renderOpenMetrics({ totals, kpis, thresholds = [], endpoints, calls }: Report): string {
  const families = new MetricFamilies();
  const family: MetricFamilies['add'] = (...given) => families.add(...given);
  const perKpi = (pick: (kpi: Kpi) => number | null) =>
    kpis.flatMap((kpi): Sample[] => {
      const value = pick(kpi);
      return value === null
        ? []
        : [['', { kpi: kpi.name, unit: kpi.unit === 'ms' ? 'seconds' : 'ratio' }, value]];
    });
  const base = (kpi: Kpi, value: number | null) =>
    value === null || kpi.unit !== 'ms' ? value : value / 1000;
  family(
    'mo_notify_kpi',
    'gauge',
    'Observed value of a KPI.',
    perKpi((kpi) => base(kpi, kpi.observed)),
  );
  family(
    'mo_notify_kpi_threshold',
    'gauge',
    'What the KPI is judged by.',
    perKpi((kpi) => base(kpi, kpi.threshold)),
  );
  family(
    'mo_notify_kpi_ok',
    'gauge',
    '1 where the KPI meets its threshold, 0 where not; absent without data.',
    perKpi(({ verdict }) => (verdict === 'no data' ? null : Number(verdict === 'pass'))),
  );
  family(
    'mo_notify_threshold_ok',
    'gauge',
    '1 where a threshold that was asked for holds, else 0.',
    thresholds.map(({ expression, verdict }) => ['', { threshold: expression }, Number(verdict === 'pass')]),
  );
  family(
    'mo_notify_records',
    'gauge',
    'What the report is made of.',
    Object.entries(totals).map(([kind, n]) => ['', { kind }, n]),
  );
  const perEndpoint = (
    pick: (e: EndpointReport) => [suffix: string, labels: Labels, value: number | null][],
  ): Sample[] =>
    endpoints.flatMap((e) =>
      pick(e).flatMap(([suffix, labels, value]): Sample[] =>
        value === null ? [] : [[suffix, { endpoint: e.name, url: e.url, ...labels }, value]],
      ),
    );
  const counts = (label: string, of: (e: EndpointReport) => Record<string, number>) =>
    perEndpoint((e) => Object.entries(of(e)).map(([key, n]) => ['_total', { [label]: key }, n]));
  family(
    'mo_notify_attempts',
    'counter',
    'Attempts.',
    perEndpoint((e) => [['_total', {}, e.attempts]]),
  );
  family(
    'mo_notify_events',
    'counter',
    'Events, by type.',
    counts('event', (e) => e.events_by_type),
  );
  family(
    'mo_notify_answers',
    'counter',
    'Answers, by status.',
    counts('status', (e) => e.statuses),
  );
  family(
    'mo_notify_outcomes',
    'counter',
    'Attempts, by outcome.',
    counts('outcome', (e) => e.outcomes),
  );
  family(
    'mo_notify_delivery_latency_seconds',
    'summary',
    'From due to the first 2xx.',
    perEndpoint(({ latency_ms: ms }) =>
      (
        [
          ['0.5', ms.p50],
          ['0.9', ms.p90],
          ['0.95', ms.p95],
          ['0.99', ms.p99],
          ['1', ms.max],
        ] as const
      ).map(([quantile, value]) => ['', { quantile }, value === null ? null : value / 1000]),
    ),
  );
  family(
    'mo_notify_outage_horizon_seconds',
    'gauge',
    'How long an endpoint may be down before events are lost.',
    perEndpoint(({ outage_horizon_ms: { surely, at_most: atMost } }) => [
      ['', { bound: 'surely' }, surely / 1000],
      ['', { bound: 'at_most' }, atMost / 1000],
    ]),
  );
  family(
    'mo_notify_calls',
    'gauge',
    'Calls, by their last status.',
    Object.entries(calls?.statuses ?? {}).map(([status, n]) => ['', { status }, n]),
  );
  family(
    'mo_notify_call_findings',
    'gauge',
    'Calls with something in their states that does not fit.',
    (calls?.findings ?? []).map(({ rule, severity, calls: n }) => ['', { rule, severity }, n]),
  );
  return families.text();
}
