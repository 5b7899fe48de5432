import { existsSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { DASHBOARD_PORT } from '../../src/cli/serve-dashboard.ts';
import { fails, hold, isFree, startCommand, takenPort } from '../helpers/dashboard-command.ts';
import { ask, enter } from '../helpers/dashboard-server.ts';
import { delivery, eventBody, SECRET } from '../helpers/delivery.ts';
import { answers, deadPort, startEndpoint } from '../helpers/endpoint.ts';
import { exchange, parseAnswer, post } from '../helpers/raw-http.ts';
import { seedStore } from '../helpers/seed-store.ts';
import { BIN, start, tempFolder } from '../helpers/spawn-cli.ts';
import { jsonLines, testIo } from '../helpers/test-io.ts';

const TOKEN = 'a-token_of-the-user-1234';

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
    [['http://user:s3same@127.0.0.1/'], /has a user or password/],
    [['--port', '65536'], /from 0 to 65535/],
    [['--host', ''], /Give an address/],
    [['--host', ' '], /Give an address/],
    [['--host', '::1%lo'], /No URL can name an address with a zone/],
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

  test('C6 where the usual port is taken it takes another', async () => {
    let [mine, port] = [false, 0];
    // Whoever has the port already takes it as well as this does, unless it is given back meanwhile.
    do {
      mine = await hold(DASHBOARD_PORT);
      const io = testIo();
      const ended = run(['dashboard', '--json'], io);
      const [, link] = await io.waitFor(/"dashboard":"([^"]+)"/);
      port = Number(new URL(link as string).port);
      await enter(link as string);
      io.interrupt();
      expect([await ended, io.err()]).toEqual([130, '']);
    } while (!mine && port === DASHBOARD_PORT);
    expect(port).not.toBe(DASHBOARD_PORT);
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

  test('follows what a receiver in a process of its own stores, and what the app says to it later', async () => {
    const cwd = tempFolder();
    const held: ServerResponse[] = [];
    const app = await startEndpoint((response) => void held.push(response));
    const args = ['listen', String(app.port), '--port', '0', '--json', '--no-dashboard'];
    const receiver = start(process.execPath, [BIN, ...args], { cwd, env: { MO_SECRET: SECRET } });
    onTestFinished(() => void receiver.child.kill('SIGKILL'));
    const [, url] = await receiver.waitFor(/"type":"ready","url":"([^"]+)"/);
    const stream = await (await enter((await startCommand([], { cwd })).link)).stream();
    await stream.find(({ event }) => event === 'snapshot');
    const found = (holds: (row: { event_id: string; status: number | null }) => boolean) =>
      stream.find(({ event, data }) => event === 'changes' && data.records.some(holds));
    for (const [nth, status] of [200, 500].entries()) {
      const id = `ev_${nth}`;
      const body = eventBody({ call_id: id });
      const answered = post(Number(new URL(url as string).port), delivery({ id, body }));
      const { data } = await found((row) => row.event_id === id);
      expect(data.records).toMatchObject([{ signature: 'valid', status: null, forward: null }]);
      expect(data.calls).toMatchObject([{ call_id: id, events: 1 }]);
      await app.arrived(nth + 1);
      held[nth]?.writeHead(status).end();
      expect((await answered).status).toBe(status);
      const settled = await found((row) => row.event_id === id && row.status !== null);
      expect(settled.data.records).toMatchObject([{ event_id: id, status, forward: { status } }]);
    }
    receiver.child.kill('SIGINT');
    expect((await receiver.ended).code).toBe(130);
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
  const headOf = (host: string) => `HEAD / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

  test('every address of the machine: a warning, and the names of this machine alone', async () => {
    const { io, link, port } = await startCommand(['--host', '0.0.0.0']);
    expect(io.err()).toMatch(/Whoever can reach 0\.0\.0\.0 port \d+ and has the link sees calls and numbers/);
    expect(io.err()).toMatch(/--allow-host adds/);
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:/);
    const page = await enter(link);
    expect((await page.ask('/api/kpis')).status).toBe(200);
    expect((await page.ask('/api/kpis', { headers: { Host: `dash.example:${port}` } })).status).toBe(403);
  });

  test.each([
    ['0', '127.0.0.1', ['127.0.0.1', '0.0.0.0'], /--allow-host adds/],
    ['127.1', '127.0.0.1', ['127.0.0.1'], /^$/],
    ['0:0::1', '[::1]', ['[::1]'], /^$/],
  ])('%s is taken for the address that browsers make of it', async (host, linked, names, warns) => {
    const { io, link, port } = await startCommand(['--host', host]);
    expect(new URL(link).host).toBe(`${linked}:${port}`);
    expect(link).toContain(`//${linked}:`);
    expect(io.err()).toMatch(warns);
    for (const name of names)
      expect(
        parseAnswer(await exchange(port, headOf(`${name}:${port}`), linked.replace(/[[\]]/g, ''))),
      ).toMatchObject({
        status: 200,
      });
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
