import { visible } from '../core/redact.ts';
import type { Report } from './report.ts';
import { describeKpi, formatAmount, formatCounts } from './wording.ts';

const MARKS = { pass: '✅ pass', fail: '❌ fail', 'no data': '⚪ no data' } as const;

/** The report for a pull request, an issue or a job's summary (GitHub-flavoured). */
export function renderMarkdown({ window, totals, kpis, endpoints, notes }: Report): string {
  const blocks = [
    '## Delivery report',
    window.from === null ? 'No records.' : `${window.from} … ${window.to}`,
    `${totals.events} events, ${totals.attempts} attempts, ${totals.receipts} receipts, ${totals.duplicates} duplicates, ${totals.refused} refused`,
    table(
      ['KPI', 'Observed', 'Threshold', 'Verdict', 'Evidence', '95 % interval'],
      kpis.map((kpi) => {
        const { label, observed, threshold, evidence, interval } = describeKpi(kpi);
        return [label, observed, threshold, MARKS[kpi.verdict], evidence, interval];
      }),
    ),
  ];
  if (endpoints.length > 0) {
    blocks.push(
      table(
        ['Endpoint', 'Events', 'Attempts', 'Success', 'Latency p50', 'p95', 'p99', 'Statuses'],
        endpoints.map((e) => [
          literal(e.name),
          String(e.events),
          String(e.attempts),
          formatAmount('ratio', e.success_rate),
          formatAmount('ms', e.latency_ms.p50),
          formatAmount('ms', e.latency_ms.p95),
          formatAmount('ms', e.latency_ms.p99),
          formatCounts(e.statuses),
        ]),
      ),
    );
  }
  if (notes.length > 0) blocks.push(notes.map((note) => `- ${literal(note)}`).join('\n'));
  return blocks.join('\n\n');
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text from outside that means nothing but itself: no markup, link, mention or table cell of its own. */
function literal(text: string): string {
  return visible(text, 100)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_{}[\]()#+!|~>@:]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
