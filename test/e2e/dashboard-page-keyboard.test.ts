import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { browserReason, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  type Board,
  dialog,
  eventually,
  inspector,
  openPage,
  rows,
  startBoard,
} from '../helpers/dashboard.ts';

describe.skipIf(noBrowser)(`the dashboard's page by keyboard alone${browserReason}`, () => {
  const browser = useBrowser();

  async function manyCalls(count = 40): Promise<Board> {
    const board = await startBoard();
    for (let i = 0; i < count; i++)
      await board.send('call_initiated', {
        call_id: `MO${i}`,
        metadata: { agent_id: `ag_${i}`, queue: 'Sales' },
      });
    return board;
  }
  /** What has the focus, as one would call it; whether one sees that. */
  const focused = (page: Page) =>
    page.evaluate<string>(`(() => {
      const element = document.activeElement;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      const seen = (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) || boxShadow !== 'none';
      const name = element.ariaLabel ?? element.labels?.[0]?.firstChild.textContent ?? element.textContent;
      return (seen ? '' : 'unseen: ') + element.localName + ' ' + name.trim();
    })()`);
  const press = async (page: Page, ...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const activeAgent = (page: Page) =>
    page.evaluate<string | null>(`(() => {
      const grid = document.querySelector('.grid');
      const row = document.getElementById(grid.getAttribute('aria-activedescendant'));
      return row === null ? null : (row.querySelector('.agent') ?? row.querySelector('.id')).textContent;
    })()`);
  /** Whether all of the active row is between the grid's head and its lower edge. */
  const activeInSight = (page: Page) =>
    page.evaluate(`(() => {
      const grid = document.querySelector('.grid');
      const row = document.getElementById(grid.getAttribute('aria-activedescendant')).getBoundingClientRect();
      return row.top >= grid.querySelector('.head').getBoundingClientRect().bottom - 1 &&
        row.bottom <= grid.getBoundingClientRect().bottom + 1;
    })()`);
  async function focusGrid(page: Page) {
    await page.getByRole('grid').focus();
    expect(await page.evaluate('document.activeElement.role')).toBe('grid');
  }

  test('Tab reaches everything there is to do, in the order of reading, and one sees where one is', async () => {
    const board = await manyCalls(2);
    const { page } = await openPage(browser(), board.link);
    const order = async (count: number) => {
      const names: string[] = [];
      for (let i = 0; i < count; i++) {
        await press(page, 'Tab');
        names.push((await focused(page)).replace(/\d+$/, '').trim());
      }
      return names;
    };
    const bar = ['a Live calls', 'a Deliveries', 'a KPIs', 'button Live updates', 'button Show numbers'];
    expect(await order(14)).toEqual([
      ...bar,
      'button Ringing',
      'button Connected',
      'button Transferred',
      'button Disconnected',
      'button Missed',
      'input Number or call id',
      'input Queue',
      'select Direction',
      'div Calls',
    ]);
    await press(page, 'ArrowDown', 'Enter');
    await dialog(page).locator('.timeline li').first().waitFor();
    expect(await order(1)).toEqual(['button ev_']);
    await press(page, 'Enter');
    await inspector(page).locator('.headers').waitFor();
    // The dialog has gone, and the focus with it: one goes on in the inspector.
    await eventually(() => focused(page)).toMatch(/^aside Inspector$/);
    expect(await order(7)).toEqual([
      'button Close',
      'button Copy as cURL',
      'button Copy event id',
      'button JSON',
      'button Text',
      'button Bytes',
      'section Body as JSON',
    ]);
  });

  test('in a grid arrows, page keys, Home and End move and keep the row in sight; Enter opens, Escape closes and leads back', async () => {
    const board = await manyCalls();
    const { page } = await openPage(browser(), board.link, { viewport: { width: 1280, height: 600 } });
    await focusGrid(page);
    expect(await activeAgent(page)).toBeNull();
    const after = async (...keys: string[]) => {
      await press(page, ...keys);
      await eventually(() => activeInSight(page)).toBe(true);
      return activeAgent(page);
    };
    expect(await after('ArrowDown')).toBe('ag_39');
    expect(await after('ArrowDown', 'ArrowDown')).toBe('ag_37');
    expect(await after('ArrowUp')).toBe('ag_38');
    expect(await after('ArrowUp', 'ArrowUp')).toBe('ag_39');
    const paged = Number((await after('PageDown'))?.slice(3));
    expect(paged).toBeGreaterThan(25);
    expect(paged).toBeLessThan(35);
    expect(await after('PageUp')).toBe('ag_39');
    expect(await after('End')).toBe('ag_0');
    expect(await after('ArrowDown')).toBe('ag_0');
    expect(await after('Home')).toBe('ag_39');
    await press(page, 'ArrowDown', 'ArrowDown', 'Enter');
    await dialog(page).locator('h2', { hasText: 'Call MO37' }).waitFor();
    await press(page, 'Escape');
    await dialog(page).waitFor({ state: 'detached' });
    await eventually(() => focused(page)).toBe('div Calls');
    expect(await after('ArrowDown')).toBe('ag_36');
    // Gone back from, it leads back to the same place.
    await press(page, 'Enter');
    await dialog(page).waitFor();
    await page.goBack();
    await dialog(page).waitFor({ state: 'detached' });
    await eventually(() => focused(page)).toBe('div Calls');
    await press(page, 'Enter');
    await dialog(page).waitFor();
    // The first thing in it is the button that closes it.
    expect(await focused(page)).toBe('button Close');
    await press(page, 'Enter');
    await dialog(page).waitFor({ state: 'detached' });
  });

  test('the title of those that have ended is stepped over', async () => {
    const board = await startBoard();
    for (const [i, event] of ['call_missed', 'call_initiated', 'call_missed'].entries())
      await board.send(event, { call_id: `MO${i}`, metadata: { agent_id: `ag_${i}` } });
    const { page } = await openPage(browser(), board.link);
    await focusGrid(page);
    const seen: (string | null)[] = [];
    for (const key of ['End', 'ArrowUp', 'ArrowUp', 'ArrowDown', 'Home', 'PageDown']) {
      await press(page, key);
      seen.push(await activeAgent(page));
    }
    expect(seen).toEqual(['ag_0', 'ag_2', 'ag_1', 'ag_2', 'ag_1', 'ag_0']);
  });

  test('the same in the list of deliveries, where Escape closes the inspector', async () => {
    const board = await manyCalls(5);
    const { page } = await openPage(browser(), `${board.origin}/?view=deliveries${new URL(board.link).hash}`);
    await rows(page).first().waitFor();
    await focusGrid(page);
    await press(page, 'End', 'ArrowUp', 'Enter');
    await inspector(page).locator('h2', { hasText: 'call_initiated' }).waitFor();
    expect(await activeAgent(page)).toBe('ev_2');
    // One goes on through the list, the inspector follows.
    await press(page, 'ArrowUp', 'Enter');
    await eventually(() => page.url()).toContain('delivery=receipt%2F3');
    await press(page, 'Escape');
    await inspector(page).waitFor({ state: 'detached' });
    await press(page, 'Enter');
    await inspector(page).locator('.headers').waitFor();
    await inspector(page).getByRole('button', { name: 'Close' }).focus();
    await press(page, 'Enter');
    await inspector(page).waitFor({ state: 'detached' });
    await eventually(() => focused(page)).toBe('div Deliveries, the latest first');
  });

  test('switches and chips by Space, choices by arrows, views by Enter', async () => {
    const board = await manyCalls(1);
    const { page } = await openPage(browser(), board.link);
    const numbers = page.getByRole('switch', { name: 'Show numbers' });
    await numbers.focus();
    await press(page, 'Space');
    expect(await numbers.getAttribute('aria-checked')).toBe('true');
    expect(await rows(page).locator('.caller').textContent()).toBe('+919876543210');
    await press(page, 'Space');
    expect(await numbers.getAttribute('aria-checked')).toBe('false');
    const chip = page.getByRole('button', { name: /^Missed/ });
    await chip.focus();
    await press(page, 'Space');
    await page.getByText('No call matches.').waitFor();
    await press(page, 'Space');
    await eventually(() => rows(page).count()).toBe(1);
    await page.getByRole('combobox', { name: 'Direction' }).focus();
    await press(page, 'ArrowDown');
    await eventually(() => page.url()).toContain('direction=inbound');
    await page.getByRole('link', { name: 'KPIs' }).focus();
    await press(page, 'Enter');
    await page.getByRole('heading', { name: 'Delivery rate (events)' }).waitFor();
    expect(await focused(page)).toBe('a KPIs');
  });

  test('on a narrow page an opened delivery has the focus, and gives it back', async () => {
    const board = await manyCalls(3);
    const { page } = await openPage(
      browser(),
      `${board.origin}/?view=deliveries${new URL(board.link).hash}`,
      {
        viewport: { width: 390, height: 800 },
      },
    );
    await rows(page).first().waitFor();
    await focusGrid(page);
    await press(page, 'ArrowDown', 'Enter');
    await inspector(page).waitFor();
    await eventually(() => focused(page)).toBe('aside Inspector');
    await press(page, 'Escape');
    await eventually(() => focused(page)).toBe('div Deliveries, the latest first');
  });
});
