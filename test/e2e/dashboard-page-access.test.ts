import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startDashboard } from '../../src/dashboard/server.ts';
import { openStore } from '../../src/store/open.ts';
import { browserReason, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  type Board,
  column,
  eventually,
  inspector,
  isLive,
  openIn,
  openPage,
  recordsOf,
  rows,
  startBoard,
  startDashboardOf,
  storeOf,
} from '../helpers/dashboard.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';

describe.skipIf(noBrowser)(`who sees the dashboard, in a browser${browserReason}`, () => {
  const browser = useBrowser();

  const refused = (page: Page) =>
    page.getByRole('heading', { name: 'This is not the link of this run.' }).waitFor();
  /** A board with a call, whose agent's name must not be seen by others. */
  async function withData(args: string[] = []): Promise<Board> {
    const board = await startBoard(args);
    await board.send('call_connected', { metadata: { agent_id: 'CANARY' } });
    return board;
  }

  test('F9 a wrong token and none at all show what to do, and nothing else; the right one is let in after them', async () => {
    const board = await withData();
    const { page, context, watched } = await openPage(browser(), `${board.origin}/#token=${'A'.repeat(32)}`, {
      live: false,
    });
    await refused(page);
    expect(await page.locator('main').innerText()).toContain('Open the one that');
    expect(page.url()).toBe(`${board.origin}/`);
    const { page: second } = await openIn(context, board.origin, { live: false });
    await refused(second);
    expect(await page.content()).not.toContain('CANARY');
    expect(watched.requests.filter((url) => url.includes('/api/'))).toEqual([]);
    expect(await second.evaluate(`fetch('/api/feed').then((response) => response.status)`)).toBe(401);
    await second.goto(board.link);
    await isLive(second);
    await eventually(() => column(second, 'agent')).toEqual(['CANARY']);
    await page.reload();
    await isLive(page);
  });

  test('F9 a link that is good once lets one browser in, once', async () => {
    const store = await openStore('sqlite::memory:');
    const dashboard = await startDashboard({
      host: '127.0.0.1',
      port: 0,
      portFlag: '--port',
      store,
      now: Date.now,
      elapsed: () => performance.now(),
      about: { version: '0.0.0', location: 'memory', receiver: null, app: null },
      allowHosts: [],
      resend: null,
      explain: () => null,
    });
    onTestFinished(async () => {
      await dashboard.close();
      await store.close();
    });
    const once = dashboard.linkOnce();
    const { page } = await openPage(browser(), once);
    expect(page.url()).not.toContain('token');
    const { page: other } = await openPage(browser(), once, { live: false });
    await refused(other);
    // Whoever has been let in already stays in.
    await page.goto('about:blank');
    await page.goto(once);
    await isLive(page);
  });

  test('C5 a page of another origin, whatever site that is, gets nothing and does nothing', async () => {
    const app = await startEndpoint(answers(200));
    const board = await withData([app.url.href]);
    const elsewhere = await startEndpoint((response) =>
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>elsewhere</title>'),
    );
    const { page, context } = await openPage(browser(), board.link);
    await rows(page).waitFor();
    for (const host of ['127.0.0.1', 'localhost', 'other.example']) {
      const { page: strange } = await openIn(context, `http://${host}:${elsewhere.port}/`, { live: false });
      const asked: string[] = [];
      const answered: [path: string, status: number][] = [];
      strange.on('request', (request) => asked.push(new URL(request.url()).pathname));
      strange.on('response', (response) => {
        const { origin, pathname } = new URL(response.url());
        if (origin === board.origin) answered.push([pathname, response.status()]);
      });
      const tried = await strange.evaluate(`(async () => {
        const board = ${JSON.stringify(board.origin)};
        const read = (path, init) => fetch(board + path, { credentials: 'include', ...init })
          .then((response) => response.text(), () => 'nothing');
        const listened = new Promise((done) => {
          const source = new EventSource(board + '/api/feed', { withCredentials: true });
          for (const name of ['snapshot', 'changes', 'message', 'open']) source.addEventListener(name, () => done(name));
          source.addEventListener('error', () => { source.close(); done('nothing'); });
        });
        const frame = document.createElement('iframe');
        const framed = new Promise((done) => frame.addEventListener('load', () => {
          try { done(frame.contentDocument?.body.innerHTML ?? 'nothing'); } catch { done('nothing'); }
        }));
        frame.src = board + '/';
        document.body.append(frame);
        const submit = (action) => new Promise((done) => {
          const target = document.createElement('iframe');
          target.name = 'target' + Math.random();
          document.body.append(target);
          target.addEventListener('load', () => done());
          const form = document.createElement('form');
          form.method = 'post';
          form.action = board + action;
          form.target = target.name;
          document.body.append(form);
          form.submit();
        });
        await submit('/api/deliveries/receipt/1/resend');
        const script = new Promise((done) => {
          const element = document.createElement('script');
          element.addEventListener('load', () => done('loaded'));
          element.addEventListener('error', () => done('nothing'));
          element.src = board + '/api/kpis';
          document.body.append(element);
        });
        return {
          cors: await read('/api/deliveries'),
          opaque: await read('/api/deliveries/receipt/1', { mode: 'no-cors' }),
          resend: await read('/api/deliveries/receipt/1/resend', { method: 'POST', mode: 'no-cors' }),
          shown: await read('/api/shown', { method: 'POST', mode: 'no-cors', body: '{"shown":[[1,1]]}' }),
          session: await read('/session'),
          stream: await listened,
          frame: await framed,
          script: await script,
        };
      })()`);
      const nothing = expect.stringMatching(/^(?:nothing)?$/);
      expect(tried).toEqual({
        cors: 'nothing',
        opaque: nothing,
        resend: nothing,
        shown: nothing,
        session: 'nothing',
        stream: 'nothing',
        frame: 'nothing',
        script: 'nothing',
      });
      expect(asked).toEqual(
        expect.arrayContaining([
          '/',
          '/session',
          '/api/feed',
          '/api/kpis',
          '/api/shown',
          '/api/deliveries/receipt/1/resend',
        ]),
      );
      // What the browser lets such a page see of an answer at all is that it was refused.
      expect(answered.filter(([path, status]) => path !== '/' && status !== 403)).toEqual([]);
      expect((await recordsOf(board)).map(({ kind, shown_at }) => [kind, shown_at])).toEqual([
        ['receipt', undefined],
      ]);
      expect(app.requests).toHaveLength(1);
      for (const frame of strange.frames())
        expect(await frame.content().catch(() => '')).not.toContain('CANARY');
    }
  });

  test('C4 under a name that has been rebound to this machine there is no page and no data', async () => {
    const board = await withData();
    const { port, hash } = new URL(board.link);
    const { page, context } = await openPage(browser(), board.link);
    const { page: rebound } = await openIn(context, 'about:blank', { live: false });
    const response = await rebound.goto(`http://evil.example:${port}/${hash}`);
    expect(response?.status()).toBe(403);
    expect(await rebound.locator('body').innerText()).toBe('Host not allowed');
    const tried = await rebound.evaluate(`(async () => {
      const read = (path, init) => fetch(path, init).then(async (response) => [response.status, await response.text()]);
      const token = new URLSearchParams(location.hash.slice(1)).get('token');
      return [
        await read('/session', { method: 'POST', headers: { Authorization: 'Bearer ' + token } }),
        await read('/api/feed'),
        await read('/api/deliveries'),
      ];
    })()`);
    expect(tried).toEqual(Array(3).fill([403, 'Host not allowed']));
    await eventually(() => column(page, 'agent')).toEqual(['CANARY']);
  });

  test('under a name that was allowed there is, and what is copied is copied, without a clipboard of its own', async () => {
    const board = await withData();
    const { link, port } = await startDashboardOf(storeOf(board), ['--allow-host', 'mo.example']);
    const { hash } = new URL(link);
    const { page, context } = await openPage(
      browser(),
      `http://mo.example:${port}/?view=deliveries&delivery=receipt/1${hash}`,
    );
    expect(await page.evaluate('isSecureContext')).toBe(false);
    const button = inspector(page).getByRole('button', { name: 'Copy event id' });
    await button.click();
    await eventually(() => button.innerText()).toContain('Copied');
    expect(await page.evaluate('document.activeElement.textContent')).toContain('Copy event id');
    await context.grantPermissions(['clipboard-read'], { origin: board.origin });
    const { page: reader } = await openIn(context, board.link);
    await reader.bringToFront();
    expect(await reader.evaluate('navigator.clipboard.readText()')).toBe('ev_1');
  });
});
