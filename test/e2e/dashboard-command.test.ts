import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { ask, enter } from '../helpers/dashboard-server.ts';
import { delivery, SECRET } from '../helpers/delivery.ts';
import { answers, deadPort, startEndpoint } from '../helpers/endpoint.ts';
import { exchange } from '../helpers/raw-http.ts';
import { seedStore } from '../helpers/seed-store.ts';
import { BIN, start, startOnTerminal, tempFolder } from '../helpers/spawn-cli.ts';
import { jsonLines, type TestIo, type TestIoOptions, testIo } from '../helpers/test-io.ts';

const TOKEN = 'a-token_of-the-user-1234';

/** A `dashboard --json` that has said that it is ready; it is interrupted when the test ends. */
async function startCommand(args: string[] = [], options: TestIoOptions = {}) {
  const io = testIo(options);
  const ended = run(['dashboard', '--json', '--port', '0', ...args], io);
  onTestFinished(async () => {
    io.interrupt();
    await ended;
  });
  const failed = ended.then((code) => Promise.reject(new Error(`it ended with ${code}: ${io.err()}`)));
  failed.catch(() => {});
  const [, link] = (await Promise.race([io.waitFor(/"dashboard":"([^"]+)"/), failed])) as RegExpMatchArray;
  return { io, ended, link: link as string, port: Number(new URL(link as string).port) };
}

async function fails(args: string[], options: TestIoOptions = {}): Promise<[code: number, io: TestIo]> {
  const io = testIo(options);
  return [await run(args, io), io];
}

/** Listens on a port, so that nobody else can. */
async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  await new Promise((resolve) => server.close(resolve));
  return free;
}

describe('dashboard', () => {
  test('--json says where it is, and nothing else; Ctrl-C ends it with 130 and frees its port', async () => {
    const cwd = tempFolder();
    const store = await seedStore(cwd, { receipts: [{}] });
    const { io, ended, link, port } = await startCommand(['--store', store], { cwd });
    expect(jsonLines(io)).toEqual([{ type: 'ready', dashboard: link }]);
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{32}$/);
    expect(io.err()).toBe('');
    const page = await enter(link);
    expect((await page.ask('/api/deliveries')).json().records).toHaveLength(1);
    const stream = await page.stream();
    const { data } = await stream.find(({ event }) => event === 'snapshot');
    expect(data.about).toEqual({
      version: expect.any(String),
      location: join(cwd, 'seeded.db'),
      receiver: null,
      app: null,
    });
    io.interrupt();
    expect(await ended).toBe(130);
    await stream.ended;
    expect(await isFree(port)).toBe(true);
    expect(jsonLines(io)).toHaveLength(1);
  });

  test('says to people where it is and what it shows', async () => {
    const io = testIo();
    const ended = run(['dashboard', '--port', '0'], io);
    const [, link] = await io.waitFor(
      /^Ready {2}dashboard of \S+deliveries\.db: (http:\/\/127\.0\.0\.1:\d+\/#token=\S+)\n/,
    );
    expect((await ask(Number(new URL(link as string).port), '/')).status).toBe(200);
    expect(io.err()).toBe('Ctrl-C ends it.\n');
    io.interrupt();
    expect(await ended).toBe(130);
  });

  test('in a process of its own ends at SIGINT and SIGTERM, pages or not', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const running = start(process.execPath, [BIN, 'dashboard', '--json', '--port', '0']);
      const [, link] = await running.waitFor(/"dashboard":"([^"]+)"/);
      const stream = await (await enter(link as string)).stream();
      await stream.find(({ event }) => event === 'snapshot');
      running.child.kill(signal);
      const { code, err } = await running.ended;
      expect([signal, code, err]).toEqual([signal, 130, '']);
    }
  });

  test('of a store that is not there is a mistake', async () => {
    const cwd = tempFolder();
    const [code, io] = await fails(
      ['dashboard', '--port', '0', '--store', `sqlite:${join(cwd, 'none.db')}`],
      { cwd },
    );
    expect([code, io.out()]).toEqual([2, '']);
    expect(io.err()).toMatch(/There is no delivery log .*none\.db/);
    expect(existsSync(join(cwd, 'none.db'))).toBe(false);
  });

  test.each([
    [['nonsense'], /'nonsense' is not a target/],
    [['0'], /'0' is not a port/],
    [['http://user:s3same@127.0.0.1/'], /carries a user or password/],
    [['--port', '65536'], /from 0 to 65535/],
    [['--host', ''], /Give an address/],
    [['--host', ' '], /Give an address/],
  ])('%j is a mistake', async (args, says) => {
    const [code, io] = await fails(['dashboard', ...args]);
    expect([code, io.out()]).toEqual([2, '']);
    expect(io.err()).toMatch(says);
    expect(io.err()).not.toContain('s3same');
  });

  test('C6 where its port is taken ends with 3, and names the flag', async () => {
    const port = await takenPort();
    const [code, io] = await fails(['dashboard', '--port', String(port)]);
    expect([code, io.out()]).toEqual([3, '']);
    expect(io.err()).toMatch(
      new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is in use.* Choose another with --port, or --port 0`),
    );
    expect(io.err()).not.toMatch(/\n {4}at /);
  });

  test('C6 on an address that is none of this machine’s ends with 3', async () => {
    const [code, io] = await fails(['dashboard', '--port', '0', '--host', '203.0.113.1']);
    expect([code, io.out()]).toEqual([3, '']);
    expect(io.err()).toMatch(/203\.0\.113\.1 is not one of this machine's/);
  });

  test('sends again to the app that it was given', async () => {
    const app = await startEndpoint(answers(202));
    const cwd = tempFolder();
    const { headers, body } = delivery();
    const store = await seedStore(cwd, { receipts: [{ headers, body } as object] });
    const { link } = await startCommand([String(app.port), '--store', store], { cwd });
    const page = await enter(link);
    expect((await page.post('/api/deliveries/receipt/1/resend')).json()).toMatchObject({ status: 202 });
    expect(app.requests[0]?.body).toEqual(body);
    expect(app.requests[0]?.header('X-MO-Signature')).toBe(headers[headers.indexOf('X-MO-Signature') + 1]);
  });

  test('follows what other processes store', async () => {
    const cwd = tempFolder();
    const { link } = await startCommand([], { cwd });
    const stream = await (await enter(link)).stream();
    await stream.find(({ event }) => event === 'snapshot');
    const io = testIo({ cwd, env: { MO_SECRET: SECRET } });
    await run(['send-test', String(await deadPort()), '--retries', '0', '--quiet'], io);
    const { data } = await stream.find(({ event }) => event === 'changes');
    expect(data.records).toMatchObject([{ kind: 'attempt', outcome: 'refused' }]);
  });

  test('explains what was refused by the project’s secret, and never shows it', async () => {
    const cwd = tempFolder();
    const { headers, body } = delivery({ secret: `${SECRET} ` });
    const store = await seedStore(cwd, {
      receipts: [{ headers, body, signature: 'mismatch', status: 400 } as object],
    });
    const knowing = await enter(
      (await startCommand(['--store', store], { cwd, env: { MO_SECRET: SECRET } })).link,
    );
    const found = await knowing.ask('/api/deliveries/receipt/1');
    expect(found.json().explanation).toMatch(/white space|space/);
    expect(found.body).not.toContain(SECRET);
    const ignorant = await enter((await startCommand(['--store', store], { cwd })).link);
    expect((await ignorant.ask('/api/deliveries/receipt/1')).json().explanation).toBeNull();
  });
});

describe('--token-env', () => {
  test('lets in whoever knows that token, and says it in the link', async () => {
    const { link, port } = await startCommand(['--token-env', 'DASH'], { env: { DASH: TOKEN } });
    expect(link).toBe(`http://127.0.0.1:${port}/#token=${TOKEN}`);
    await enter(link);
    const wrong = { method: 'POST', headers: { Authorization: `Bearer ${TOKEN}5` } };
    expect((await ask(port, '/session', wrong)).status).toBe(401);
  });

  test.each([
    ['unset', undefined, /DASH is not set/],
    ['empty', '', /DASH is not set/],
    ['short', 'x'.repeat(19), /DASH is no token/],
    ['long', 'x'.repeat(201), /DASH is no token/],
    ['with a space', `${TOKEN} `, /DASH is no token/],
    ['no plain text', `${TOKEN}é`, /DASH is no token/],
    ['more than a line', `${TOKEN}\nx`, /DASH is no token/],
  ])('%s is a mistake, and the token is not repeated', async (_, value, says) => {
    const env = value === undefined ? {} : { DASH: value };
    const [code, io] = await fails(['dashboard', '--port', '0', '--token-env', 'DASH'], { env });
    expect([code, io.out()]).toEqual([2, '']);
    expect(io.err()).toMatch(says);
    if (value) expect(io.err()).not.toContain(value.trim());
  });
});

describe('--host and --allow-host', () => {
  test('every address of the machine: a warning, and the names of this machine alone', async () => {
    const { io, link, port } = await startCommand(['--host', '0.0.0.0']);
    expect(io.err()).toMatch(/Whoever can reach 0\.0\.0\.0 port \d+ and has the link sees calls and numbers/);
    expect(io.err()).toMatch(/--allow-host adds/);
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:/);
    const page = await enter(link);
    expect((await page.ask('/api/kpis')).status).toBe(200);
    expect((await page.ask('/api/kpis', { headers: { Host: `dash.example:${port}` } })).status).toBe(403);
  });

  test('other names are answered to where they are allowed', async () => {
    const { io, link, port } = await startCommand([
      '--host',
      '0.0.0.0',
      '--allow-host',
      'dash.example',
      '--allow-host',
      'tunnel.example:8443',
    ]);
    expect(io.err()).not.toMatch(/--allow-host adds/);
    const page = await enter(link);
    for (const [Host, status] of [
      [`dash.example:${port}`, 200],
      ['tunnel.example:8443', 200],
      ['dash.example', 403],
      [`evil.example:${port}`, 403],
    ] as const)
      expect([Host, (await page.ask('/api/kpis', { headers: { Host } })).status]).toEqual([Host, status]);
  });

  test('of this machine there is nothing to warn of', async () => {
    for (const host of ['127.0.0.1', 'localhost', '::1']) {
      const { io, link } = await startCommand(['--host', host]);
      expect(io.err()).toBe('');
      expect(new URL(link).hostname).toBe(host === '::1' ? '[::1]' : host);
    }
  });
});

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
    await expect.poll(opened, { interval: 5, timeout: 5000 }).toMatch(WHOLE);
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
    await expect.poll(opened, { interval: 5, timeout: 10_000 }).toMatch(WHOLE);
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

  test('the key o says so where there is no dashboard', async () => {
    const running = startOnTerminal('mo listen --port 0 --no-dashboard', { env: { MO_SECRET: SECRET } });
    await running.waitFor(/Keys: o open/);
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
