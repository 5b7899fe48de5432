import { describe, expect, test } from 'vitest';
import type { NewReceipt, Store } from '../../../src/core/store.ts';
import { readKpis } from '../../../src/dashboard/kpis.ts';
import { type KpiPage, WINDOWS, type WindowName } from '../../../src/dashboard/wire.ts';
import { buildReport } from '../../../src/report/report.ts';
import { openStore } from '../../../src/store/open.ts';
import { AT, newAttempt, newReceipt } from '../../helpers/records.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NAMES = Object.keys(WINDOWS) as WindowName[];

/** A store with these receipts, each of an event of its own. */
async function filled(receipts: Partial<NewReceipt>[]): Promise<Store> {
  const store = await openStore('sqlite::memory:');
  await Promise.all(
    receipts.map((about, i) => store.addReceipt(newReceipt({ id: `rc_${i}`, eventId: `ev_${i}`, ...about }))),
  );
  return store;
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
const widths = ({ steps }: KpiPage['rates']) => [
  ...new Set(Object.values(steps).map((column) => column.length)),
];

describe('the KPIs of a window', () => {
  test('are the report’s, of what was recorded in it', async () => {
    const store = await filled([
      { receivedAt: AT, latencyMs: 100 },
      { receivedAt: AT - 20 * MINUTE, latencyMs: 5000 },
      { receivedAt: AT - 2 * HOUR, latencyMs: 7000, signature: 'mismatch', status: 400, accepted: false },
      { receivedAt: AT - 3 * DAY, latencyMs: 9000 },
    ]);
    await store.addAttempt(newAttempt({ sentAt: AT - 10 * MINUTE, dueAt: AT - 10 * MINUTE }), null);
    await store.addAttempt(newAttempt({ sentAt: AT - 2 * DAY, outcome: 'timeout', status: null }), null);
    const seen: Record<string, number> = {};
    for (const name of NAMES) {
      const { report } = await readKpis(store, name, AT + 1);
      const span = WINDOWS[name];
      const since = span === null ? {} : { since: AT + 1 - span };
      const window = { from: span === null ? null : AT + 1 - span, to: span === null ? null : AT + 1 };
      expect(report).toEqual(buildReport(await store.tally(since), window));
      seen[name] = report.totals.receipts + report.totals.attempts;
    }
    expect(seen).toEqual({ '15m': 2, '1h': 3, '24h': 4, all: 6 });
  });

  test('of an empty log are no data and a plot of nothing', async () => {
    const store = await filled([]);
    for (const name of NAMES) {
      const { report, latency, rates } = await readKpis(store, name, AT);
      expect(report.kpis.map(({ verdict }) => verdict)).toEqual(report.kpis.map(() => 'no data'));
      expect(latency).toEqual({ webhook: [], widget: [] });
      const [width, ...others] = widths(rates);
      expect(others).toEqual([]);
      expect(width).toBeGreaterThanOrEqual(1);
      expect(sum(Object.values(rates.steps).flat())).toBe(0);
    }
  });

  test('say how long the counting took', async () => {
    expect((await readKpis(await filled([{}]), 'all', AT)).took_ms).toBeGreaterThan(0);
  });
});

describe('the bars of a distribution', () => {
  async function barsOf(latencies: number[]): Promise<[number, number][]> {
    const { latency } = await readKpis(
      await filled(latencies.map((latencyMs) => ({ latencyMs }))),
      'all',
      AT,
    );
    return latency.webhook;
  }

  test('are equally wide on a logarithmic scale, those without a value between others too', async () => {
    const bars = await barsOf([1, 10, 11, 1000]);
    expect(bars).toHaveLength(25);
    for (const [i, [end]] of bars.entries()) expect(end).toBeCloseTo(10 ** (i / 8), 6);
    expect(bars.filter(([, count]) => count > 0).map(([end, count]) => [Math.round(end), count])).toEqual([
      [1, 1],
      [10, 1],
      [13, 1],
      [1000, 1],
    ]);
  });

  test('hold every value once, in the bar whose end it does not exceed', async () => {
    const values = [0, 0, 1, 2, 3, 7, 9, 10, 12, 13, 14, 99, 100, 101, 4999, 5000, 59_000, 3_600_000];
    const bars = await barsOf(values);
    expect(sum(bars.map(([, count]) => count))).toBe(values.length);
    for (const [i, [end, count]] of bars.entries()) {
      const least = i === 0 ? -1 : (bars[i - 1]?.[0] as number);
      // Values are known to four digits.
      const inside = values.filter((ms) => ms > least * 1.0001 && ms <= end * 1.0001);
      expect(count, `up to ${end}`).toBe(inside.length);
    }
  });

  test('one value is one bar; clocks that are ahead make none', async () => {
    expect(await barsOf([0])).toEqual([[1, 1]]);
    expect((await barsOf([250, -5])).map(([, count]) => count)).toEqual([1]);
    expect(await barsOf([-5])).toEqual([]);
  });

  test('tell of the page, too', async () => {
    const store = await filled([{ latencyMs: 100 }, { latencyMs: 100 }]);
    await store.noteShown([{ seq: 1, at: AT + 900 }]);
    const { latency } = await readKpis(store, 'all', AT + SECOND);
    expect(sum(latency.widget.map(([, count]) => count))).toBe(1);
    expect(latency.widget[0]?.[0]).toBeCloseTo(1000, 3);
  });
});

describe('the rates', () => {
  test('are a number for each step, silence included', async () => {
    const store = await filled([
      { receivedAt: AT + 100 },
      { receivedAt: AT + 900 },
      { receivedAt: AT + 5000, signature: 'missing', accepted: false, status: 400 },
    ]);
    await store.addReceipt(newReceipt({ eventId: 'ev_0', receivedAt: AT + 5100 }));
    await store.addAttempt(newAttempt({ sentAt: AT + 2500 }), null);
    await store.addAttempt(newAttempt({ sentAt: AT + 2600, outcome: 'rejected', status: 500 }), null);
    await store.addAttempt(
      newAttempt({ sentAt: AT + 2700, outcome: 'rejected', fault: 'bad-signature' }),
      null,
    );
    const { rates } = await readKpis(store, 'all', AT + HOUR);
    expect(rates).toEqual({
      from_ms: AT,
      step_ms: SECOND,
      steps: {
        received: [2, 0, 0, 0, 0, 2],
        duplicates: [0, 0, 0, 0, 0, 1],
        refused: [0, 0, 0, 0, 0, 1],
        sent: [0, 0, 2, 0, 0, 0],
        failed: [0, 0, 1, 0, 0, 0],
      },
    });
  });

  test.each<[WindowName, number]>([
    ['15m', 10 * SECOND],
    ['1h', MINUTE],
    ['24h', 30 * MINUTE],
  ])('of %s come in steps that fill the window up to now', async (name, step) => {
    const span = WINDOWS[name] as number;
    const store = await filled([
      { receivedAt: AT },
      { receivedAt: AT - span },
      { receivedAt: AT - span + step + 1 },
      { receivedAt: AT - span - 1 },
    ]);
    const { rates } = await readKpis(store, name, AT);
    expect(rates.step_ms).toBe(step);
    expect(rates.from_ms).toBeLessThanOrEqual(AT - span);
    expect(rates.from_ms).toBeGreaterThan(AT - span - step);
    const { received } = rates.steps;
    expect(widths(rates)).toEqual([received.length]);
    expect(rates.from_ms + received.length * step).toBeGreaterThan(AT);
    expect(received.length).toBeLessThanOrEqual(92);
    expect(received.at(-1)).toBe(1);
    expect(sum(received)).toBe(3);
  });

  test.each([0, 1, 90, 91, 3600, 86_400, 90 * 86_400, 5000 * 86_400])(
    'of a log of %i seconds are about ninety at most, and hold all of it',
    async (seconds) => {
      const store = await filled([
        { receivedAt: AT - seconds * SECOND },
        { receivedAt: AT - 1 },
        { receivedAt: AT },
      ]);
      const { rates } = await readKpis(store, 'all', AT + HOUR);
      expect(sum(rates.steps.received)).toBe(3);
      expect(rates.steps.received.length).toBeLessThanOrEqual(92);
      expect(widths(rates)).toHaveLength(1);
      expect(Number.isInteger(rates.step_ms)).toBe(true);
    },
  );

  test('what is said to come from the future is left out of a window’s', async () => {
    const store = await filled([{ receivedAt: AT + DAY }, { receivedAt: AT - SECOND }]);
    const { rates } = await readKpis(store, '15m', AT);
    expect(sum(rates.steps.received)).toBe(1);
    expect(rates.steps.received.length).toBeLessThanOrEqual(92);
  });
});
