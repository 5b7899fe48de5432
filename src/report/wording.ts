import type { Kpi } from '../core/kpi.ts';
import { formatRatio } from '../core/ratio.ts';
import { formatDuration } from '../core/time.ts';
import type { CallSummary, CallTimeline } from './calls.ts';
import type { EndpointReport } from './report.ts';

/** How KPIs are said wherever people read them. */
const KPI_LABELS: Record<Kpi['name'], string> = {
  webhook_latency_median: 'Webhook latency (median)',
  widget_latency_median: 'Widget latency (median)',
  success_rate: 'Success rate (attempts)',
  delivery_rate: 'Delivery rate (events)',
  duplicate_drop_rate: 'Duplicates dropped',
};

/** A KPI's value in its unit; a dash without one. */
export function formatAmount(unit: Kpi['unit'], value: number | null): string {
  if (value === null) return '–';
  return unit === 'ms' ? formatDuration(value) : formatRatio(value);
}

/** A KPI in words, as every table of them has it. */
export function describeKpi(kpi: Kpi) {
  const { name, observed, unit, threshold, interval } = kpi;
  return {
    label: KPI_LABELS[name],
    observed: formatAmount(unit, observed),
    threshold: `${unit === 'ms' ? '≤' : '≥'} ${formatAmount(unit, threshold)}`,
    evidence: strength(kpi),
    interval: interval === null ? '' : interval.map((end) => formatAmount(unit, end)).join(' – '),
  };
}

function strength({ verdict, evidence, n, needs }: Kpi): string {
  if (evidence === null) return needs === null ? '' : `needs n=${needs}`;
  if (verdict === 'fail') return `n=${n}`;
  return evidence === 'weak' && needs !== null ? `weak, n=${n} of ${needs}` : `${evidence}, n=${n}`;
}

/** `200×9 503×1`. */
export function formatCounts(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([key, n]) => `${key}×${n}`)
    .join(' ');
}

/** `45 calls: 30 Disconnected, 15 Missed`. */
export function describeCalls({ calls, statuses, left_out: leftOut }: CallSummary): string {
  const counts = Object.entries(statuses).map(([status, n]) => `${n} ${status}`);
  const unseen = leftOut > 0 ? `; at least ${leftOut} more were not looked at` : '';
  return `${calls} ${calls === 1 ? 'call' : 'calls'}${counts.length === 0 ? '' : `: ${counts.join(', ')}`}${unseen}`;
}

/** `call_initiated, +6.0 s call_connected`: each event with the time since the one before. */
export function describeTimeline({ events }: CallTimeline): string {
  let before: number | null = null;
  return events
    .map(({ event, timestamp }) => {
      const at = timestamp === null ? null : Date.parse(timestamp);
      const gap =
        before === null || at === null ? '' : `${at < before ? '' : '+'}${formatDuration(at - before)} `;
      before = at ?? before;
      return `${gap}${event}`;
    })
    .join(', ');
}

/** How long an endpoint may be down before events are lost. */
export function describeHorizon({ surely, at_most: atMost }: EndpointReport['outage_horizon_ms']): string {
  return `${formatDuration(surely)} (${formatDuration(atMost)} at most)`;
}
