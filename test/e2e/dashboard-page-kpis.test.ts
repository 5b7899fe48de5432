import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { Kpi } from '../../src/core/kpi.ts';
import { describeKpi } from '../../src/report/wording.ts';
import { openStore } from '../../src/store/open.ts';
import { browserReason, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  type Board,
  eventually,
  inSeconds,
  isLive,
  openPage,
  reportOf,
  startBoard,
  storeOf,
} from '../helpers/dashboard.ts';
import { newAttempt, newReceipt } from '../helpers/records.ts';

describe.skipIf(noBrowser)(`KPIs in a browser${browserReason}`, () => {
  const browser = useBrowser();

  const tiles = async (page: Page) =>
    (await page.locator('.tile').allInnerTexts()).map((text) => text.split(/\n+/).map((line) => line.trim()));
  /** What the tiles have to say of a report. */
  const wanted = (kpis: Kpi[]) =>
    kpis.map((kpi) => {
      const { label, observed, threshold, evidence, interval } = describeKpi(kpi);
      return [
        label,
        observed,
        `${kpi.verdict} ${threshold}`,
        evidence,
        ...(interval === '' ? [] : [`95 % interval ${interval}`]),
      ];
    });
  const kpis = async (board: Board, args: string[] = []) =>
    (await reportOf(board, args)).kpis as unknown as Kpi[];
  const open = (board: Board, query = '') =>
    openPage(browser(), `${board.origin}/?view=kpis${query}${new URL(board.link).hash}`);

  /** Received: five events, a duplicate, one of yesterday; sent: to two endpoints, with this and that result. */
  async function seeded(): Promise<Board> {
    const board = await startBoard();
    for (let i = 0; i < 5; i++)
      await board.send('call_connected', { call_id: `MO${i}`, timestamp: inSeconds(-i) });
    await board.send(
      '',
      {},
      { body: '{"event":"call_missed","call_id":"MO9","timestamp":"2025-01-01T00:00:00Z"}' },
    );
    await board.send(
      '',
      {},
      { body: '{"event":"call_missed","call_id":"MO9","timestamp":"2025-01-01T00:00:00Z"}', id: 'ev_6' },
    );
    const store = await openStore(storeOf(board));
    const at = Date.now();
    const results = [[200], [200], [503, 'rejected'], [404, 'rejected'], [null, 'timeout']] as const;
    for (const [i, [status, outcome = 'delivered']] of results.entries())
      await store.addAttempt(
        newAttempt({ id: `at_${i}`, eventId: `ev_s${i}`, sentAt: at, dueAt: at, status, outcome }),
        null,
      );
    await store.addAttempt(
      newAttempt({
        id: 'at_9',
        eventId: 'ev_9',
        sentAt: at - 7_200_000,
        dueAt: at - 7_200_000,
        endpoint: 'erp',
        url: 'http://erp.test/in',
      }),
      null,
    );
    await store.addReceipt(
      newReceipt({ id: 'rc_old', eventId: 'ev_old', receivedAt: at - 7_200_000, latencyMs: 9000 }),
    );
    await store.close();
    return board;
  }

  test('five tiles with value, threshold, verdict and evidence, as report has them; totals; statuses of each endpoint', async () => {
    const board = await seeded();
    const { page, watched } = await open(board);
    const report = await kpis(board);
    await eventually(() => tiles(page)).toEqual(wanted(report));
    const said = await tiles(page);
    expect(said.map(([label]) => label)).toEqual([
      'Webhook latency (median)',
      'Widget latency (median)',
      'Success rate (attempts)',
      'Delivery rate (events)',
      'Duplicates dropped',
    ]);
    expect(said[1]?.slice(1, 4)).toEqual(['–', 'no data ≤ 3.0 s', expect.stringMatching(/^needs n=/)]);
    expect(said[2]?.slice(1, 4)).toEqual(['50 %', 'fail ≥ 99 %', 'n=6']);
    expect(said[4]?.slice(1, 4)).toEqual(['100 %', 'pass ≥ 99.9 %', 'weak, n=1 of 2995']);
    const { totals } = await reportOf(board);
    for (const [name, count] of Object.entries(totals))
      expect(await page.locator('.totals div', { hasText: name }).innerText()).toBe(`${name}\n${count}`);
    const lines = await page.getByRole('row').allInnerTexts();
    const cells = lines.map((line) => line.split('\t').map((cell) => cell.replaceAll(/\s+/g, ' ').trim()));
    expect(cells.find(([name]) => name?.startsWith('crm'))?.at(-1)).toBe(
      '200 × 2 404 × 1 503 × 1 timeout × 1',
    );
    expect(cells.find(([name]) => name?.startsWith('erp'))?.slice(0, 5)).toEqual([
      'erp http://erp.test/in',
      '1',
      '1',
      '100 %',
      '100 %',
    ]);
    expect(watched.complaints).toEqual([]);
  });

  test('a window of time is in the address, and judged as report judges it', async () => {
    const board = await seeded();
    const { page } = await open(board);
    const all = wanted(await kpis(board));
    await eventually(() => tiles(page)).toEqual(all);
    await page.getByRole('combobox').selectOption('the last hour');
    const hour = wanted(await kpis(board, ['--since', '1h']));
    expect(hour).not.toEqual(all);
    await eventually(() => tiles(page)).toEqual(hour);
    expect(new URL(page.url()).searchParams.get('window')).toBe('1h');
    expect(await page.getByRole('row', { name: /erp/ }).count()).toBe(0);
    await page.reload();
    await isLive(page);
    await eventually(() => tiles(page)).toEqual(hour);
    expect(await page.getByRole('combobox').inputValue()).toBe('1h');
  });

  test('plots are drawn, and say their data in words', async () => {
    const board = await seeded();
    const { page } = await open(board);
    const plot = (name: RegExp) => page.getByRole('img', { name });
    await plot(/^Webhook latency: 6 events; half took up to [\d.]+ (?:ms|s), 95 % up to [\d.]+ s$/).waitFor();
    await plot(/^Widget latency: no data$/).waitFor();
    await plot(
      /^Rate over time: every 2 min 0 s; most at once: \d received, 1 duplicates, \d sent, 3 failed$/,
    ).waitFor();
    expect(await page.locator('.plot canvas').count()).toBe(2);
    const drawn = `[...document.querySelectorAll('.plot canvas')].map((canvas) =>
      canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((part) => part > 0))`;
    await eventually(() => page.evaluate(drawn)).toEqual([true, true]);
  });

  test('follow the log', async () => {
    const board = await startBoard();
    await board.send('call_connected');
    const { page } = await openPage(browser(), 'about:blank', { live: false, fresh: true });
    await page.clock.install();
    await page.goto(`${board.origin}/?view=kpis${new URL(board.link).hash}`);
    const received = () => page.locator('.totals div', { hasText: 'receipts' }).innerText();
    await eventually(received).toBe('receipts\n1');
    await board.send('call_disconnected');
    await eventually(async () => {
      await page.clock.runFor(1000);
      return received();
    }).toBe('receipts\n2');
    expect(await page.getByRole('img', { name: /^Webhook latency: 2 events/ }).count()).toBe(1);
  });
});
