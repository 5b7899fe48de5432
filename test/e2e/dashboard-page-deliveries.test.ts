import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { browserReason, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  bodyOf,
  column,
  eventually,
  goTo,
  inspector,
  isLive,
  openIn,
  openPage,
  rows,
  startBoard,
} from '../helpers/dashboard.ts';
import { delivery } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { post } from '../helpers/raw-http.ts';

describe.skipIf(noBrowser)(`the delivery list in a browser${browserReason}`, () => {
  const browser = useBrowser();

  const ids = (page: Page) => column(page, 'id');
  const foot = (page: Page) => page.locator('.foot span').textContent();
  /** Every id of the list, from its top to its end. */
  async function allIds(page: Page): Promise<string[]> {
    const found = new Set<string>();
    await page.evaluate(`document.querySelector('.grid').scrollTop = 0`);
    for (let before = -1; before !== found.size; ) {
      before = found.size;
      await eventually(async () => (await ids(page)).length).toBeGreaterThan(0);
      for (const id of await ids(page)) found.add(id);
      await page.evaluate(`new Promise((done) => {
        const grid = document.querySelector('.grid');
        grid.scrollTop += grid.clientHeight - 80;
        requestAnimationFrame(() => requestAnimationFrame(done));
      })`);
    }
    return [...found];
  }
  const flood = (board: { port: number }, from: number, count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        post(
          board.port,
          delivery({ id: `ev_${from + i}`, body: bodyOf('call_connected', { call_id: `MO${from + i}` }) }),
        ),
      ),
    );

  test('grows as deliveries come, the newest first, each with its answer', async () => {
    const app = await startEndpoint(answers(200, 500, 200));
    const board = await startBoard([app.url.href]);
    const { page } = await openPage(browser(), board.link);
    await goTo(page, 'Deliveries');
    await page.getByText('Nothing is on record yet.').waitFor();
    await board.send('call_initiated');
    await board.send('call_connected');
    await board.send('call_disconnected', {}, { signature: null });
    await eventually(() => ids(page)).toEqual(['ev_3', 'ev_2', 'ev_1']);
    expect(await column(page, 'event')).toEqual(['call_disconnected', 'call_connected', 'call_initiated']);
    await eventually(() => column(page, 'result')).toEqual(['400 refused', '500 ', '200 ']);
    expect(await column(page, 'way')).toEqual(['↓ received', '↓ received', '↓ received']);
    expect(await rows(page, 'ev_2').getAttribute('class')).toContain('failed');
    await eventually(() => foot(page)).toBe('3 shown, no older ones');
    await board.send('call_initiated', { call_id: 'MO2' });
    await eventually(() => ids(page)).toEqual(['ev_4', 'ev_3', 'ev_2', 'ev_1']);
  });

  test('a delivery whose answer is outstanding says so, and settles in its place', async () => {
    let settle = () => {};
    const app = await startEndpoint((response, _, nth) => {
      if (nth > 1) return void response.end();
      settle = () => void response.writeHead(202).end();
    });
    const board = await startBoard([app.url.href]);
    const { page } = await openPage(browser(), `${board.origin}/?view=deliveries${new URL(board.link).hash}`);
    const first = board.send('call_initiated');
    await eventually(() => column(page, 'result')).toEqual(['waiting ']);
    await board.send('call_connected');
    await eventually(() => column(page, 'result')).toEqual(['200 ', 'waiting ']);
    settle();
    await first;
    await eventually(() => column(page, 'result')).toEqual(['200 ', '202 ']);
    expect(await ids(page)).toEqual(['ev_2', 'ev_1']);
  });

  test('is filtered by kind, event, result and a search, which are in the address', async () => {
    const app = await startEndpoint(answers(200, 500, 200));
    const board = await startBoard([app.url.href]);
    const { page, context } = await openPage(browser(), board.link);
    await board.send('call_initiated');
    await board.send('call_connected', { caller_number: '+919800000001' });
    await board.send('call_connected', {}, { id: 'ev_1' });
    await board.send('call_missed', { call_id: 'MO-other' }, { signature: `sha256=${'0'.repeat(64)}` });
    await board.send('call_disconnected');
    await goTo(page, 'Deliveries');
    await rows(page, 'ev_5').click();
    await inspector(page).getByRole('button', { name: 'Resend' }).click();
    await eventually(async () => (await column(page, 'way'))[0]).toBe('↑ sent');
    await inspector(page).getByRole('button', { name: 'Close' }).click();
    const choose = (label: string, value: string) =>
      page.getByRole('combobox', { name: label }).selectOption(value);
    const found = async () => (await ids(page)).join(' ');
    await eventually(found).toBe('ev_5 ev_5 ev_4 ev_1 ev_2 ev_1');

    await choose('Kind', 'sent');
    await eventually(found).toBe('ev_5');
    await choose('Kind', 'received');
    await eventually(found).toBe('ev_5 ev_4 ev_1 ev_2 ev_1');
    await choose('Event', 'call_connected');
    await eventually(found).toBe('ev_1 ev_2');
    await choose('Result', 'conflict');
    await eventually(found).toBe('ev_1');
    await choose('Event', 'any');
    await choose('Result', 'refused');
    await eventually(found).toBe('ev_4');
    await choose('Result', 'failed');
    await eventually(found).toBe('ev_2');
    await page.getByLabel('Search').fill('9800000001');
    await eventually(found).toBe('ev_2');
    await page.getByLabel('Search').fill('MO-OTHER');
    await eventually(found).toBe('');
    await eventually(() => foot(page)).toBe('0 shown, no older ones match');

    const { page: other } = await openIn(context, page.url());
    await eventually(() => foot(other)).toBe('0 shown, no older ones match');
    await other.getByLabel('Result').selectOption('any');
    await eventually(() => ids(other)).toEqual(['ev_4']);
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    await eventually(found).toBe('ev_5 ev_5 ev_4 ev_1 ev_2 ev_1');
    expect(await page.evaluate('location.search')).toBe('?view=deliveries');
  });

  test('"Older ones" brings the rest of a long log, each once, while new ones come in above', async () => {
    const board = await startBoard();
    for (let at = 0; at < 340; at += 20) await flood(board, at, 20);
    const { page } = await openPage(browser(), `${board.origin}/?view=deliveries${new URL(board.link).hash}`);
    await eventually(() => foot(page)).toBe('200 shown');
    await page.getByRole('button', { name: 'Older ones' }).click();
    await eventually(() => foot(page)).toBe('300 shown');
    await flood(board, 340, 1);
    await eventually(() => foot(page)).toBe('301 shown');
    await page.getByRole('button', { name: 'Older ones' }).click();
    await eventually(() => foot(page)).toBe('341 shown, no older ones');
    expect(await page.getByRole('button', { name: 'Older ones' }).count()).toBe(0);
    expect(new Set(await allIds(page)).size).toBe(341);
  });

  test('a search that finds little of what is here looks through the log by itself', async () => {
    const board = await startBoard();
    await board.send('call_initiated', { call_id: 'MO-needle' }, { id: 'ev_needle' });
    for (let at = 0; at < 220; at += 20) await flood(board, at, 20);
    const { page } = await openPage(browser(), `${board.origin}/?view=deliveries${new URL(board.link).hash}`);
    await eventually(() => foot(page)).toBe('200 shown');
    await page.getByLabel('Search').pressSequentially('mo-needle');
    await eventually(() => ids(page)).toEqual(['ev_needle']);
    await eventually(() => foot(page)).toBe('1 shown, no older ones match');
  });

  test('of a flood nothing is out of reach', async () => {
    const board = await startBoard();
    const { page } = await openPage(browser(), `${board.origin}/?view=deliveries${new URL(board.link).hash}`);
    await eventually(() => page.getByText('Nothing is on record yet.').count()).toBe(1);
    await flood(board, 0, 200);
    await flood(board, 200, 200);
    const older = page.getByRole('button', { name: 'Older ones' });
    await eventually(async () => (await ids(page)).length).toBeGreaterThan(0);
    await eventually(async () => {
      if ((await older.and(page.locator(':enabled')).count()) === 1) await older.click({ timeout: 1000 });
      return foot(page);
    }).toBe('400 shown, no older ones');
    expect(new Set(await allIds(page)).size).toBe(400);
  });

  test('an address with a delivery shows it, also after a reload', async () => {
    const board = await startBoard();
    await board.send('call_initiated');
    const { page } = await openPage(
      browser(),
      `${board.origin}/?view=deliveries&delivery=receipt/1${new URL(board.link).hash}`,
    );
    await inspector(page).locator('h2', { hasText: 'call_initiated' }).waitFor();
    expect(await rows(page, 'ev_1').getAttribute('aria-selected')).toBe('true');
    await page.reload();
    await isLive(page);
    await inspector(page).locator('h2', { hasText: 'call_initiated' }).waitFor();
    await page.goto(`${board.origin}/?view=deliveries&delivery=receipt/77`);
    await inspector(page).getByText('This record is not in the log any more').waitFor();
  });
});
