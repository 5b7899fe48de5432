import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { browserReason, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  type Board,
  column,
  countOf,
  dialog,
  eventually,
  goTo,
  inspector,
  isLive,
  openIn,
  openPage,
  rows,
  startBoard,
} from '../helpers/dashboard.ts';

describe.skipIf(noBrowser)(`what of the calls is listed, in a browser${browserReason}`, () => {
  const browser = useBrowser();

  /** Four calls, each with an agent of its own to be known by. */
  async function fourCalls(): Promise<Board> {
    const board = await startBoard();
    const call = (event: string, agent: string, queue: string, more: Record<string, unknown>) =>
      board.send(event, { call_id: `MO-${agent}`, metadata: { queue, agent_id: agent }, ...more });
    await call('call_initiated', 'ada', 'Sales', { caller_number: '+919800000001' });
    await call('call_connected', 'bob', 'Sales', { caller_number: '+919800000002', direction: 'outbound' });
    await call('call_connected', 'cyd', 'Support', { caller_number: '09800000003' });
    await call('call_missed', 'dan', 'Support', { receiver_number: '+91 22 6100 0001' });
    return board;
  }
  const agents = async (page: Page) => (await column(page, 'agent')).sort();
  const type = (page: Page, label: string, text: string) =>
    page.getByLabel(label, { exact: true }).fill(text);

  test('by number, however it is typed', async () => {
    const board = await fourCalls();
    const { page } = await openPage(browser(), board.link);
    for (const [typed, found] of [
      ['+919800000001', ['ada']],
      ['919800000001', ['ada']],
      ['+91 98000 00001', ['ada']],
      ['(98000)-00002', ['bob']],
      ['09800000002', ['bob']],
      ['00919800000002', ['bob']],
      ['+91******0002', ['bob']],
      ['  980000000 ', ['ada', 'bob', 'cyd']],
      ['2261000001', ['dan']],
      ['mo-DAN', ['dan']],
      ['98000x', []],
      ['+', []],
    ] as const) {
      await type(page, 'Number or call id', typed);
      await eventually(async () => [typed, await agents(page)]).toEqual([typed, found]);
    }
  });

  test('by queue, direction and status; the counts are of what the other filters leave', async () => {
    const board = await fourCalls();
    const { page } = await openPage(browser(), board.link);
    const queues = () =>
      page.evaluate(`[...document.querySelectorAll('datalist option')].map(({ value }) => value)`);
    await eventually(queues).toEqual(['Sales', 'Support']);
    await type(page, 'Queue', 'supp');
    await eventually(() => agents(page)).toEqual(['cyd', 'dan']);
    expect([await countOf(page, 'Ringing'), await countOf(page, 'Missed')]).toEqual([0, 1]);
    await page.getByRole('button', { name: /Connected/ }).click();
    await eventually(() => agents(page)).toEqual(['cyd']);
    expect(await countOf(page, 'Missed')).toBe(1);
    await page.getByRole('button', { name: /Missed/ }).click();
    await eventually(() => agents(page)).toEqual(['cyd', 'dan']);
    await page.getByRole('button', { name: /Connected/ }).click();
    await eventually(() => agents(page)).toEqual(['dan']);
    await page.getByRole('button', { name: /Missed/ }).click();
    await type(page, 'Queue', '');
    await page.getByLabel('Direction').selectOption('outbound');
    await eventually(() => agents(page)).toEqual(['bob']);
    // A call that comes in while a filter is on is listed where it matches.
    await board.send('call_initiated', {
      call_id: 'MO-eve',
      direction: 'outbound',
      metadata: { agent_id: 'eve' },
    });
    await board.send('call_initiated', {
      call_id: 'MO-fay',
      direction: 'inbound',
      metadata: { agent_id: 'fay' },
    });
    await eventually(() => agents(page)).toEqual(['bob', 'eve']);
  });

  test('"Clear the filters" where nothing matches', async () => {
    const board = await fourCalls();
    const { page } = await openPage(
      browser(),
      `${board.origin}/?queue=Nowhere&number=123456&direction=inbound&status=Ringing${new URL(board.link).hash}`,
    );
    await page.getByText('No call matches.').waitFor();
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    await eventually(() => agents(page)).toEqual(['ada', 'bob', 'cyd', 'dan']);
    expect(await page.evaluate('location.search')).toBe('');
    expect(await page.getByLabel('Queue').inputValue()).toBe('');
  });

  test('is in the address: after a reload, and on another page, the same is seen', async () => {
    const board = await fourCalls();
    const { page, context } = await openPage(browser(), board.link);
    await type(page, 'Number or call id', '+91 98');
    await type(page, 'Queue', 'sales');
    await page.getByLabel('Direction').selectOption('inbound');
    await page.getByRole('button', { name: /Ringing/ }).click();
    await eventually(() => agents(page)).toEqual(['ada']);
    const seen = async (one: Page) => ({
      agents: await agents(one),
      number: await one.getByLabel('Number or call id').inputValue(),
      queue: await one.getByLabel('Queue').inputValue(),
      direction: await one.getByLabel('Direction').inputValue(),
      status: await one.locator('.chip[aria-pressed=true]').innerText(),
    });
    const wanted = {
      agents: ['ada'],
      number: '+91 98',
      queue: 'sales',
      direction: 'inbound',
      status: expect.stringMatching(/Ringing\s+1/),
    };
    expect(await seen(page)).toEqual(wanted);
    expect(page.url()).not.toContain('token');
    await page.reload();
    await isLive(page);
    expect(await seen(page)).toEqual(wanted);
    const { page: other } = await openIn(context, page.url());
    expect(await seen(other)).toEqual(wanted);
  });

  test('Back leads from a view to the one before, and out of an opened call; closing it leaves no step behind', async () => {
    const board = await fourCalls();
    const { page } = await openPage(browser(), board.link, { fresh: true });
    const heading = () => page.locator('h1').textContent();
    await type(page, 'Queue', 'Support');
    const steps = () => page.evaluate<number>('history.length');
    const before = await steps();
    await rows(page, 'cyd').click();
    await dialog(page).locator('h2', { hasText: 'Call MO-cyd' }).waitFor();
    const opened = page.url();
    await page.goBack();
    await eventually(() => dialog(page).count()).toBe(0);
    expect(await agents(page)).toEqual(['cyd', 'dan']);
    await page.goForward();
    await dialog(page).locator('h2', { hasText: 'Call MO-cyd' }).waitFor();
    expect(page.url()).toBe(opened);
    await dialog(page).getByRole('button', { name: 'Close' }).click();
    await eventually(() => dialog(page).count()).toBe(0);
    await goTo(page, 'Deliveries');
    expect(await steps()).toBe(before + 1);
    await rows(page).first().click();
    await inspector(page).locator('.facts').waitFor();
    await page.goBack();
    await eventually(() => inspector(page).count()).toBe(0);
    expect(await heading()).toBe('Deliveries');
    await goTo(page, 'KPIs');
    await page.getByRole('heading', { name: 'Success rate (attempts)' }).waitFor();
    await page.goBack();
    await eventually(heading).toBe('Deliveries');
    await page.goBack();
    await eventually(heading).toBe('Live calls');
    expect(await page.getByLabel('Queue').inputValue()).toBe('Support');
    expect(await dialog(page).count()).toBe(0);
  });

  test('a call that is open is open on another page with the same address, and closing it there goes nowhere else', async () => {
    const board = await fourCalls();
    const { page, context } = await openPage(browser(), board.link);
    await rows(page, 'bob').click();
    await dialog(page).waitFor();
    const { page: other } = await openIn(context, page.url());
    await dialog(other).locator('h2', { hasText: 'Call MO-bob' }).waitFor();
    await other.keyboard.press('Escape');
    await eventually(() => dialog(other).count()).toBe(0);
    expect(await agents(other)).toEqual(['ada', 'bob', 'cyd', 'dan']);
    await eventually(() => new URL(other.url()).search).toBe('');
  });
});
