import { visible } from '../core/redact.ts';
import { formatObserved } from '../core/threshold.ts';
import { type CallSummary, findingLabel } from './calls.ts';
import type { Report } from './report.ts';
import {
  describeCalls,
  describeHorizon,
  describeKpi,
  describeTimeline,
  formatAmount,
  formatCounts,
} from './wording.ts';

const MARKS = { pass: '✅ pass', fail: '❌ fail', 'no data': '⚪ no data' } as const;

/** The report for a pull request, an issue or a job's summary (GitHub-flavoured). */
export function renderMarkdown({
  window,
  totals,
  kpis,
  thresholds,
  endpoints,
  calls,
  notes,
}: Report): string {
  const blocks = [
    '## Delivery report',
    window.from === null ? 'No records.' : `${window.from} … ${window.to ?? 'now'}`,
    `${totals.events} events, ${totals.attempts} attempts, ${totals.receipts} receipts, ${totals.duplicates} duplicates, ${totals.refused} refused`,
    markdownTable(
      ['KPI', 'Observed', 'Threshold', 'Verdict', 'Evidence', '95 % interval'],
      kpis.map((kpi) => {
        const { label, observed, threshold, evidence, interval } = describeKpi(kpi);
        return [label, observed, threshold, MARKS[kpi.verdict], evidence, interval];
      }),
    ),
  ];
  if (thresholds !== undefined) {
    const rows = thresholds.map((one) => [literal(one.expression), formatObserved(one), MARKS[one.verdict]]);
    blocks.push(markdownTable(['Threshold', 'Observed', 'Verdict'], rows));
  }
  if (endpoints.length > 0) {
    blocks.push(
      markdownTable(
        [
          'Endpoint',
          'Events',
          'Attempts',
          'Success',
          'Latency p50',
          'p95',
          'p99',
          'Statuses',
          'May be down for',
        ],
        endpoints.map((e) => [
          literal(e.name),
          String(e.events),
          String(e.attempts),
          formatAmount('ratio', e.success_rate),
          formatAmount('ms', e.latency_ms.p50),
          formatAmount('ms', e.latency_ms.p95),
          formatAmount('ms', e.latency_ms.p99),
          formatCounts(e.statuses),
          describeHorizon(e.outage_horizon_ms),
        ]),
      ),
    );
  }
  if (calls !== undefined) blocks.push(...callBlocks(calls));
  if (notes.length > 0) blocks.push(notes.map((note) => `- ${literal(note)}`).join('\n'));
  return blocks.join('\n\n');
}

function callBlocks(calls: CallSummary): string[] {
  const rows = calls.findings.map(({ rule, severity, calls: n, examples }) => [
    severity === 'warn' ? '⚠️' : 'ℹ️',
    findingLabel({ rule, severity }),
    String(n),
    examples.map(literal).join(', '),
  ]);
  const timelines = calls.timelines.map(
    (one) =>
      `- ${literal(one.call_id)}: ${literal(describeTimeline(one))} – ${one.findings.map(literal).join('; ')}`,
  );
  return [
    `${describeCalls(calls)}.`,
    ...(rows.length === 0 ? [] : [markdownTable(['', 'Found', 'Calls', 'Such as'], rows)]),
    ...(timelines.length === 0 ? [] : [timelines.join('\n')]),
  ];
}

export function markdownTable(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text from outside that means nothing but itself: no markup, link, mention or table cell of its own. */
export function literal(text: string): string {
  return visible(text, 300)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_{}[\]()#+!|~>@:]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
