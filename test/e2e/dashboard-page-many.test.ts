import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { browserReason, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  type Board,
  bodyOf,
  column,
  countOf,
  eventually,
  inSeconds,
  openPage,
  rows,
  startBoard,
  storeOf,
} from '../helpers/dashboard.ts';
import { newReceipt } from '../helpers/records.ts';

const MANY = 5000;
/** A row of the list of calls, pixels. */
const ROW = 44;

describe.skipIf(noBrowser)(`${MANY} calls under way in a browser${browserReason}`, () => {
  const browser = useBrowser();

  /** Calls that began a second apart; agent ag_0's is the oldest. */
  async function manyCalls(): Promise<Board> {
    const board = await startBoard();
    const store = await openStore(storeOf(board));
    const receivedAt = Date.now();
    const adding: Promise<unknown>[] = [];
    for (let i = 0; i < MANY; i++) {
      const callId = `MO${i}`;
      const timestamp = new Date(receivedAt - (MANY - i) * 1000).toISOString();
      const body = bodyOf('call_initiated', {
        call_id: callId,
        timestamp,
        metadata: { agent_id: `ag_${i}` },
      });
      const about = {
        id: `rc_${i}`,
        eventId: `ev_of_${i}`,
        event: 'call_initiated',
        callId,
        receivedAt,
        body,
      };
      adding.push(store.addReceipt(newReceipt(about)));
    }
    await Promise.all(adding);
    await store.close();
    return board;
  }
  const agents = (page: Page) => column(page, 'agent');
  /** The agents of the rows that are in sight, with where they are. */
  const inSight = (page: Page) =>
    page.evaluate<[agent: string, y: number][]>(`(() => {
      const grid = document.querySelector('.grid');
      const { bottom } = grid.getBoundingClientRect();
      const top = grid.getBoundingClientRect().top + grid.clientTop;
      const head = grid.querySelector('.head').offsetHeight;
      return [...grid.querySelectorAll('.row:not(.section)')]
        .map((row) => [row.querySelector('.agent').textContent, Math.round(row.getBoundingClientRect().top - top - head)])
        .filter(([, y]) => y > -${ROW} && y < bottom - top - head)
        .sort(([, a], [, b]) => a - b);
    })()`);
  const elements = (page: Page) => page.evaluate<number>(`document.querySelectorAll('*').length`);
  const scrollTo = (page: Page, y: number) =>
    page.evaluate(`document.querySelector('.grid').scrollTop = ${y}`);

  test('few of them are in the page; scrolling and keys lead to all', async () => {
    const board = await manyCalls();
    const { page } = await openPage(browser(), board.link);
    await eventually(() => countOf(page, 'Ringing')).toBe(MANY);
    expect(await page.getByRole('grid').getAttribute('aria-rowcount')).toBe(String(MANY + 1));
    expect((await agents(page))[0]).toBe(`ag_${MANY - 1}`);
    for (const y of [0, 12_345, 100_000, ROW * MANY]) {
      await scrollTo(page, y);
      const first = Math.min(Math.floor(y / ROW), MANY - 10);
      await eventually(async () => {
        const seen = (await inSight(page)).map(([agent]) => MANY - 1 - Number(agent.slice(3)));
        return (
          seen[0] !== undefined &&
          seen[0] <= first &&
          (seen.at(-1) as number) >= Math.min(first + 9, MANY - 1)
        );
      }).toBe(true);
      expect(await rows(page).count()).toBeLessThan(100);
      expect(await elements(page)).toBeLessThan(1500);
    }
    await page.getByRole('grid').focus();
    await page.keyboard.press('Home');
    await eventually(async () => (await inSight(page))[0]).toEqual([`ag_${MANY - 1}`, 0]);
    await page.keyboard.press('End');
    await eventually(async () => (await inSight(page)).at(-1)?.[0]).toBe('ag_0');
    await page.keyboard.press('PageUp');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').locator('.timeline li').waitFor();
  });

  test('what comes in above, and what leaves, does not move what is being read', async () => {
    const board = await manyCalls();
    const { page } = await openPage(browser(), 'about:blank', { live: false, fresh: true });
    await page.clock.install();
    await page.goto(board.link);
    await eventually(() => countOf(page, 'Ringing')).toBe(MANY);
    await scrollTo(page, 100_010);
    await eventually(async () => (await inSight(page))[0]?.[1]).toBeLessThan(0);
    const before = await inSight(page);
    for (let i = 0; i < 30; i++) await board.send('call_initiated', { call_id: `new ${i}` });
    await eventually(() => countOf(page, 'Ringing')).toBe(MANY + 30);
    await eventually(() => inSight(page)).toEqual(before);
    // The first one that is in sight ends, and goes to the end of the list after a while.
    const leaving = before[0]?.[0] as string;
    await board.send('call_missed', {
      call_id: `MO${leaving.slice(3)}`,
      metadata: { agent_id: leaving },
      timestamp: inSeconds(0),
    });
    await eventually(() => countOf(page, 'Missed')).toBe(1);
    await page.clock.runFor(5000);
    await eventually(async () => (await inSight(page)).map(([agent]) => agent)).not.toContain(leaving);
    const after = Object.fromEntries(await inSight(page));
    const moved = before.slice(1, -1).map(([agent, y]) => Math.abs((after[agent] as number) - y));
    expect(Math.max(...moved)).toBeLessThanOrEqual(ROW);
    // At the top one sees what comes in.
    await scrollTo(page, 0);
    await eventually(async () => (await agents(page))[0]).toBe('ag_72');
    await board.send('call_initiated', { call_id: 'newest', metadata: { agent_id: 'ag_newest' } });
    await eventually(async () => (await inSight(page))[0]).toEqual(['ag_newest', 0]);
  });
});
