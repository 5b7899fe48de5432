import { maskNumbers, visible } from '../core/redact.ts';
import { formatDuration } from '../core/time.ts';
import { answersOf, listCounts, statusKind } from './counts.ts';
import type { EndpointReport } from './report.ts';
import type { TableStyle } from './table-style.ts';

interface Row {
  key: string;
  /** 0 to 1. */
  share: number;
  value: string;
  paint: (text: string) => string;
}

const MOST_ENDPOINTS = 10;
const MOST_STATUSES = 5;
/** A shorter bar says nothing, a longer one nothing more. */
const LEAST_BAR = 6;
const MOST_BAR = 30;
/** From this many columns on latency and statuses stand side by side. */
const WIDE = 76;
const GAP = '    ';
const INDENT = '  ';

/** Latency and statuses of the busiest endpoints as bars, in `width` columns; null where they have no room. */
export function renderBars(
  endpoints: readonly EndpointReport[],
  style: TableStyle,
  width: number,
): string | null {
  const busiest = new Set([...endpoints].sort((a, b) => b.attempts - a.attempts).slice(0, MOST_ENDPOINTS));
  const drawn = endpoints.filter((endpoint) => busiest.has(endpoint));
  const slowest = drawn.reduce((most, { latency_ms: { p99 } }) => Math.max(most, p99 ?? 0), 0);
  const parts = drawn.map((endpoint) => {
    const [latency, statuses] = [latencyRows(endpoint, slowest), statusRows(endpoint, style)];
    return width >= WIDE ? [latency, statuses] : [[...latency, ...statuses]];
  });
  const count = width >= WIDE ? 2 : 1;
  const room = Math.floor((width - INDENT.length - (count - 1) * GAP.length) / count);
  const columns = Array.from({ length: count }, (_, i) => {
    const rows = parts.flatMap((part) => part[i] ?? []);
    return column(rows, room);
  });
  if (columns.some(({ bar }) => bar < LEAST_BAR)) return null;
  const blocks = drawn.map(({ name }, i) => {
    const lines = (parts[i] as Row[][]).map((rows, c) => drawRows(rows, columns[c] as Column));
    return [style.strong(oneLine(name, width)), ...beside(lines, columns)].join('\n');
  });
  const left = endpoints.length - drawn.length;
  return [...blocks, ...(left > 0 ? [style.dim(`and ${left} more`)] : [])].join('\n');
}

function latencyRows({ latency_ms: latency }: EndpointReport, slowest: number): Row[] {
  return (['p50', 'p90', 'p95', 'p99'] as const).flatMap((key) => {
    const ms = latency[key];
    if (ms === null) return [];
    return [{ key, share: slowest === 0 ? 0 : ms / slowest, value: formatDuration(ms), paint: same }];
  });
}

function statusRows(endpoint: EndpointReport, style: TableStyle): Row[] {
  const paints = { good: style.good, neutral: same, warn: style.warn, bad: style.bad };
  return listCounts(answersOf(endpoint), MOST_STATUSES).map(([key, n]) => ({
    key: visible(key, 10),
    share: endpoint.attempts === 0 ? 0 : n / endpoint.attempts,
    value: String(n),
    paint: paints[statusKind(key)],
  }));
}

/** The widths of a column's parts, the same for all endpoints, so that their bars compare. */
interface Column {
  key: number;
  bar: number;
  value: number;
}

function column(rows: readonly Row[], room: number): Column {
  const key = Math.max(0, ...rows.map((row) => row.key.length));
  const value = Math.max(0, ...rows.map((row) => row.value.length));
  return { key, bar: Math.min(room - key - value - 4, MOST_BAR), value };
}

function drawRows(rows: readonly Row[], { key, bar, value }: Column): string[] {
  return rows.map((row) => {
    const drawn = drawBar(row.share, bar);
    const space = ' '.repeat(bar - drawn.length);
    return `${row.key.padEnd(key)}  ${row.paint(drawn)}${space}  ${row.value.padStart(value)}`;
  });
}

/** Columns of lines side by side; what is missing in one is left blank. */
function beside(lines: readonly string[][], columns: readonly Column[]): string[] {
  const height = Math.max(...lines.map((column) => column.length));
  return Array.from({ length: height }, (_, y) => {
    const cells = columns.map(({ key, bar, value }, x) => lines[x]?.[y] ?? ' '.repeat(key + bar + value + 4));
    return (INDENT + cells.join(GAP)).trimEnd();
  });
}

/** In eighths of a column; of what is not nothing, something is seen. */
function drawBar(share: number, length: number): string {
  const eighths = Math.max(share > 0 ? 1 : 0, Math.round(Math.min(share, 1) * length * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8];
}

/** A name on a line of its own; letters beyond ASCII may take two columns each. */
function oneLine(name: string, width: number): string {
  const masked = maskNumbers(name);
  const shown = visible(masked, Math.min(40, width - 1));
  return /^[ -~]*…?$/.test(shown) ? shown : visible(masked, Math.min(40, Math.floor((width - 1) / 2)));
}

const same = (text: string) => text;
