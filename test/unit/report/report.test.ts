import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Histogram } from '../../../src/core/histogram.ts';
import type { KpiName } from '../../../src/core/kpi.ts';
import type { Attempt, Receipt } from '../../../src/core/record.ts';
import { emptyEndpointTally, emptyReceiptTally, type Tally } from '../../../src/core/tally.ts';
import { buildReport, percentiles, type Report, reportPasses } from '../../../src/report/report.ts';
import { openStore } from '../../../src/store/open.ts';
import { SEEDED_AT, seedStore } from '../../helpers/seed-store.ts';

const ALL = { from: null, to: null };
const EMPTY: Tally = { endpoints: [], received: emptyReceiptTally(), from: null, to: null };

function kpi(report: Report, name: KpiName) {
  return report.kpis.find((candidate) => candidate.name === name);
}

async function reportOf(records: { attempts?: Partial<Attempt>[]; receipts?: Partial<Receipt>[] }) {
  const store = await openStore(await seedStore(mkdtempSync(join(tmpdir(), 'mo-notify-test-')), records));
  try {
    return buildReport(await store.tally({}), ALL);
  } finally {
    await store.close();
  }
}

const retry = (
  eventId: string,
  attempt: number,
  after: number,
  ending: Partial<Attempt>,
): Partial<Attempt> => ({
  id: `at_${eventId}_${attempt}`,
  eventId,
  attempt,
  dueAt: SEEDED_AT,
  sentAt: SEEDED_AT + after,
  final: attempt === 4 || ending.outcome === 'delivered',
  ...ending,
});
const OK: Partial<Attempt> = { status: 200, outcome: 'delivered' };
const E503: Partial<Attempt> = { status: 503, outcome: 'rejected', error: 'answered 503' };
const E500: Partial<Attempt> = { status: 500, outcome: 'rejected', error: 'answered 500' };
const LATE: Partial<Attempt> = { status: null, outcome: 'timeout', error: 'no answer' };

describe('E15 a golden data set, worked out by hand', () => {
  test('attempts: fine at once, retried then fine, all failed, refused, and a negative test', async () => {
    const report = await reportOf({
      attempts: [
        retry('ev_fine', 1, 0, { ...OK, durationMs: 100 }),
        retry('ev_retried', 1, 0, E503),
        retry('ev_retried', 2, 1000, { ...OK, durationMs: 50 }),
        retry('ev_failed', 1, 0, E500),
        retry('ev_failed', 2, 1000, E500),
        retry('ev_failed', 3, 6000, { ...LATE, durationMs: 30_000 }),
        retry('ev_failed', 4, 61_000, E500),
        retry('ev_other', 1, 0, {
          endpoint: 'billing',
          url: 'http://127.0.0.1:9/',
          event: 'call_missed',
          status: null,
          outcome: 'refused',
          final: true,
        }),
        retry('ev_negative', 1, 0, { status: 400, outcome: 'rejected', fault: 'bad-signature', final: true }),
      ],
    });
    // 8 attempts, of which 2 were answered 2xx; 4 events, of which 2 got there in the end.
    expect(report.totals).toEqual({ events: 4, attempts: 8, receipts: 0, duplicates: 0, refused: 0 });
    expect(kpi(report, 'success_rate')).toMatchObject({ observed: 2 / 8, n: 8, verdict: 'fail' });
    expect(kpi(report, 'delivery_rate')).toMatchObject({ observed: 2 / 4, n: 4, verdict: 'fail' });
    // Wilson for 2 of 8 and for 2 of 4.
    expect(kpi(report, 'success_rate')?.interval?.map((end) => end.toFixed(4))).toEqual(['0.0715', '0.5907']);
    expect(kpi(report, 'delivery_rate')?.interval?.map((end) => end.toFixed(4))).toEqual([
      '0.1500',
      '0.8500',
    ]);
    // First 2xx − due: 100 ms, and 1,000 + 50 ms; the lower of two is the median.
    expect(kpi(report, 'webhook_latency_median')).toMatchObject({ observed: 100, n: 2, verdict: 'pass' });
    expect(report.endpoints).toEqual([
      {
        name: 'billing',
        url: 'http://127.0.0.1:9/',
        attempts: 1,
        events: 1,
        success_rate: 0,
        delivery_rate: 0,
        latency_ms: { p50: null, p90: null, p95: null, p99: null, max: null },
        statuses: {},
        outcomes: { refused: 1 },
        events_by_type: { call_missed: 1 },
        outage_horizon_ms: { surely: 24_800, at_most: 37_200 },
      },
      {
        name: 'crm',
        url: 'https://crm.example.com/notify',
        attempts: 7,
        events: 3,
        success_rate: 2 / 7,
        delivery_rate: 2 / 3,
        latency_ms: { p50: 100, p90: 1050, p95: 1050, p99: 1050, max: 1050 },
        statuses: { 200: 2, 500: 3, 503: 1 },
        outcomes: { delivered: 2, rejected: 4, timeout: 1 },
        events_by_type: { call_connected: 3 },
        // 1 s + 5 s + 25 s, and 20 % either way.
        outage_horizon_ms: { surely: 24_800, at_most: 37_200 },
      },
    ]);
    expect(report.window).toEqual({ from: '2026-01-31T12:00:00.000Z', to: '2026-01-31T12:01:01.000Z' });
  });

  test('receipts: whole seconds, a duplicate, clock skew, no timestamp, a forgery', async () => {
    const report = await reportOf({
      receipts: [
        { eventId: 'ev_a', latencyMs: 1000 },
        { eventId: 'ev_a', latencyMs: 9000 },
        { eventId: 'ev_b', latencyMs: 2000 },
        { eventId: 'ev_same_second', latencyMs: 0 },
        { eventId: 'ev_skewed', latencyMs: -500 },
        { eventId: 'ev_no_time', latencyMs: null },
        { eventId: 'ev_forged', latencyMs: 60_000, signature: 'mismatch', secret: null, status: 400 },
      ],
    });
    expect(report.totals).toEqual({ events: 5, attempts: 0, receipts: 7, duplicates: 1, refused: 1 });
    // Of 0, 1,000 and 2,000 ms.
    expect(kpi(report, 'webhook_latency_median')).toMatchObject({
      observed: 1000,
      n: 3,
      verdict: 'pass',
      evidence: 'weak',
      interval: null,
      needs: 6,
    });
    expect(kpi(report, 'duplicate_drop_rate')).toMatchObject({
      observed: 1,
      n: 1,
      verdict: 'pass',
      needs: 2995,
    });
    expect(kpi(report, 'success_rate')).toMatchObject({ observed: null, verdict: 'no data' });
    expect(report.notes).toEqual([expect.stringContaining('clock skew')]);
  });

  test('events on a page: shown − the event’s timestamp, of those whose latency counts', async () => {
    const page = (eventId: string, latencyMs: number | null, later: number) => ({
      eventId,
      latencyMs,
      receivedAt: SEEDED_AT,
      shownAt: SEEDED_AT + later,
    });
    const report = await reportOf({
      receipts: [
        page('ev_a', 1000, 20),
        page('ev_a', 9000, 30),
        page('ev_b', 2000, 1500),
        page('ev_c', 4000, 50),
        page('ev_skewed', -500, 10),
        page('ev_no_time', null, 10),
        { eventId: 'ev_on_no_page', latencyMs: 100 },
      ],
    });
    // Of 1,020, 3,500 and 4,050 ms.
    expect(kpi(report, 'widget_latency_median')).toMatchObject({ observed: 3500, n: 3, verdict: 'fail' });
    expect(kpi(report, 'webhook_latency_median')).toMatchObject({ observed: 1000, n: 4 });
  });

  test('all failed: rates of 0, and no latency', async () => {
    const report = await reportOf({ attempts: [retry('ev_1', 1, 0, E500), retry('ev_2', 1, 0, LATE)] });
    expect(kpi(report, 'success_rate')).toMatchObject({ observed: 0, verdict: 'fail' });
    expect(kpi(report, 'delivery_rate')).toMatchObject({ observed: 0, verdict: 'fail' });
    expect(kpi(report, 'webhook_latency_median')).toMatchObject({ observed: null, verdict: 'no data' });
  });

  test('no events: no data, no division by zero', async () => {
    const report = await reportOf({});
    expect(report).toEqual(buildReport(EMPTY, ALL));
    expect(report.totals).toEqual({ events: 0, attempts: 0, receipts: 0, duplicates: 0, refused: 0 });
    expect(report.kpis.map((each) => each.verdict)).toEqual(Array(5).fill('no data'));
    expect(report.window).toEqual({ from: null, to: null });
    expect(JSON.stringify(report)).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('A12 B5 an event named like a prototype member is counted like any other', async () => {
    const named = (event: string, i: number) => retry(`ev_${i}`, 1, 0, { ...OK, event });
    const report = await reportOf({ attempts: ['__proto__', 'constructor', 'constructor'].map(named) });
    expect(JSON.stringify(report.endpoints[0]?.events_by_type)).toBe('{"__proto__":1,"constructor":2}');
  });
});

test('percentiles of several endpoints are those of all their events, never an average', () => {
  const [quick, slow] = [emptyEndpointTally('a', 'http://a/'), emptyEndpointTally('b', 'http://b/')];
  quick.latency.record(10, 99);
  slow.latency.record(10_000, 1);
  const report = buildReport({ ...EMPTY, endpoints: [quick, slow] }, ALL);
  expect(kpi(report, 'webhook_latency_median')).toMatchObject({ observed: 10, n: 100 });
  expect([quick.latency.count, slow.latency.count]).toEqual([99, 1]);
});

test('where something was received, its latency counts and not that of the sender', () => {
  const sent = emptyEndpointTally('a', 'http://a/');
  sent.latency.record(10, 50);
  const received = emptyReceiptTally();
  received.latency.record(700, 2);
  expect(
    kpi(buildReport({ ...EMPTY, endpoints: [sent], received }, ALL), 'webhook_latency_median'),
  ).toMatchObject({
    observed: 700,
    n: 2,
  });
});

test('the window that was asked for is shown, else that of the records', () => {
  const tally = { ...EMPTY, from: 1000, to: 2000 };
  expect(buildReport(tally, ALL).window).toEqual({
    from: '1970-01-01T00:00:01.000Z',
    to: '1970-01-01T00:00:02.000Z',
  });
  expect(buildReport(tally, { from: 0, to: null }).window).toEqual({
    from: '1970-01-01T00:00:00.000Z',
    to: '1970-01-01T00:00:02.000Z',
  });
});

test('conflicts and suspected replays are noted', () => {
  const received = { ...emptyReceiptTally(), conflicts: 2, suspectedReplays: 3 };
  expect(buildReport({ ...EMPTY, received }, ALL).notes).toEqual([
    expect.stringMatching(/^2 conflicts/),
    expect.stringMatching(/^3 suspected replays/),
  ]);
});

describe('reportPasses', () => {
  const sent = (successes: number, attempts: number): Report =>
    buildReport(
      { ...EMPTY, endpoints: [{ ...emptyEndpointTally('a', 'http://a/'), attempts, successes }] },
      ALL,
    );

  test.each([
    ['no data', 0, 0, true, true],
    ['weak evidence', 10, 10, true, false],
    ['strong evidence', 400, 400, true, true],
    ['a failure', 9, 10, false, false],
  ])('%s', (_, successes, attempts, passes, strict) => {
    expect(reportPasses(sent(successes, attempts), false)).toBe(passes);
    expect(reportPasses(sent(successes, attempts), true)).toBe(strict);
  });
});

test('percentiles of nothing are nothing', () => {
  expect(percentiles(new Histogram())).toEqual({ p50: null, p90: null, p95: null, p99: null, max: null });
});
