import type { Kpi } from '../core/kpi.ts';
import { formatRatio } from '../core/ratio.ts';
import { formatDuration } from '../core/time.ts';

/** How KPIs are said wherever people read them. */
export const KPI_LABELS: Record<Kpi['name'], string> = {
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

export function formatThreshold({ unit, threshold }: Kpi): string {
  return `${unit === 'ms' ? '≤' : '≥'} ${formatAmount(unit, threshold)}`;
}

export function formatEvidence({ verdict, evidence, n, needs }: Kpi): string {
  if (evidence === null) return needs === null ? '' : `needs n=${needs}`;
  if (verdict === 'fail') return `n=${n}`;
  return evidence === 'weak' && needs !== null ? `weak, n=${n} of ${needs}` : `${evidence}, n=${n}`;
}

export function formatInterval({ interval, unit }: Kpi): string {
  return interval === null ? '' : `${formatAmount(unit, interval[0])} – ${formatAmount(unit, interval[1])}`;
}

/** `200×9 503×1`. */
export function formatCounts(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([key, n]) => `${key}×${n}`)
    .join(' ');
}
