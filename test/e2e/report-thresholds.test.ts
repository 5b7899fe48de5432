import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { SEEDED_AT, seedStore } from '../helpers/seed-store.ts';
import { testIo } from '../helpers/test-io.ts';

/** Four deliveries in 100, 200, 300 and 400 ms; one attempt more was answered 503. */
const attempts = [
  ...[100, 200, 300, 400].map((durationMs, i) => ({ eventId: `ev_${i}`, durationMs })),
  { eventId: 'ev_4', status: 503, outcome: 'rejected' as const },
];

async function report(...thresholds: string[]) {
  const io = testIo();
  const location = await seedStore(io.cwd, { attempts });
  const args = thresholds.flatMap((text) => ['--threshold', text]);
  const code = await run(['report', '--store', location, '--json', ...args], io);
  return { code, out: io.out(), err: io.err() };
}

test.each([
  ['p(95)<500ms', 400, 'pass'],
  ['p(50)<=200', 200, 'pass'],
  ['med<150ms', 200, 'fail'],
  ['avg<251ms', 250, 'pass'],
  ['min>99ms', 100, 'pass'],
  ['max<0.4s', 400, 'fail'],
  ['webhook_latency:max<=0.4s', 400, 'pass'],
  ['attempts:count==5', 5, 'pass'],
  ['events<5', 5, 'fail'],
  ['refused:count!=0', 0, 'fail'],
  ['success_rate:rate>0.7', 0.8, 'pass'],
  ['delivery_rate==80%', 0.8, 'pass'],
])('%s: it was %d, so it %ses', async (text, observed, verdict) => {
  const { out, code } = await report(text, 'success_rate>=1%', 'delivery_rate>=1%');
  const { thresholds } = JSON.parse(out) as { thresholds: object[] };
  expect(thresholds).toEqual([expect.objectContaining({ expression: text, observed, verdict })]);
  expect(code).toBe(verdict === 'pass' ? 0 : 1);
});

test.each([
  ['widget_latency:p(95)<3s', 2500, 'pass'],
  ['widget_latency:med<1s', 1100, 'fail'],
  ['widget_latency:count>=2', 2, 'pass'],
  ['widget_latency_median<1s', 1100, 'fail'],
])('%s: of events on a page it was %d, so it %ses', async (text, observed, verdict) => {
  const io = testIo();
  const page = (latencyMs: number, later: number) => ({ latencyMs, shownAt: SEEDED_AT + later });
  const receipts = [page(1000, 100), page(2000, 500), { latencyMs: 10 }].map((about, i) => ({
    ...about,
    eventId: `ev_${i}`,
    receivedAt: SEEDED_AT,
  }));
  const location = await seedStore(io.cwd, { receipts });
  const code = await run(['report', '--store', location, '--json', '--threshold', text], io);
  const { kpis, thresholds = [] } = JSON.parse(io.out()) as { kpis: object[]; thresholds?: object[] };
  expect([kpis[1], ...thresholds]).toContainEqual(expect.objectContaining({ observed, verdict }));
  expect(code).toBe(verdict === 'pass' ? 0 : 1);
});

test('no event on a page is no data, which meets no threshold', async () => {
  const { out, code } = await report('widget_latency:p(95)<3s');
  expect(JSON.parse(out)).toMatchObject({ thresholds: [{ observed: null, verdict: 'no data' }] });
  expect(code).toBe(1);
});

test("a KPI's own name changes that KPI, and is no threshold beside it", async () => {
  const { out, code } = await report('success_rate>=80%', 'delivery_rate>=0.8');
  const { kpis, thresholds } = JSON.parse(out) as { kpis: { threshold: number }[]; thresholds?: object[] };
  expect([kpis[2]?.threshold, kpis[3]?.threshold, thresholds, code]).toEqual([0.8, 0.8, undefined, 0]);
});

test.each([
  ['p(95)', 'is not a threshold'],
  ['p(x)<1s', 'is not a threshold'],
  ['atempts:count<1', "'atempts' is not a metric. Did you mean 'attempts'?"],
  ['refused:count<1.5', 'needs a whole number'],
  ['max<fast', "'fast' is not a duration"],
  ['webhook_latency_medain<=2s', "Did you mean 'webhook_latency_median'?"],
])('%s is refused: %s', async (text, says) => {
  const { code, err } = await report(text);
  expect([code, err]).toEqual([2, expect.stringContaining(says)]);
});
