import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { browserReason, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  type Board,
  dialog,
  eventually,
  goTo,
  inspector,
  openPage,
  rows,
  startBoard,
  storeOf,
} from '../helpers/dashboard.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { newAttempt } from '../helpers/records.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  impact: string;
  nodes: { target: string[]; failureSummary: string }[];
}

describe.skipIf(noBrowser)(`what axe finds on the dashboard's page${browserReason}`, () => {
  const browser = useBrowser();

  async function openWithAxe(link: string, live = true): Promise<Page> {
    const { page } = await openPage(browser(), link, { live });
    await page.evaluate(axe);
    return page;
  }
  /** What is serious, on a wide page that is light and on a narrow one that is dark: both have both's colours. */
  async function expectAccessible(page: Page, what: string): Promise<void> {
    for (const width of [1280, 390])
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        await page.evaluate(
          'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))',
        );
        const { violations } = await page.evaluate<{ violations: Violation[] }>(
          `axe.run(document, { resultTypes: ['violations'] })`,
        );
        const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
        expect(
          serious.flatMap(({ id, nodes }) =>
            nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`),
          ),
          `${what}, ${width} px, ${colorScheme}`,
        ).toEqual([]);
      }
    await page.setViewportSize({ width: 1280, height: 800 });
  }

  /** Calls of each status, one that does not fit; deliveries of each result; attempts of two endpoints. */
  async function variedBoard(): Promise<Board> {
    const app = await startEndpoint(answers(200, 200, 200, 500, [200, {}, 'the app says so'], 200));
    const board = await startBoard([app.url.href]);
    for (const [i, event] of [
      'call_initiated',
      'call_connected',
      'call_transferred',
      'call_missed',
      'call_disconnected',
      'call_parked',
    ].entries())
      await board.send(event, { call_id: `MO${i}`, duration_seconds: 30 });
    await board.send('call_connected', { call_id: 'MO4' });
    await board.send('call_connected', { call_id: 'MO1' }, { id: 'ev_1' });
    await board.send('call_connected', {}, { signature: `sha256=${'0'.repeat(64)}` });
    const store = await openStore(storeOf(board));
    const at = Date.now();
    for (const [i, endpoint] of ['crm', 'erp'].entries())
      await store.addAttempt(
        newAttempt({
          id: `at_${i}`,
          endpoint,
          sentAt: at,
          dueAt: at,
          status: i === 0 ? 200 : 503,
          outcome: i === 0 ? 'delivered' : 'rejected',
          error: 'HTTP 503',
        }),
        Buffer.from('{"event":"call_connected"}'),
      );
    await store.close();
    return board;
  }

  test('calls, and one of them opened', async () => {
    const board = await variedBoard();
    const page = await openWithAxe(board.link);
    await eventually(() => rows(page).count()).toBe(6);
    await expectAccessible(page, 'calls');
    await rows(page, '⚠').click();
    await dialog(page).locator('.findings').waitFor();
    await expectAccessible(page, 'a call');
  });

  test('deliveries, and some of them inspected', async () => {
    const board = await variedBoard();
    const page = await openWithAxe(`${board.origin}/?view=deliveries${new URL(board.link).hash}`);
    await eventually(() => rows(page).count()).toBe(11);
    await expectAccessible(page, 'deliveries');
    for (const [text, fact] of [
      ['refused', 'Signature'],
      ['503', 'Outcome'],
    ] as const) {
      await rows(page, text).first().click();
      await inspector(page).locator('dt', { hasText: fact }).waitFor();
      await inspector(page).getByRole('button', { name: 'Bytes' }).click();
      await expectAccessible(page, `the delivery with ${text}`);
      await inspector(page).getByRole('button', { name: 'Close' }).click();
    }
  });

  test('KPIs', async () => {
    const board = await variedBoard();
    const page = await openWithAxe(`${board.origin}/?view=kpis${new URL(board.link).hash}`);
    await page.locator('.endpoints').waitFor();
    await page.locator('canvas').first().waitFor();
    await expectAccessible(page, 'KPIs');
  });

  test('where there is nothing yet', async () => {
    const board = await startBoard();
    const page = await openWithAxe(board.link);
    await page.getByText('No call has been received yet.').waitFor();
    await expectAccessible(page, 'no calls');
    await goTo(page, 'KPIs');
    await page.getByText('There is nothing to judge yet.').waitFor();
    await expectAccessible(page, 'no KPIs');
  });

  test('with the link lost, and where it is refused', async () => {
    const board = await variedBoard();
    const page = await openWithAxe(board.link);
    const refused = await openWithAxe(board.origin, false);
    await refused.getByRole('heading', { name: 'This is not the link of this run.' }).waitFor();
    await expectAccessible(refused, 'refused');
    await eventually(() => rows(page).count()).toBe(6);
    await board.stop();
    await page.locator('.banner').waitFor();
    await expectAccessible(page, 'lost');
  });
});
