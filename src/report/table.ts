import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import type { Kpi } from '../core/kpi.ts';
import { formatRatio } from '../core/ratio.ts';
import { maskNumbers, visible } from '../core/redact.ts';
import { formatObserved, type ThresholdVerdict } from '../core/threshold.ts';
import { formatDuration } from '../core/time.ts';
import { renderBars } from './bars.ts';
import type { EndpointReport, Report } from './report.ts';
import { renderCalls, renderHorizons, wrap } from './table-lines.ts';
import type { TableStyle } from './table-style.ts';
import { describeKpi, formatCounts } from './wording.ts';

/** From this many columns on the intervals have room. */
const WIDE = 100;

/** The report for a terminal of `width` columns. */
export function renderTable(report: Report, style: TableStyle, width: number): string {
  const { totals, window } = report;
  const blocks = [
    `${style.strong('Report')} ${style.dim(window.from === null ? 'no records' : `${window.from} … ${window.to}`)}`,
    `${totals.events} events, ${totals.attempts} attempts, ${totals.receipts} receipts, ${totals.duplicates} duplicates, ${totals.refused} refused`,
    '',
    renderKpis(report.kpis, style, width),
  ];
  if (report.thresholds !== undefined) blocks.push('', renderThresholds(report.thresholds, style, width));
  if (report.endpoints.length > 0) {
    blocks.push(
      '',
      renderEndpoints(report.endpoints, style, width),
      renderHorizons(report.endpoints, style, width),
    );
    const bars = renderBars(report.endpoints, style, width);
    if (bars !== null) blocks.push('', bars);
  }
  if (report.calls !== undefined) blocks.push('', renderCalls(report.calls, style, width));
  for (const note of report.notes) blocks.push('', ...wrap(note, width).map((line) => style.warn(line)));
  return blocks.join('\n');
}

/** The KPI table alone; narrow terminals get a list. */
export function renderKpis(kpis: readonly Kpi[], style: TableStyle, width: number): string {
  const wide = width >= WIDE;
  const rows = kpis.map((kpi) => {
    const { label, observed, threshold, evidence, interval } = describeKpi(kpi);
    return [label, observed, threshold, verdict(kpi, style), evidence, ...(wide ? [interval] : [])];
  });
  const head = ['KPI', 'Observed', 'Threshold', 'Verdict', 'Evidence', ...(wide ? ['95 % interval'] : [])];
  return grid(head, rows, style, width);
}

function renderThresholds(thresholds: readonly ThresholdVerdict[], style: TableStyle, width: number): string {
  const rows = thresholds.map((one) => [
    visible(one.expression, 60),
    formatObserved(one),
    verdict(one, style),
  ]);
  return grid(['Threshold', 'Observed', 'Verdict'], rows, style, width);
}

function renderEndpoints(endpoints: readonly EndpointReport[], style: TableStyle, width: number): string {
  const rows = endpoints.map((e) => [
    visible(maskNumbers(e.name), 40),
    String(e.events),
    String(e.attempts),
    e.success_rate === null ? '–' : formatRatio(e.success_rate),
    e.latency_ms.p50 === null
      ? '–'
      : `${formatDuration(e.latency_ms.p50)} / ${formatDuration(e.latency_ms.p95 as number)}`,
    formatCounts(e.statuses),
  ]);
  return grid(
    ['Endpoint', 'Events', 'Attempts', 'Success', 'Latency p50 / p95', 'Statuses'],
    rows,
    style,
    width,
  );
}

function verdict({ verdict: word }: Pick<Kpi, 'verdict'>, style: TableStyle): string {
  if (word === 'pass') return style.good('pass');
  return word === 'fail' ? style.bad('fail') : style.dim('no data');
}

function grid(head: string[], rows: string[][], style: TableStyle, width: number): string {
  const table = new Table({
    head: head.map((cell) => style.dim(cell)),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: BORDERLESS,
  });
  table.push(...rows);
  const text = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
  if (widest(text) <= width) return text;
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? style.strong(cell) : `  ${head[i]}: ${cell}`)).join('\n'))
    .join('\n');
}

function widest(text: string): number {
  return Math.max(...text.split('\n').map((line) => stripVTControlCharacters(line).length));
}

const BORDERLESS = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((name) => [name, '']),
);
