import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { browserReason, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  column,
  eventually,
  goTo,
  openPage,
  startBoard,
  startDashboardOf,
  storeOf,
} from '../helpers/dashboard.ts';
import { SECRET } from '../helpers/delivery.ts';
import { testIo } from '../helpers/test-io.ts';

describe.skipIf(noBrowser)(`the dashboard's page before the first event${browserReason}`, () => {
  const browser = useBrowser();

  test.each([[[]], [['--path', '/hooks/calls']]])(
    'says how to send it, with a command that works for this receiver (%j)',
    async (args) => {
      const board = await startBoard(args);
      const { page } = await openPage(browser(), board.link, {
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      for (const [view, what] of [
        ['Deliveries', 'Nothing is on record yet.'],
        ['KPIs', 'There is nothing to judge yet.'],
        ['Live calls', 'No call has been received yet.'],
      ] as const) {
        await goTo(page, view);
        await page.getByText(what).waitFor();
        expect(await page.locator('.command code').innerText()).toMatch(
          /^npx mo-notify send-test \S+ --scenario answered$/,
        );
      }
      expect(await page.locator('.empty').innerText()).toContain(board.url);
      await page.getByRole('button', { name: 'Copy' }).click();
      await eventually(() => page.getByRole('button', { name: 'Copy' }).innerText()).toContain('Copied');
      const [npx, program, ...command] = (
        await page.evaluate<string>('navigator.clipboard.readText()')
      ).split(' ');
      expect([npx, program]).toEqual(['npx', 'mo-notify']);
      const io = testIo({ cwd: board.io.cwd, env: { MO_SECRET: SECRET } });
      const sent = run(command, io);
      await eventually(() => column(page, 'status')).toEqual(['Ringing']);
      io.interrupt();
      await sent;
    },
  );

  test('where nothing receives, says what does', async () => {
    const board = await startBoard();
    const { link } = await startDashboardOf(storeOf(board));
    const { page } = await openPage(browser(), link);
    expect(await page.locator('.command code').innerText()).toBe('npx mo-notify listen');
  });
});
