import type { Histogram } from '../core/histogram.ts';
import type { RateStep, Store } from '../core/store.ts';
import { buildReport } from '../report/report.ts';
import { type KpiPage, type RateColumns, WINDOWS, type WindowName } from './wire.ts';

/** About so many steps of time make a plot. */
const STEPS = 90;
const STEP_SIZES_MS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400].map(
  (s) => s * 1000,
);
/** Bars of a distribution: so many for each tenfold. */
const BARS_A_DECADE = 8;

/** The KPIs of a span of time up to now, and what is plotted beside them. */
export async function readKpis(store: Store, window: WindowName, now: number): Promise<KpiPage> {
  const began = performance.now();
  const span = WINDOWS[window];
  const since = span === null ? null : now - span;
  const filter = since === null ? {} : { since };
  const tally = await store.tally(filter);
  const from = since ?? tally.from ?? now;
  const to = since === null ? (tally.to ?? now) : now;
  const stepMs = STEP_SIZES_MS.find((size) => (to - from) / size <= STEPS) ?? Math.ceil((to - from) / STEPS);
  const rates = await store.rates(filter, stepMs);
  return {
    report: buildReport(tally, { from: since, to: since === null ? null : now }),
    latency: { webhook: bars(tally.received.latency), widget: bars(tally.received.widget) },
    rates: columns(rates, from, to, stepMs),
    took_ms: performance.now() - began,
  };
}

/** Buckets that are equally wide on a logarithmic scale, by their upper ends; empty ones between are there, too. */
function bars(histogram: Histogram): [ms: number, count: number][] {
  const counts = new Map<number, number>();
  for (const [ms, count] of histogram.buckets()) {
    const place = ms < 1 ? 0 : Math.ceil(Math.log10(ms) * BARS_A_DECADE - 1e-9);
    counts.set(place, (counts.get(place) ?? 0) + count);
  }
  const places = [...counts.keys()];
  if (places.length === 0) return [];
  const [first, last] = [Math.min(...places), Math.max(...places)];
  return Array.from({ length: last - first + 1 }, (_, i) => [
    10 ** ((first + i) / BARS_A_DECADE),
    counts.get(first + i) ?? 0,
  ]);
}

/** A number for each step, those without records too: a plot's line must not jump over silence. */
function columns(rates: readonly RateStep[], from: number, to: number, stepMs: number): KpiPage['rates'] {
  const first = Math.floor(from / stepMs) * stepMs;
  const length = Math.max(1, Math.floor((to - first) / stepMs) + 1);
  const zeros = () => new Array<number>(length).fill(0);
  const steps: RateColumns = {
    received: zeros(),
    duplicates: zeros(),
    refused: zeros(),
    sent: zeros(),
    failed: zeros(),
  };
  for (const { at, ...counts } of rates) {
    const i = Math.round((at - first) / stepMs);
    if (i < 0 || i >= length) continue;
    for (const key of Object.keys(steps) as (keyof RateColumns)[]) steps[key][i] = counts[key];
  }
  return { from_ms: first, step_ms: stepMs, steps };
}
