import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { encodeValue } from '../../src/core/url-values.ts';
import { FORMAT_NAMES } from '../../src/report/formats.ts';
import { startCommand } from '../helpers/dashboard-command.ts';
import { enter } from '../helpers/dashboard-server.ts';
import { delivery, eventBody, SECRET } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { filesWith, leakForms } from '../helpers/find-text.ts';
import { post } from '../helpers/raw-http.ts';
import { BIN, start, tempFolder } from '../helpers/spawn-cli.ts';
import { jsonLines, startListen, type TestIo, testIo } from '../helpers/test-io.ts';

/** A value of a URL's query out of a variable, one that is typed, and a credential in a header. */
const KEY = 'K3Y-canary/&"é';
const TYPED = 'TYP3D-canary';
const TOKEN = 'T0KEN-canary';
const FORMS = [...[KEY, TYPED, TOKEN].flatMap(leakForms), encodeValue(KEY)];
const env = { MO_SECRET: SECRET, CRM_KEY: KEY };

function expectNoLeak(text: string, what: string): void {
  for (const form of FORMS) expect(text.includes(form), `${what} gives ${form} away: ${text}`).toBe(false);
}

interface Chatty {
  url: URL;
  port: number;
  requests: IncomingMessage[];
  close: () => void;
}

/**
 * An endpoint that repeats what it was sent, as many do. It takes a request, fails on one, and redirects one, in turn; it
 * takes all that are forwarded.
 */
async function startChatty(): Promise<Chatty> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      requests.push(request);
      const { url = '', headers } = request;
      const { pathname, search, searchParams } = new URL(url, 'http://x');
      const forwarded = headers.cookie !== undefined;
      const status = forwarded ? 200 : ([302, 200, 404][requests.length % 3] as number);
      response.writeHead(status, status === 302 ? { Location: `${pathname}/${search}` } : {});
      response.end(JSON.stringify({ url, query: [...searchParams], headers }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/notify`),
    port,
    requests,
    close: () => void server.close(),
  };
}

async function chatty(): Promise<Chatty> {
  const endpoint = await startChatty();
  onTestFinished(endpoint.close);
  return endpoint;
}

/** A folder with a config that knows the endpoint by one key as `crm`, by another, in clear, as `typed`. */
function project({ url }: Chatty): string {
  const cwd = tempFolder();
  const secret = 'env:MO_SECRET';
  const endpoints = {
    crm: { url: `${url.href}?key=env:CRM_KEY`, secret },
    typed: { url: `${url.href}?key=${TYPED}`, secret },
  };
  writeFileSync(join(cwd, 'mo-notify.config.json'), JSON.stringify({ endpoints }));
  return cwd;
}

/** What a command printed, which holds none of it. */
async function silent(args: string[], cwd: string, stdin = ''): Promise<{ code: number; io: TestIo }> {
  const io = testIo({ cwd, env, stdin });
  const code = await run(args, io);
  expectNoLeak(io.out() + io.err(), args.join(' '));
  return { code, io };
}

const HEADER = ['-H', `Authorization: Bearer ${TOKEN}`, '-H', `X-Crm-Token: ${TOKEN}`];
const FAST = ['--retries', '1', '--backoff', '1ms'];

describe('what is sent with a secret in the URL or a header', () => {
  let endpoint: Chatty;
  let cwd: string;

  beforeAll(async () => {
    endpoint = await startChatty();
    cwd = project(endpoint);
    mkdirSync(join(cwd, 'out'));
    // All targets, once, so that there is something to tell of.
    for (const target of targets()) await silent(['send-test', target, ...HEADER, ...FAST], cwd);
    expect(new Set(endpoint.requests.map(({ url }) => url))).toEqual(
      new Set([`/notify?key=${encodeValue(KEY)}`, `/notify?key=${TYPED}`]),
    );
    expect(endpoint.requests[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    return endpoint.close;
  });

  const targets = () => {
    const { port, url } = endpoint;
    return [
      'crm',
      'typed',
      `${url.href}?key=${TYPED}`,
      `${url.href}?key=env:CRM_KEY`,
      `${port}/notify?key=${TYPED}`,
      `localhost:${port}/notify?key=env:CRM_KEY`,
    ];
  };

  test.each([
    ['-v'],
    ['--json'],
    ['--json', '-n', '30', '--rate', '1000/s'],
    ['--dry-run'],
    ['--dry-run', '--json'],
    ['--curl'],
    ['--curl', '--json'],
    ['--fault', 'bad-signature'],
    ['-n', '30', '-v'],
    ['--timeout', 'nonsense'],
    ['--frobnicate'],
    ['--store', 'nowhere/at/all'],
  ])('send-test %s %s shows none of it', async (...flags) => {
    for (const target of targets()) await silent(['send-test', target, ...HEADER, ...FAST, ...flags], cwd);
  });

  test('replay shows none of it, and what it keeps to be resumed by holds none', async () => {
    for (const target of targets()) {
      const to = ['replay', '--to', target, ...HEADER, ...FAST, '--limit', '3'];
      await silent([...to, '--dry-run'], cwd);
      await silent([...to, '--json'], cwd);
      const { io } = await silent([...to, '-v'], cwd);
      const id = /run_\w+/.exec(io.err())?.[0] as string;
      await silent(['replay', '--resume', id], cwd);
    }
  });

  test('nor does anything that tells of it afterwards, in any format', async () => {
    const file = (name: string) => join(cwd, 'out', name);
    const exported = file('log.ndjson');
    await silent(['logs', 'export', '--with-bodies', '--show-numbers', '-o', exported], cwd);
    const { io } = await silent(['logs', 'list', '--json', '--limit', '1'], cwd);
    const [first] = io.out().split('\n');
    const { event_id: id } = JSON.parse(first as string);
    const commands = [
      ...['ndjson', 'json', 'csv'].map((format) => ['logs', 'export', '--with-bodies', '--format', format]),
      ['logs', 'list'],
      ['logs', 'list', '--json', '--with-bodies', '--show-numbers'],
      ['logs', 'tail', '-v'],
      ['logs', 'show', id],
      ['logs', 'show', id, '--json'],
      ['logs', 'import', exported, '--store', file('other.db')],
      ...FORMAT_NAMES.flatMap((format) => [
        ['report', '--format', format],
        ['report', exported, '--format', format],
      ]),
      ['report', '--format', 'html', '-o', file('report.html')],
      ...targets().map((target) => ['report', '--endpoint', target, '--json']),
      ['support-bundle', '--yes', '-o', file('bundle.md')],
      ['support-bundle', '--yes', '--json'],
      ['endpoints', 'list'],
      ['endpoints', 'list', '--json'],
      ['endpoints', 'show', 'typed'],
      ['endpoints', 'show', 'typed', '--json'],
      ['endpoints', 'update', 'typed', '--retries', '2'],
      ['completion', '__complete', '_endpoints', '_show', '_'],
    ];
    for (const args of commands)
      expect([args, (await silent(args, cwd)).code]).toEqual([args, expect.any(Number)]);
    expect(readFileSync(file('report.html'), 'utf8')).toContain('key=***');
  });

  test('nor does the dashboard, its page’s answers, or what it is given to resend to', async () => {
    const listen = await startListen(['crm', '--with-bodies', '-v'], { cwd, env });
    const headers = ['Authorization', `Bearer ${TOKEN}`, 'Cookie', `a=${TOKEN}`];
    await post(listen.port, delivery({ id: 'ev_shown', headers, body: eventBody({ call_id: 'MO7' }) }));
    await listen.stop();
    for (const target of targets()) {
      const { link, io, ended } = await startCommand([target, '-v'], { cwd, env });
      const page = await enter(link);
      const answered = await Promise.all([
        page.ask('/api/deliveries'),
        page.ask('/api/deliveries/receipt/1'),
        page.ask('/api/deliveries/receipt/1/curl'),
        page.ask('/api/deliveries/attempt/1'),
        page.ask('/api/kpis'),
        page.post('/api/deliveries/receipt/1/resend'),
      ]);
      expect(answered.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
      expect(answered[2]?.body).toContain("'Authorization: ***'");
      const stream = await page.stream();
      const snapshot = await stream.find(({ event }) => event === 'snapshot');
      expectNoLeak(JSON.stringify([answered, snapshot]), `the dashboard of ${target}`);
      io.interrupt();
      await ended;
      expectNoLeak(io.out() + io.err(), `dashboard ${target}`);
    }
    expectNoLeak(listen.io.out() + listen.io.err(), 'listen');
  });

  test('nor does any file that was made', () => {
    expect(filesWith(join(cwd, '.mo-notify'), FORMS)).toEqual([]);
    expect(filesWith(join(cwd, 'out'), FORMS)).toEqual([]);
  });
});

test.each([
  [['send-test', `https://exa mple.com/?key=${TYPED}`]],
  [['send-test', `example.com:99/?key=${TYPED}`]],
  [['send-test', `ftp://example.com/?key=${TYPED}`]],
  [['send-test', `99999/?key=${TYPED}`]],
  [['send-test', '4800', `https://example.com/?key=${TYPED}`]],
  [['send-test', `http://user:${TYPED}@example.com/`]],
  [['send-test', `https://example.com/?a=env:NONE&key=${TYPED}`]],
  [['replay', '--to', `nowhere?key=${TYPED}`]],
  [['replay', `https://example.com/?key=${TYPED}`, '--to', '4800']],
  [['listen', `nowhere?key=${TYPED}`]],
  [['listen', '--public-url', `nowhere?key=${TYPED}`]],
  [['listen', '--tunnel', `wss://relay.example.com/c?key=${TYPED}`]],
  [['dashboard', `nowhere?key=${TYPED}`]],
  [['endpoints', 'add', 'crm', `nowhere?key=${TYPED}`]],
  [['endpoints', 'add', 'crm', `ftp://example.com/?key=${TYPED}`]],
  [['endpoints', 'add', `https://example.com/?key=${TYPED}`]],
  [['endpoints', `https://example.com/?key=${TYPED}`]],
  [['init', '--url', `nowhere?key=${TYPED}`]],
  [['report', `https://example.com/?key=${TYPED}`]],
  [['logs', 'import', `https://example.com/?key=${TYPED}`]],
  [['relay', '--public-url', `https://example.com/?key=${TYPED}`]],
  [[`https://example.com/?key=${TYPED}`]],
  [[`4800/notify?key=${TYPED}`]],
])('no mistake repeats a value of a URL: %j', async (args) => {
  const { code } = await silent(args, tempFolder());
  expect(code).not.toBe(0);
});

test('a config with a mistake in it is told of without the value beside it', async () => {
  const cwd = tempFolder();
  for (const url of [`ftp://example.com/?key=${TYPED}`, `nowhere?key=${TYPED}`, 7]) {
    const crm = { url, secret: 'env:A', timeout: `https://x/?key=${TYPED}` };
    writeFileSync(join(cwd, 'mo-notify.config.json'), JSON.stringify({ endpoints: { crm } }));
    expect((await silent(['send-test', 'crm'], cwd)).code).toBe(2);
  }
});

test('a public URL is proved with its values, and shown without', async () => {
  const listen = await startListen([], { cwd: tempFolder(), env });
  // Nothing is behind it but this other receiver, which does not know the probe.
  await silent(['listen', '--port', '0', '--public-url', `${listen.url}/x?key=${TYPED}`], tempFolder());
  await silent(['listen', '--port', '0', '--public-url', `${listen.url}/x?key=env:CRM_KEY`], tempFolder());
  const open = testIo({ cwd: tempFolder(), env });
  const url = `https://example.com/x?key=env:CRM_KEY`;
  expect(await run(['listen', '--port', '0', '--public-url', url, '--no-probe', '--for', '1ms'], open)).toBe(
    0,
  );
  expect(open.err()).toContain(`mo-notify send-test '${url}'`);
  expectNoLeak(open.out() + open.err(), 'listen --public-url');
  await listen.stop();
});

describe('what is received with credentials, in headers and in the query', () => {
  const headers = ['Authorization', `Bearer ${TOKEN}`, 'Cookie', `a=${TOKEN}`, 'X-Crm-Key', TOKEN];

  test('is shown and kept without, and the app gets them', async () => {
    const endpoint = await chatty();
    const cwd = project(endpoint);
    const listen = await startListen(['crm', '--with-bodies'], { cwd, env });
    const path = `/crm?token=${TYPED}`;
    const send = (about: Parameters<typeof delivery>[0]) =>
      post(listen.port, delivery({ headers, ...about }), { path });
    for (const n of [1, 2, 3]) await send({ id: `ev_${n}`, body: eventBody({ call_id: `MO${n}` }) });
    await send({ id: 'ev_forged', signature: 'sha256=00' });
    expect(endpoint.requests.map((request) => request.headers.authorization)).toEqual(
      Array(3).fill(`Bearer ${TOKEN}`),
    );
    expect(endpoint.requests.every(({ url }) => url?.endsWith(`&token=${TYPED}`))).toBe(true);
    const page = await enter(jsonLines(listen.io)[0]?.dashboard as string);
    for (const [at, post] of [
      ['', false],
      ['/curl', false],
      ['/resend', true],
    ] as const) {
      const { status, body } = await page.ask(`/api/deliveries/receipt/1${at}`, {
        method: post ? 'POST' : 'GET',
      });
      expect(status).toBe(200);
      expectNoLeak(body, `the page's ${at}`);
    }
    await listen.stop();
    expectNoLeak(listen.io.out() + listen.io.err(), 'listen --json --with-bodies');
    expect(listen.io.out()).toContain('["Authorization","***"]');
    for (const args of [
      ['logs', 'show', 'ev_1'],
      ['logs', 'show', 'ev_1', '--json', '--show-numbers'],
      ['logs', 'list', '--json', '--with-bodies'],
      ['logs', 'export', '--with-bodies', '--show-numbers'],
      ['logs', 'export', '--with-bodies', '--format', 'csv'],
    ])
      expect((await silent(args, cwd)).io.out()).toContain('***');
  });
});

test('Resend sends credentials to an app that is still owed the event, and then no more', async () => {
  const app = await startEndpoint(answers(500, 200));
  const listen = await startListen([app.url.href], { env });
  const page = await enter(jsonLines(listen.io)[0]?.dashboard as string);
  const came = delivery({ headers: ['Authorization', `Bearer ${TOKEN}`, 'X-Team', 'sales'] });
  expect((await post(listen.port, came)).status).toBe(500);
  const resend = () => page.post('/api/deliveries/receipt/1/resend');
  expect((await resend()).status).toBe(200);
  // The sender's own retry, which is forwarded and taken.
  expect((await post(listen.port, came)).status).toBe(200);
  expect((await resend()).status).toBe(200);
  await listen.stop();
  const seen = app.requests.map(({ header }) => [header('Authorization'), header('X-Team')]);
  const whole = [`Bearer ${TOKEN}`, 'sales'];
  expect(seen).toEqual([whole, whole, whole, [undefined, 'sales']]);
  expect(filesWith(join(listen.io.cwd, '.mo-notify'), FORMS)).toEqual([]);
});

describe.skipIf(process.platform !== 'linux')('a program that listen runs (--exec)', () => {
  test('finds no key of the app in its environment, nor in any process’s arguments', async () => {
    const endpoint = await chatty();
    const cwd = project(endpoint);
    const probe =
      'cat >body; cat /proc/$$/environ /proc/self/environ >env; cat /proc/[0-9]*/cmdline >args 2>/dev/null; true';
    const target = `${endpoint.port}/notify?key=env:CRM_KEY`;
    const args = [BIN, 'listen', target, '--port', '0', '--json', '--max-events', '1', '--exec', probe];
    const running = start(process.execPath, args, { cwd, env });
    running.child.stdin?.end();
    const [, url] = (await running.waitFor(/"url":"([^"]+)"/)) as string[];
    await post(Number(new URL(url as string).port), delivery());
    const { code, out, err } = await running.ended;
    expect([code, err]).toEqual([0, '']);
    expectNoLeak(out + err, 'listen --exec');
    expect(readFileSync(join(cwd, 'args'), 'utf8')).toContain('--exec');
    for (const name of ['args', 'env']) expectNoLeak(readFileSync(join(cwd, name), 'latin1'), name);
  });
});
