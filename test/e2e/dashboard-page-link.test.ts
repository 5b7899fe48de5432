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
  goTo,
  inSeconds,
  isLive,
  openPage,
  rows,
  startBoard,
  startDashboardOf,
  stopClock,
  storeOf,
} from '../helpers/dashboard.ts';
import { newReceipt } from '../helpers/records.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';

describe.skipIf(noBrowser)(`the link between page and server${browserReason}`, () => {
  const browser = useBrowser();

  const linkState = (page: Page) => page.locator('.link-state').innerText();
  const banner = (page: Page) => page.locator('.banners').innerText();
  /** A page whose clock the test has in hand. */
  async function openWithClock(link: string) {
    const { page, context } = await openPage(browser(), 'about:blank', { live: false, fresh: true });
    await page.clock.install();
    await page.goto(link);
    await isLive(page);
    return { page, context };
  }
  /** Another dashboard over a board's log, behind a proxy: `link` leads through it. */
  async function behindProxy(board: Board) {
    const proxy = await startTcpProxy();
    const { link, port } = await startDashboardOf(storeOf(board), [
      '--allow-host',
      `127.0.0.1:${proxy.port}`,
    ]);
    proxy.to(port);
    return { proxy, direct: link, link: link.replace(`:${port}/`, `:${proxy.port}/`) };
  }
  /** Lets the page's time pass until a value is as it should be: what it does now and then, it does now. */
  const inTime = <Value>(page: Page, read: () => Promise<Value>) =>
    eventually(async () => {
      await page.clock.runFor(1000);
      return read();
    });

  test('the server stops: the page says so and since when, greys what it shows, and its durations stand still; another run is another run', async () => {
    const board = await startBoard();
    const { page } = await openWithClock(board.link);
    await board.send('call_connected', { timestamp: inSeconds(-100) });
    await eventually(async () => (await column(page, 'duration'))[0]).toMatch(/^[1-9]:\d\d$/);
    const look = () => page.evaluate(`getComputedStyle(document.querySelector('.rows')).filter`);
    expect(await look()).toBe('none');
    await board.stop();
    await eventually(() => linkState(page)).toBe('Link lost');
    expect(await banner(page)).toMatch(
      /^The link to mo-notify was lost at \d\d:\d\d:\d\d\. What is shown is from then/,
    );
    await eventually(() => page.title()).toMatch(/^⏸/);
    expect(await look()).toBe('grayscale(1)');
    const [duration, lost] = [await column(page, 'duration'), await banner(page)];
    await page.clock.runFor(4000);
    expect(await column(page, 'duration')).toEqual(duration);
    await eventually(() => banner(page)).not.toBe(lost);
    expect(await linkState(page)).toBe('Link lost');

    const { link } = await startDashboardOf(storeOf(board), ['--port', new URL(board.link).port]);
    await inTime(page, () => linkState(page)).toBe('Ended');
    expect(await banner(page)).toBe(
      "This page's run of mo-notify has ended. Open the link that the new one printed.",
    );
    // Which differs from this page's address in nothing but its fragment.
    await page.goto(link);
    await isLive(page);
    await eventually(() => column(page, 'status')).toEqual(['Connected']);
    expect(page.url()).not.toContain('token');
  });

  test('F7 a connection that is cut comes back with exactly what came meanwhile', async () => {
    const board = await startBoard();
    const { proxy, link } = await behindProxy(board);
    const { page } = await openPage(browser(), `${link.replace('/#', '/?view=deliveries#')}`);
    const asked: string[] = [];
    page.on('request', (request) =>
      asked.push(new URL(request.url()).pathname + new URL(request.url()).search),
    );
    await board.send('call_initiated');
    await eventually(() => column(page, 'id')).toEqual(['ev_1']);
    proxy.down();
    await eventually(() => linkState(page)).toBe('Link lost');
    await board.send('call_connected');
    await board.send('call_initiated', { call_id: 'MO2' });
    expect(await column(page, 'id')).toEqual(['ev_1']);
    proxy.passed();
    proxy.up();
    await eventually(() => column(page, 'id')).toEqual(['ev_3', 'ev_2', 'ev_1']);
    await eventually(() => linkState(page)).toBe('Live');
    expect(await banner(page)).toBe('');
    expect(asked.filter((path) => path.startsWith('/api/feed')).at(-1)).toMatch(/^\/api\/feed\?after=\d+$/);
    const passed = proxy.passed();
    expect(passed).toContain('event: changes');
    expect(passed).not.toMatch(/event: (?:snapshot|missed)/);
    await goTo(page, 'Live calls');
    await eventually(() => column(page, 'status')).toEqual(['Ringing', 'Connected']);
    // And again, with nothing meanwhile.
    proxy.cut();
    await eventually(() => linkState(page)).toBe('Link lost');
    await eventually(() => linkState(page)).toBe('Live');
    await board.send('call_missed', { call_id: 'MO2' });
    await eventually(() => countOf(page, 'Missed')).toBe(1);
  });

  test('F7 of too much that was missed the page begins anew, with all there is', async () => {
    const board = await startBoard();
    const { proxy, link, direct } = await behindProxy(board);
    const { page } = await openPage(browser(), link);
    const { page: other } = await openPage(browser(), direct);
    await board.send('call_connected');
    await eventually(() => column(page, 'status')).toEqual(['Connected']);
    proxy.down();
    await eventually(() => linkState(page)).toBe('Link lost');
    const store = await openStore(storeOf(board));
    const long = '…'.repeat(190);
    const adding = Array.from({ length: 850 }, (_, i) => {
      const callId = `${i}${long}`;
      const metadata = { queue: `${i}${long}`, agent_id: long };
      const body = bodyOf('call_initiated', { call_id: callId, direction: long, metadata });
      const about = {
        id: `rc_${i}`,
        eventId: `${i}`,
        event: 'call_initiated',
        callId,
        receivedAt: Date.now(),
      };
      return store.addReceipt(newReceipt({ ...about, body }));
    });
    await Promise.all(adding);
    await store.close();
    await board.send('call_disconnected', { duration_seconds: 5 });
    // By then the server has told of it all, to those who were there.
    await eventually(() => countOf(other, 'Ringing')).toBe(850);
    proxy.passed();
    proxy.up();
    await eventually(() => countOf(page, 'Ringing')).toBe(850);
    expect(await countOf(page, 'Disconnected')).toBe(1);
    expect(/event: missed\n[\s\S]*event: snapshot\n/.test(proxy.passed())).toBe(true);
    expect(await linkState(page)).toBe('Live');
  });

  test('a link that is open and dead is noticed, and another one made, however many of them are dead', async () => {
    const board = await startBoard();
    const { proxy, link } = await behindProxy(board);
    const { page } = await openWithClock(link);
    await stopClock(page);
    // Heard of at the very moment at which the page's time stands still.
    await board.send('call_initiated');
    await eventually(() => column(page, 'status')).toEqual(['Ringing']);
    proxy.stall();
    await page.clock.runFor(11_000);
    expect(await linkState(page)).toBe('Live');
    await page.clock.runFor(3000);
    await eventually(() => linkState(page)).toBe('Link lost');
    // It tries, and is not answered.
    await page.clock.runFor(2000);
    await board.send('call_connected');
    proxy.up();
    await inTime(page, () => linkState(page)).toBe('Live');
    await eventually(() => column(page, 'status')).toEqual(['Connected']);
  });

  test('a slow link is a link', async () => {
    const board = await startBoard();
    const { proxy, link } = await behindProxy(board);
    proxy.delay(150);
    const { page } = await openPage(browser(), link);
    await board.send('call_initiated');
    await eventually(() => column(page, 'status')).toEqual(['Ringing']);
    expect(await linkState(page)).toBe('Live');
  });

  test('Live updates off: nothing changes, since when is said; on again: what came meanwhile is there', async () => {
    const board = await startBoard();
    const { page } = await openPage(browser(), board.link);
    const { page: other } = await openPage(browser(), board.link);
    await board.send('call_connected', { timestamp: inSeconds(-100) });
    await eventually(() => rows(page).count()).toBe(1);
    const live = page.getByRole('switch', { name: 'Live updates' });
    await live.click();
    expect(await live.getAttribute('aria-checked')).toBe('false');
    await eventually(() => banner(page)).toMatch(
      /^Live updates are off since \d\d:\d\d:\d\d\. Nothing is lost/,
    );
    expect(await linkState(page)).toBe('Paused');
    const seen = async (one: Page) => [
      await one.locator('.grid').innerText(),
      await one.locator('.chips').innerText(),
    ];
    const before = await seen(page);
    await board.send('call_transferred', { metadata: { queue: 'Support' } });
    await board.send('call_missed', { call_id: 'MO2' });
    await eventually(() => countOf(other, 'Missed')).toBe(1);
    const ticked = await column(other, 'duration');
    await eventually(() => column(other, 'duration')).not.toEqual(ticked);
    expect(await seen(page)).toEqual(before);
    expect(await banner(page)).toMatch(/^Live updates are off/);
    // What one asks for is there all the same.
    await goTo(page, 'KPIs');
    await page.getByRole('heading', { name: 'Webhook latency (median)' }).waitFor();
    await goTo(page, 'Live calls');
    expect(await seen(page)).toEqual(before);

    await live.click();
    await eventually(() => countOf(page, 'Missed')).toBe(1);
    expect(await countOf(page, 'Transferred')).toBe(1);
    await eventually(() => linkState(page)).toBe('Live');
    expect(await banner(page)).toBe('');
  });
});
