import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyEndpointTally, emptyReceiptTally } from '../../../src/core/tally.ts';
import { renderBars } from '../../../src/report/bars.ts';
import { buildReport } from '../../../src/report/report.ts';
import { renderTable } from '../../../src/report/table.ts';

const plain = (text: string) => text;
const PLAIN = { good: plain, bad: plain, warn: plain, dim: plain, strong: plain };
const paint = (code: number) => (text: string) => `\x1b[${code}m${text}\x1b[0m`;
const COLOURS = { good: paint(32), bad: paint(31), warn: paint(33), dim: paint(2), strong: paint(1) };

interface About {
  name?: string;
  latency?: number[];
  statuses?: Record<string, number>;
  unanswered?: number;
}

function report(...about: About[]) {
  const endpoints = about.map(({ name = 'crm', latency = [100], statuses = { 200: 1 }, unanswered = 0 }) => {
    const endpoint = emptyEndpointTally(name, 'http://127.0.0.1:3000/');
    Object.assign(endpoint.statuses, statuses);
    endpoint.attempts = Object.values(statuses).reduce((sum, n) => sum + n, unanswered);
    for (const ms of latency) endpoint.latency.record(ms, 1);
    return endpoint;
  });
  const tally = { endpoints, received: emptyReceiptTally(), from: 0, to: 1000 };
  return buildReport(tally, { from: null, to: null });
}

const bars = (width: number, ...about: About[]) => renderBars(report(...about).endpoints, PLAIN, width);
const FAST = { name: 'fast', latency: [100], statuses: { 200: 9, 503: 1 } };
const SLOW = { name: 'slow', latency: [200], statuses: { 404: 3, 200: 1 }, unanswered: 4 };

describe('the bars below the endpoints', () => {
  test('compare latencies with the slowest p99, and statuses with all attempts', () => {
    expect(bars(80, FAST, SLOW)).toBe(`fast
  p50  ████████████              100 ms    200   █████████████████████████▎    9
  p90  ████████████              100 ms    503   ██▊                           1
  p95  ████████████              100 ms
  p99  ████████████              100 ms
slow
  p50  ████████████████████████  200 ms    none  ██████████████                4
  p90  ████████████████████████  200 ms    404   ██████████▌                   3
  p95  ████████████████████████  200 ms    200   ███▌                          1
  p99  ████████████████████████  200 ms`);
  });

  test('stand one above the other where they have no room side by side', () => {
    expect(bars(30, SLOW)).toBe(`slow
  p50   ██████████████  200 ms
  p90   ██████████████  200 ms
  p95   ██████████████  200 ms
  p99   ██████████████  200 ms
  none  ███████              4
  404   █████▎               3
  200   █▊                   1`);
  });

  test('show something of one in a million, and nothing of no latency', () => {
    const [first, second] = (bars(40, { latency: [], statuses: { 200: 999_999, 500: 1 } }) ?? '')
      .split('\n')
      .slice(1);
    expect(first).toMatch(/^ {2}200 {2}█+ {2}999999$/);
    expect(second).toMatch(/^ {2}500 {2}▏ +1$/);
  });

  test('are of the five most frequent statuses and the ten busiest endpoints; the rest is counted', () => {
    const statuses = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [500 + i, 9 - i]));
    const [, ...rows] = (bars(60, { latency: [], statuses }) ?? '').split('\n');
    expect(rows.map((row) => row.trim().split(/ {2,}/)[0])).toEqual(['500', '501', '502', '503', '5 others']);
    const many = Array.from({ length: 12 }, (_, i) => ({ name: `e${i}`, statuses: { 200: 1 + i } }));
    const text = bars(80, ...many) ?? '';
    expect(text).not.toMatch(/^e[01]$/m);
    expect(text).toMatch(/^e2$/m);
    expect(text.split('\n').at(-1)).toBe('and 2 more');
  });

  test('are coloured by what an answer means; colours take no room and plain text has none', () => {
    const { endpoints } = report(FAST, SLOW);
    const coloured = renderBars(endpoints, COLOURS, 80) ?? '';
    expect(stripVTControlCharacters(coloured)).toBe(renderBars(endpoints, PLAIN, 80));
    expect(coloured).toContain('200   \x1b[32m█');
    expect(coloured).toContain('503   \x1b[31m█');
    expect(coloured).toContain('404   \x1b[33m█');
    expect(coloured).toContain('none  \x1b[31m█');
    expect(renderBars(endpoints, PLAIN, 80)).not.toContain('\x1b');
  });
});

describe('F5 the bars keep to the width', () => {
  test('and leave where there is no room for them', () => {
    expect(bars(20, SLOW)).toBeNull();
    const text = renderTable(report(SLOW), PLAIN, 20);
    expect(text).not.toMatch(/[▏▎▍▌▋▊▉█]/);
    expect(text).toContain('Statuses: 200×1 404×3');
  });

  test('of 20 columns and more, whatever names, latencies and counts are', () => {
    const about = fc.record({
      name: fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constant('電話'.repeat(30))),
      latency: fc.array(fc.double({ min: 0, max: 1e8, noNaN: true }), { maxLength: 5 }),
      statuses: fc.dictionary(fc.stringMatching(/^[1-5]\d\d$/), fc.integer({ min: 1, max: 1e9 })),
      unanswered: fc.nat(1e6),
    });
    fc.assert(
      fc.property(
        fc.array(about, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 20, max: 140 }),
        (all, width) => {
          for (const line of bars(width, ...all)?.split('\n') ?? []) {
            expect(columnsOf(line), line).toBeLessThanOrEqual(width);
          }
        },
      ),
    );
  });
});

test('F1 a hostile name takes its own line and moves nothing', () => {
  const rows = (name: string) => (bars(80, { ...FAST, name }, SLOW) ?? '').split('\n');
  const [head, ...rest] = rows('a\x1b[2J\n\u202eb\u009b1m');
  expect(head).toBe('a\\x1b[2J\\n\\u{202e}b\\x9b1m');
  expect(rest).toEqual(rows('fast').slice(1));
});

test('a caller’s number in a name is masked, in the table as above its bars', () => {
  const text = renderTable(report({ name: 'of +919876543210' }), PLAIN, 100);
  expect(text.split('of +91******3210')).toHaveLength(3);
  expect(text).not.toContain('+919876543210');
});

/** What a line takes at most on a terminal: what is not Latin, a sign or a block may be two columns wide. */
function columnsOf(line: string): number {
  return [...line].reduce((sum, character) => sum + (/[\x20-\x7e…▏▎▍▌▋▊▉█]/.test(character) ? 1 : 2), 0);
}
