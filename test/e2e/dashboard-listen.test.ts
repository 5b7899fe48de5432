import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { fails, isFree, startCommand, takenPort } from '../helpers/dashboard-command.ts';
import { ask, enter } from '../helpers/dashboard-server.ts';
import { SECRET } from '../helpers/delivery.ts';
import { deadPort } from '../helpers/endpoint.ts';
import { exchange } from '../helpers/raw-http.ts';
import { startOnTerminal, tempFolder } from '../helpers/spawn-cli.ts';
import { jsonLines, type TestIo, testIo } from '../helpers/test-io.ts';

describe.skipIf(process.platform !== 'linux')('in the browser', () => {
  afterEach(() => void vi.unstubAllEnvs());

  /** An xdg-open of the test's own, and what it was started with. */
  function fakeBrowser(status = 0): { folder: string; opened: () => string } {
    const folder = tempFolder();
    const file = join(folder, 'opened');
    writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\nprintf '%s\\n' "$@" >> '${file}'\nexit ${status}\n`);
    chmodSync(join(folder, 'xdg-open'), 0o755);
    return { folder, opened: () => (existsSync(file) ? readFileSync(file, 'utf8') : '') };
  }

  const WHOLE = /^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{32}\n$/;

  test('--open opens a link that is good once, and is not the printed one', async () => {
    const { folder, opened } = fakeBrowser();
    vi.stubEnv('PATH', folder);
    const { link } = await startCommand(['--open']);
    await expect.poll(opened, { interval: 5 }).toMatch(WHOLE);
    expect(opened().trim()).not.toBe(link);
    await enter(opened().trim());
    const token = opened().trim().split('#token=')[1];
    const again = { method: 'POST', headers: { Authorization: `Bearer ${token}` } };
    expect((await ask(Number(new URL(link).port), '/session', again)).status).toBe(401);
    await enter(link);
  });

  test('--open says so where there is none', async () => {
    vi.stubEnv('PATH', tempFolder());
    const { io, link } = await startCommand(['--open']);
    await io.waitFor(/No browser could be opened \(spawn xdg-open ENOENT\); open the link above\./, 'err');
    await enter(link);
  });

  test('--open says so where it cannot', async () => {
    vi.stubEnv('PATH', fakeBrowser(3).folder);
    const { io } = await startCommand(['--open']);
    await io.waitFor(/No browser could be opened \(xdg-open ended with 3\)/, 'err');
  });

  test('the key o of a listening receiver opens a link that is good once', async () => {
    const { folder, opened } = fakeBrowser();
    const env = { MO_SECRET: SECRET, PATH: `${folder}${delimiter}${process.env.PATH}` };
    const running = startOnTerminal('mo listen --port 0', { env, columns: 200 });
    const [, printed] = await running.waitFor(/dashboard \S*?(http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{32})/);
    await running.waitFor(/Keys: o open the dashboard/);
    running.child.stdin?.write('o');
    await expect.poll(opened, { interval: 5 }).toMatch(WHOLE);
    const link = opened().trim();
    expect(link).not.toBe(printed);
    await enter(link);
    const again = { method: 'POST', headers: { Authorization: `Bearer ${link.split('#token=')[1]}` } };
    expect((await ask(Number(new URL(link).port), '/session', again)).status).toBe(401);
    running.child.stdin?.write('q');
    const { code, out } = await running.ended;
    expect(code).toBe(0);
    expect(out).not.toContain(link.split('#token=')[1]);
  });

  test('the key o is not offered where there is no dashboard, and says so', async () => {
    const running = startOnTerminal('mo listen --port 0 --no-dashboard', { env: { MO_SECRET: SECRET } });
    await running.waitFor(/Keys: r resend the last/);
    running.child.stdin?.write('o');
    await running.waitFor(/There is no dashboard: --no-dashboard was given\./);
    running.child.stdin?.write('q');
    expect((await running.ended).out).not.toMatch(/dashboard http/);
  });
});

describe('listen', () => {
  const env = { MO_SECRET: SECRET };

  async function startReceiver(
    args: string[],
  ): Promise<{ io: TestIo; ready: Record<string, unknown>; ended: Promise<number> }> {
    const io = testIo({ env });
    const ended = run(['listen', '--json', '--port', '0', ...args], io);
    onTestFinished(async () => {
      io.interrupt();
      await ended;
    });
    await io.waitFor(/"type":"ready".*\n/);
    return { io, ready: jsonLines(io)[0] as Record<string, unknown>, ended };
  }

  test('opens one on a port of its own, and frees it', async () => {
    const { io, ready, ended } = await startReceiver([]);
    const { port } = new URL(ready.dashboard as string);
    expect(port).not.toBe(new URL(ready.url as string).port);
    const stream = await (await enter(ready.dashboard as string)).stream();
    const { data } = await stream.find(({ event }) => event === 'snapshot');
    expect(data.about).toMatchObject({ receiver: ready.url, app: null });
    io.interrupt();
    expect(await ended).toBe(130);
    expect(await isFree(Number(port))).toBe(true);
  });

  test('--no-dashboard opens none', async () => {
    const { io, ready } = await startReceiver(['--no-dashboard']);
    expect(ready.dashboard).toBeNull();
    expect(io.out()).not.toContain('token');
  });

  test('--dashboard-port is the port', async () => {
    const port = await deadPort();
    const { ready } = await startReceiver(['--dashboard-port', String(port)]);
    expect(ready.dashboard).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${port}/#token=`));
  });

  test('C6 where that is taken it ends with 3, names the flag, and listens no more', async () => {
    const [port, taken] = [await deadPort(), await takenPort()];
    const [code, io] = await fails(['listen', '--port', String(port), '--dashboard-port', String(taken)], {
      env,
    });
    expect([code, io.out()]).toEqual([3, '']);
    expect(io.err()).toMatch(
      new RegExp(`Port ${taken} on 127\\.0\\.0\\.1 is in use.* Choose another with --dashboard-port`),
    );
    expect(await isFree(port)).toBe(true);
  });

  test('--host with nothing in it is a mistake, not every address', async () => {
    const [code, io] = await fails(['listen', '--port', '0', '--host', ''], { env });
    expect([code, io.out()]).toEqual([2, '']);
    expect(io.err()).toMatch(/Give an address/);
  });

  test('--host with a zone, which no URL has, is a mistake', async () => {
    const [code, io] = await fails(['listen', '--port', '0', '--host', '::1%lo'], { env });
    expect([code, io.out()]).toEqual([2, '']);
    expect(io.err()).toMatch(/No URL can name an address with a zone/);
  });

  test('its dashboard is never on the receiver’s port', async () => {
    const { ready } = await startReceiver([]);
    const [port, page] = [Number(new URL(ready.url as string).port), await enter(ready.dashboard as string)];
    for (const path of [
      '/',
      '/app.js',
      '/index.html',
      '/session',
      '/api/feed',
      '/api/kpis',
      '/api/deliveries',
    ]) {
      for (const head of ['', `Cookie: ${page.cookie}\r\n`]) {
        const answer = await exchange(
          port,
          `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${head}Connection: close\r\n\r\n`,
        );
        expect(answer).toMatch(/^HTTP\/1\.1 405 [\s\S]*Allow: POST[\s\S]*\r\n\r\nUse POST$/);
        expect(answer).not.toMatch(/Content-Security-Policy|Set-Cookie/i);
      }
      expect(
        await exchange(
          port,
          `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
        ),
      ).toMatch(/^HTTP\/1\.1 400 [\s\S]*Invalid signature$/);
    }
  });
});
