import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { judgeRate, type Kpi } from '../../../src/core/kpi.ts';
import { DEFAULT_SCHEDULE } from '../../../src/core/schedule.ts';
import { emptyEndpointTally, emptyReceiptTally, type Tally } from '../../../src/core/tally.ts';
import { buildReport } from '../../../src/report/report.ts';
import { renderKpis, renderTable } from '../../../src/report/table.ts';
import type { TableStyle } from '../../../src/report/table-style.ts';

const plain = (text: string) => text;
const PLAIN: TableStyle = { good: plain, bad: plain, warn: plain, dim: plain, strong: plain };
const colour = (code: number) => (text: string) => `\x1b[${code}m${text}\x1b[0m`;
const COLOURS: TableStyle = {
  good: colour(32),
  bad: colour(31),
  warn: colour(33),
  dim: colour(2),
  strong: colour(1),
};
const ALL = { from: null, to: null };

function tally(name = '127.0.0.1:3000'): Tally {
  const endpoint = emptyEndpointTally(name, 'http://127.0.0.1:3000/');
  Object.assign(endpoint, { attempts: 10, successes: 9, events: 9, delivered: 9 });
  Object.assign(endpoint.statuses, { 200: 9, 503: 1 });
  endpoint.latency.record(120, 9);
  return { endpoints: [endpoint], received: emptyReceiptTally(), from: 0, to: 1000 };
}

const report = (name?: string) => buildReport(tally(name), ALL);
const widest = (text: string) => Math.max(...text.split('\n').map((line) => [...line].length));

test('a wide terminal gets the intervals too', () => {
  expect(renderTable(report(), PLAIN, 120)).toBe(`Report 1970-01-01T00:00:00.000Z … 1970-01-01T00:00:01.000Z
9 events, 10 attempts, 0 receipts, 0 duplicates, 0 refused

KPI                       Observed  Threshold  Verdict  Evidence          95 % interval
Webhook latency (median)  120 ms    ≤ 5.0 s    pass     strong, n=9       120 ms – 120 ms
Widget latency (median)   –         ≤ 3.0 s    no data  needs n=6
Success rate (attempts)   90 %      ≥ 99 %     fail     n=10              59.58 % – 98.21 %
Delivery rate (events)    100 %     ≥ 99 %     pass     weak, n=9 of 299  70.08 % – 100 %
Duplicates dropped        –         ≥ 99.9 %   no data  needs n=2995

Endpoint        Events  Attempts  Success  Latency p50 / p95  Statuses
127.0.0.1:3000  9       10        90 %     120 ms / 120 ms    200×9 503×1
May be down for 24.8 s (37.2 s at most) before events are lost

127.0.0.1:3000
  p50  ██████████████████████████████  120 ms    200  ███████████████████████████     9
  p90  ██████████████████████████████  120 ms    503  ███                             1
  p95  ██████████████████████████████  120 ms
  p99  ██████████████████████████████  120 ms`);
});

test('endpoints that may be down for different times are named before theirs', () => {
  const endpoints = ['drop', 'flaky', 'slow'].flatMap((name) => tally(name).endpoints);
  const scheduleOf = ({ name }: { name: string }) =>
    name === 'slow' ? { retries: 1, backoffMs: [60_000] } : DEFAULT_SCHEDULE;
  const text = renderTable(buildReport({ ...tally(), endpoints }, ALL, { scheduleOf }), PLAIN, 120);
  expect(text.split('\n').filter((line) => line.includes('be down'))).toEqual([
    'drop, flaky: may be down for 24.8 s (37.2 s at most) before events are lost',
    'slow: may be down for 48.0 s (1 min 12 s at most) before events are lost',
  ]);
});

test('80 columns get the table without them', () => {
  const text = renderTable(report(), PLAIN, 80);
  expect(text).toContain('KPI                       Observed  Threshold  Verdict  Evidence\n');
  expect(widest(text)).toBeLessThanOrEqual(80);
});

test('a narrow terminal gets a list, with the same words', () => {
  const text = renderKpis(report().kpis, PLAIN, 40);
  expect(text).toContain(
    'Success rate (attempts)\n  Observed: 90 %\n  Threshold: ≥ 99 %\n  Verdict: fail\n  Evidence: n=10\n',
  );
  expect(widest(text)).toBeLessThanOrEqual(40);
});

test('colours take no room, and plain text has none', () => {
  const coloured = renderTable(report(), COLOURS, 80);
  expect(stripVTControlCharacters(coloured)).toBe(renderTable(report(), PLAIN, 80));
  expect(coloured).toContain('\x1b[31mfail\x1b[0m');
  expect(coloured).toContain('\x1b[32mpass\x1b[0m');
  expect(renderTable(report(), PLAIN, 80)).not.toContain('\x1b');
});

test('an empty report says so, and has neither NaN nor an endpoint', () => {
  const empty = buildReport({ endpoints: [], received: emptyReceiptTally(), from: null, to: null }, ALL);
  const text = renderTable(empty, PLAIN, 80);
  expect(text).toMatch(/^Report no records\n0 events, 0 attempts, 0 receipts, 0 duplicates, 0 refused\n/);
  expect(text).not.toMatch(/NaN|Infinity|null|undefined|Endpoint/);
});

test('notes come last', () => {
  const received = { ...emptyReceiptTally(), skewed: 2 };
  const text = renderTable(buildReport({ ...tally(), received }, ALL), PLAIN, 80);
  expect(text.split('\n').at(-1)).toContain('clock skew');
});

test('F1 F2 an endpoint with a hostile name takes one line and moves nothing', () => {
  const text = renderTable(report('a\x1b[2J\n\u202eb|'), PLAIN, 120);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested
  expect(text.replaceAll('\n', '')).not.toMatch(/[\0-\x1f\x7f-\x9f\u202e]/);
  expect(text.split('\n').at(-8)).toMatch(/^a\\x1b\[2J\\n\\u\{202e\}b\| +9 +10 +90 % /);
  expect(text.split('\n')).toHaveLength(renderTable(report(), PLAIN, 120).split('\n').length);
});

describe('a rate is shown to a hundredth of a per cent, never rounded up', () => {
  test.each([
    [57, 100, '57 %'],
    [29, 100, '29 %'],
    [99_999, 100_000, '99.99 %'],
    [999_999, 1_000_000, '99.99 %'],
    [1, 3, '33.33 %'],
    [2, 3, '66.66 %'],
    [0, 5, '0 %'],
    [5, 5, '100 %'],
    [999, 1000, '99.9 %'],
  ])('%d of %d is %s', (successes, trials, shown) => {
    expect(observed(judgeRate('success_rate', successes, trials))).toBe(shown);
  });

  test('of every share of 100, 125 and 300, in agreement with whole numbers', () => {
    const wrong: string[] = [];
    for (const trials of [100, 125, 300]) {
      const kpis = Array.from({ length: trials + 1 }, (_, ok) => judgeRate('success_rate', ok, trials));
      const lines = renderKpis(kpis, PLAIN, 99).split('\n').slice(1);
      for (const [ok, line] of lines.entries()) {
        const hundredths = Math.floor((ok * 10_000) / trials);
        if (!line.includes(`  ${hundredths / 100} %  `)) wrong.push(`${ok} of ${trials}: ${line}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

function observed(kpi: Kpi): string | undefined {
  return /Observed: (.+)/.exec(renderKpis([kpi], PLAIN, 10))?.[1];
}
