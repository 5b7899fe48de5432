import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { browserReason, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  type Board,
  column,
  eventually,
  goTo,
  openPage,
  recordsOf,
  reportOf,
  rows,
  startBoard,
} from '../helpers/dashboard.ts';

describe.skipIf(noBrowser)(`when events are shown, as the page reports it${browserReason}`, () => {
  const browser = useBrowser();

  /** The seqs that a page has reported so far, and that are on record. */
  function watchReports(page: Page): number[] {
    const seqs: number[] = [];
    page.on('response', (response) => {
      if (!response.url().endsWith('/api/shown')) return;
      const { shown } = JSON.parse(response.request().postData() ?? '{}') as { shown: [number, number][] };
      seqs.push(...shown.map(([seq]) => seq));
    });
    return seqs;
  }
  async function openWatched(link: string, options: Parameters<typeof openPage>[2] = {}) {
    const { page, context } = await openPage(browser(), 'about:blank', {
      live: false,
      fresh: true,
      ...options,
    });
    const reported = watchReports(page);
    await page.goto(link);
    await page.locator('.link-state.live').waitFor();
    await page.locator('footer').waitFor();
    return { page, context, reported };
  }
  const widget = async (board: Board) =>
    (await reportOf(board)).kpis.find(({ name }) => name === 'widget_latency_median');
  const shownTimes = async (board: Board) =>
    (await recordsOf(board)).map(({ event_id, shown_at }) => [event_id, shown_at]);

  test('an event that came while one looked counts, with the time it took; a second page changes nothing', async () => {
    const board = await startBoard();
    const { reported: first } = await openWatched(board.link);
    const began = Date.now();
    await board.send('call_initiated');
    await eventually(() => first).toEqual([1]);
    const { n, observed } = (await widget(board)) as { n: number; observed: number };
    expect(n).toBe(1);
    expect(observed).toBeGreaterThan(0);
    expect(observed).toBeLessThanOrEqual(Date.now() - began);
    const times = await shownTimes(board);
    expect(times).toEqual([['ev_1', expect.stringMatching(/Z$/)]]);

    const { page: other, reported } = await openWatched(board.link);
    await rows(other).waitFor();
    await board.send('call_connected');
    await eventually(() => [first, reported]).toEqual([[1, 2], [2]]);
    expect((await widget(board))?.n).toBe(2);
    expect((await shownTimes(board)).at(-1)).toEqual(times[0]);
  });

  test('what came before the page was opened does not', async () => {
    const board = await startBoard();
    await board.send('call_initiated');
    const { page, reported } = await openWatched(board.link);
    await rows(page).waitFor();
    await board.send('call_connected');
    await eventually(() => reported).toEqual([2]);
    expect((await widget(board))?.n).toBe(1);
    expect((await shownTimes(board)).at(-1)).toEqual(['ev_1', undefined]);
  });

  test('nor what came while the page was paused, hidden, or at another view, or what a filter kept back', async () => {
    const board = await startBoard();
    const { page, reported } = await openWatched(board.link);
    const live = page.getByRole('switch', { name: 'Live updates' });
    const hide = (state: string) =>
      page.evaluate(`Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${state}' });
        document.dispatchEvent(new Event('visibilitychange'))`);
    const send = (nth: number) => board.send('call_initiated', { call_id: `MO${nth}` });
    const arrived = (count: number) => eventually(() => rows(page).count()).toBe(count);
    await live.click();
    await send(1);
    await live.click();
    await arrived(1);

    await hide('hidden');
    await send(2);
    await arrived(2);
    await hide('visible');
    await send(3);
    await eventually(() => reported).toEqual([3]);

    await goTo(page, 'KPIs');
    await send(4);
    await eventually(() => page.locator('.totals').innerText()).toMatch(/receipts\s+4/);
    await goTo(page, 'Live calls');
    await arrived(4);

    await page.getByLabel('Queue').fill('elsewhere');
    await arrived(0);
    await send(5);
    await board.send('call_initiated', { call_id: 'MO6', metadata: { queue: 'elsewhere' } });
    await arrived(1);
    await page.getByLabel('Queue').fill('');
    await arrived(6);

    await send(7);
    await eventually(() => reported.at(-1)).toBe(7);
    expect(reported).toEqual([3, 6, 7]);
    expect((await widget(board))?.n).toBe(3);
  });

  test('a row that is out of sight has not been shown; scrolled to, it has', async () => {
    const board = await startBoard();
    for (let i = 0; i < 30; i++)
      await board.send('call_initiated', { call_id: `MO${i}`, metadata: { agent_id: `ag_${i}` } });
    const { page, reported } = await openWatched(board.link, { viewport: { width: 1280, height: 500 } });
    await eventually(async () => (await column(page, 'agent'))[0]).toBe('ag_29');
    // In the page, but beneath its lower edge.
    const place = (await column(page, 'agent')).indexOf('ag_17');
    expect(place).toBe(12);
    await board.send('call_connected', { call_id: 'MO17', metadata: { agent_id: 'ag_17' } });
    await eventually(() => rows(page, 'ag_17').locator('.status').textContent()).toBe('Connected');
    await board.send('call_connected', { call_id: 'MO29' });
    await eventually(() => reported).toEqual([32]);
    await page.locator('.grid').hover();
    await page.mouse.wheel(0, 400);
    await eventually(() => reported).toEqual([32, 31]);
  });

  test('an event that was overtaken by one from before the page counts from its own receipt', async () => {
    const board = await startBoard();
    await board.send('call_connected');
    const { page, reported } = await openWatched(board.link);
    await rows(page).waitFor();
    await board.send('call_initiated', { timestamp: new Date(Date.now() - 5000).toISOString() });
    await eventually(() => reported).toEqual([2]);
  });
});
