import type { Kpi } from '../core/kpi.ts';
import { formatDuration } from '../core/time.ts';
import { html, type Markup, outsideText } from './markup.ts';
import type { EndpointReport } from './report.ts';
import { describeKpi, formatAmount } from './wording.ts';

// Positions are per cent of the width, so that plots fit any page while their text keeps its size.

/** A KPI's observed value and 95 % interval on a scale on which the side that meets the threshold is shaded. */
export function kpiScale(kpi: Kpi): Markup {
  const { observed, threshold, interval, unit, verdict } = kpi;
  const said = describeKpi(kpi);
  const [low, high] = scaleEnds(kpi);
  const at = (value: number) => 2 + (96 * (Math.min(Math.max(value, low), high) - low)) / (high - low);
  const limit = at(threshold);
  const [from, to] = unit === 'ms' ? [0, limit] : [limit, 100];
  const range = interval === null ? '' : `, 95 % interval ${said.interval}`;
  const found = observed === null ? 'no data' : `observed ${said.observed}${range}`;
  return html`<svg class="scale" role="img" width="100%" height="50">
<title>${said.label}: ${found}; threshold ${said.threshold}; ${verdict}</title>
<rect class="track" y="20" width="100%" height="14" rx="3"/>
<rect class="meets" x="${percent(from)}" y="20" width="${percent(to - from)}" height="14" rx="3"/>
<line class="limit" x1="${percent(limit)}" x2="${percent(limit)}" y1="15" y2="37"/>
<text class="limit-label" x="${percent(limit)}" y="11" text-anchor="${anchor(limit)}">${said.threshold}</text>
${interval === null ? '' : whisker(at(interval[0]), at(interval[1]))}
${observed === null ? '' : mark(at(observed), verdict)}
<text x="0" y="48">${formatAmount(unit, low)}</text>
<text x="100%" y="48" text-anchor="end">${formatAmount(unit, high)}</text>
</svg>`;
}

/** One endpoint's latency percentiles on a scale that all endpoints of a report share. */
export function latencyPlot({ name, latency_ms: latency }: EndpointReport, slowest: number): Markup {
  const rows = Object.entries(latency).flatMap(([key, ms]) => (ms === null ? [] : [{ key, ms }]));
  const end = niceCeiling(slowest);
  const height = rows.length * ROW + 20;
  return html`<svg class="latency" role="img" width="100%" height="${String(height)}">
<title>Latency at ${outsideText(name)}: ${rows.map(({ key, ms }) => `${key} ${formatDuration(ms)}`).join(', ')}</title>
${[0, 25, 50, 75, 100].map((x) => tick(x, height - 16, formatDuration((end * x) / 100)))}
${rows.map(
  ({ key, ms }, i) => html`<text class="key" x="0" y="${String(i * ROW + 13)}">${key}</text>
<text class="value" x="100%" y="${String(i * ROW + 13)}" text-anchor="end">${formatDuration(ms)}</text>
<rect class="track" y="${String(i * ROW + 18)}" width="100%" height="8" rx="2"/>
<rect class="${key}" y="${String(i * ROW + 18)}" width="${percent((100 * ms) / end)}" height="8" rx="2"/>
`,
)}</svg>`;
}

const ROW = 34;

/** A bar in a table's row; `kind` is its colour. Something is seen of whatever is not nothing. */
export function bar(share: number, kind: string, said: string): Markup {
  const width = percent(Math.max(share > 0 ? 1.5 : 0, 100 * share));
  return html`<svg class="bar" role="img" width="100%" height="10"><title>${said}</title><rect class="track" width="100%" height="10" rx="2"/><rect class="${kind}" width="${width}" height="10" rx="2"/></svg>`;
}

function whisker(from: number, to: number): Markup {
  const [a, b] = [percent(from), percent(to)];
  return html`<line class="interval" x1="${a}" x2="${b}" y1="27" y2="27"/><line class="interval" x1="${a}" x2="${a}" y1="22" y2="32"/><line class="interval" x1="${b}" x2="${b}" y1="22" y2="32"/>`;
}

/** Round where the threshold is met, a diamond where it is not: colour alone does not say it. */
function mark(x: number, verdict: Kpi['verdict']): Markup {
  if (verdict !== 'fail') return html`<circle class="observed" cx="${percent(x)}" cy="27" r="6"/>`;
  return html`<svg overflow="visible" x="${percent(x)}" y="27"><rect class="observed bad" x="-5.5" y="-5.5" width="11" height="11" transform="rotate(45)"/></svg>`;
}

function tick(x: number, height: number, label: string): Markup {
  const at = percent(x);
  const text = html`<text x="${at}" y="${String(height + 13)}" text-anchor="${anchor(x)}">${label}</text>`;
  return html`<line class="grid" x1="${at}" x2="${at}" y1="18" y2="${String(height)}"/>${x === 25 || x === 75 ? '' : text}`;
}

function anchor(x: number): string {
  return x < 20 ? 'start' : x > 80 ? 'end' : 'middle';
}

/** Times start at nothing. Rates end at 100 %, and start where what there is to see has room. */
function scaleEnds({ unit, observed, threshold, interval }: Kpi): [number, number] {
  const values = [threshold, observed ?? threshold, ...(interval ?? [])];
  if (unit === 'ms') return [0, niceCeiling(Math.max(...values) * 1.1)];
  const missing = (1 - Math.min(...values)) * 1.1;
  return [1 - (RATE_SPANS.find((span) => span >= missing) ?? 1), 1];
}

const RATE_SPANS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5];

/** The next number that reads well in ms, s or minutes. */
function niceCeiling(ms: number): number {
  const unit = ms > 60_000 ? 60_000 : 1;
  const size = 10 ** Math.floor(Math.log10(Math.max(ms / unit, 1)));
  const step = [1, 2, 3, 4, 6, 8, 10].find((n) => n * size * unit >= ms) ?? 10;
  return step * size * unit;
}

function percent(value: number): string {
  return `${Number(value.toFixed(2))}%`;
}
