import { describe, expect, test } from 'vitest';
import { reportOf, startWithPage } from '../helpers/dashboard-server.ts';
import { eventBody } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';

describe('the KPIs', () => {
  test('are those of report --json of the same log', async () => {
    const app = await startEndpoint(answers(200, 500, 200));
    const { page, send, listen } = await startWithPage([app.url.href]);
    const now = () => eventBody({ timestamp: new Date(Date.now() - 40).toISOString(), n: Math.random() });
    for (let i = 0; i < 4; i++) await send({ id: `ev_${i}`, body: now() });
    await send({ id: 'ev_x', signature: null });
    await page.post('/api/deliveries/receipt/1/resend');
    const { report } = (await page.ask('/api/kpis')).json();
    expect(report).toEqual(await reportOf(listen));
    expect(report.totals).toMatchObject({ receipts: 5, attempts: 1, refused: 1 });
  });

  test('of each window there is; of another not', async () => {
    const { page, send } = await startWithPage();
    await send();
    for (const window of ['15m', '1h', '24h', 'all']) {
      const { report, rates } = (await page.ask(`/api/kpis?window=${window}`)).json();
      expect(report.totals.receipts).toBe(1);
      expect(rates.steps.received.reduce((sum: number, n: number) => sum + n)).toBe(1);
    }
    for (const window of ['2h', '', '__proto__', 'toString']) {
      const answer = await page.ask(`/api/kpis?window=${window}`);
      expect([answer.status, answer.json().error]).toEqual([
        422,
        `'${window}' is not a window. Known: 15m, 1h, 24h, all.`,
      ]);
    }
  });
});

describe('what pages have shown', () => {
  const widget = (report: { kpis: { name: string }[] }) =>
    report.kpis.find(({ name }) => name === 'widget_latency_median');
  const fresh = () => ({ body: eventBody({ timestamp: new Date(Date.now() - 500).toISOString() }) });

  test('is in the report; what the same event is said of later changes nothing', async () => {
    const { page, send, listen } = await startWithPage();
    await send(fresh());
    expect(widget(await reportOf(listen))).toMatchObject({ observed: null, n: 0, verdict: 'no data' });
    const at = Date.now();
    expect((await page.post('/api/shown', JSON.stringify({ shown: [[1, at]] }))).status).toBe(200);
    const first = widget(await reportOf(listen));
    expect(first).toMatchObject({ n: 1, verdict: 'pass', observed: expect.any(Number) });
    expect((first as unknown as { observed: number }).observed).toBeGreaterThanOrEqual(500);
    for (const later of [at + 1, at - 100, at - 50_000])
      await page.post(
        '/api/shown',
        JSON.stringify({
          shown: [
            [1, later],
            [99, later],
          ],
        }),
      );
    expect(widget(await reportOf(listen))).toEqual(first);
    const { report, latency } = (await page.ask('/api/kpis')).json();
    expect(widget(report)).toEqual(first);
    expect(latency.widget.reduce((sum: number, [, count]: [number, number]) => sum + count, 0)).toBe(1);
  });

  test.each([
    ['in the future', (now: number) => now + 86_400_000],
    ['far in the past', () => 1],
  ])('by a clock that is %s was shown when that was said', async (_, clock) => {
    const { page, send, listen } = await startWithPage();
    await send(fresh());
    const before = Date.now();
    await page.post('/api/shown', JSON.stringify({ shown: [[1, clock(before)]] }));
    const after = Date.now();
    const { row } = (await page.ask('/api/deliveries/receipt/1')).json();
    expect(Date.parse(row.shown_at)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(row.shown_at)).toBeLessThanOrEqual(after);
    expect(widget(await reportOf(listen))).toMatchObject({ n: 1 });
  });

  test('is refused in words where it makes no sense, and nothing of it is noted', async () => {
    const { page, send, listen } = await startWithPage();
    await send(fresh());
    for (const body of ['', '{', '[]', '{"shown":[[1,5],["x",5]]}', `{"shown":[[1,${Date.now()}],[0,1]]}`]) {
      const answer = await page.post('/api/shown', body);
      expect([body, answer.status]).toEqual([body, 422]);
      expect(answer.json().error).toMatch(/^The report is not /);
    }
    expect(widget(await reportOf(listen))).toMatchObject({ n: 0 });
  });
});
