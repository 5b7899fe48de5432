import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { enter } from '../helpers/dashboard-server.ts';
import { delivery, SECRET } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { exchange, parseAnswer, post, request } from '../helpers/raw-http.ts';
import { receiptsOf, runRelay } from '../helpers/relay.ts';
import { jsonLines, type RunningListen, startListen, testIo } from '../helpers/test-io.ts';

/** A secret in a query, as endpoints are registered with. */
const KEY = 'QU3RY-canary';
const env = { MO_SECRET: SECRET };

async function listening(args: string[]): Promise<RunningListen> {
  const listen = await startListen(['--no-dashboard', ...args], { env });
  onTestFinished(async () => void (await listen.stop()));
  return listen;
}

const paths = (app: { requests: { path: string }[] }) => app.requests.map(({ path }) => path);

describe('the query of the sender', () => {
  test.each([
    ['', `/?key=${KEY}`, `/?key=${KEY}`],
    ['notify', `/elsewhere?key=${KEY}&a=%2F`, `/notify?key=${KEY}&a=%2F`],
    ['notify?key=mine&b=2', `/?a=1&key=${KEY}&b=3`, '/notify?key=mine&b=2&a=1'],
    ['notify?key=mine', '/', '/notify?key=mine'],
  ])('to a target …/%s, asked for %s: the app gets %s', async (target, asked, got) => {
    const app = await startEndpoint(answers(200));
    const { port } = await listening([new URL(`/${target}`, app.url).href]);
    expect((await post(port, delivery(), { path: asked })).status).toBe(200);
    expect(paths(app)).toEqual([got]);
  });

  test.each(['app', 'relay'])(
    'comes through a relay, --ack %s, whose own query and header say nothing',
    async (ack) => {
      const app = await startEndpoint(answers(200));
      const relay = await runRelay();
      const channel = await relay.channel(['--ack', ack]);
      const listen = await channel.listen(['--with-bodies', app.url.href]);
      const sent = delivery({ headers: ['X-MO-Query', 'key=spoofed'] });
      const answer = await post(relay.port, sent, { path: `/${channel.id}?key=${KEY}` });
      expect(answer.status).toBe(200);
      const [receipt] = await receiptsOf(listen, 1);
      await app.arrived(1);
      expect(paths(app)).toEqual([`/notify?key=${KEY}`]);
      expect(app.requests[0]?.header('X-MO-Query')).toBeUndefined();
      expect(JSON.stringify([receipt, relay.io.out(), listen.io.out()])).not.toMatch(/QU3RY-canary|spoofed/);
    },
  );

  test('goes along when the dashboard resends and when replay does, and nothing shows it', async () => {
    const app = await startEndpoint(answers(200));
    const listen = await startListen([app.url.href], { env });
    onTestFinished(async () => void (await listen.stop()));
    await post(listen.port, delivery({ headers: ['Accept-Encoding', 'br'] }), { path: `/?key=${KEY}` });
    const page = await enter(jsonLines(listen.io)[0]?.dashboard as string);
    expect((await page.post('/api/deliveries/receipt/1/resend')).status).toBe(200);
    const { cwd } = listen.io;
    const said = [listen.io.out(), (await page.ask('/api/deliveries/receipt/1')).body];
    for (const args of [
      ['replay', '--to', app.url.href, '--kind', 'receipt', '--json'],
      ['logs', 'list', '--json'],
      ['logs', 'export', '--with-bodies'],
      ['logs', 'show', 'ev_1', '--body'],
    ]) {
      const io = testIo({ cwd, env });
      await run(args, io);
      said.push(io.out(), io.err());
    }
    expect(paths(app)).toEqual(Array(3).fill(`/notify?key=${KEY}`));
    expect(app.requests.map(({ header }) => header('Accept-Encoding'))).toEqual(Array(3).fill(undefined));
    expect(said.join('\n')).toContain('ev_1');
    expect(said.join('\n')).not.toContain(KEY);
  });

  test('goes along with the key r, too', async () => {
    const app = await startEndpoint(answers(200));
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
    const io = { ...testIo({ env: { ...env, NO_COLOR: '1' }, isTTY: true, columns: 400 }), stdin };
    const ended = run(['listen', '--port', '0', '--no-dashboard', app.url.href], io);
    const [, port] = await io.waitFor(/deliveries to http:\/\/127\.0\.0\.1:(\d+)/);
    expect((await post(Number(port), delivery(), { path: `/?key=${KEY}` })).status).toBe(200);
    stdin.write('r');
    await io.waitFor(/Resent to /);
    stdin.write('q');
    await ended;
    expect(paths(app)).toEqual(Array(2).fill(`/notify?key=${KEY}`));
    expect(io.out() + io.err()).not.toContain(KEY);
  });
});

describe('--path', () => {
  const both = ['--path', '/crm', '--path', '/slack'];

  test('several: each is a place of its own, others are 404', async () => {
    const app = await startEndpoint(answers(200));
    const { io, port } = await listening([new URL('/', app.url).href, ...both]);
    const status = async (path: string) => (await post(port, delivery(), { path })).status;
    for (const path of ['/', '/crm/', '/Crm', '/other', '/crm%2f..', '/x/../crm', '/%63rm', '//crm'])
      expect([path, await status(path)]).toEqual([path, 404]);
    expect([await status('/crm?key=1'), await status('/slack'), await status('/crm')]).toEqual([
      200, 200, 200,
    ]);
    expect(paths(app)).toEqual(['/crm?key=1', '/slack']);
    expect(jsonLines(io).filter(({ type }) => type === 'receipt')).toMatchObject([
      { duplicate: null },
      { duplicate: null },
      { duplicate: 'duplicate' },
    ]);
  });

  test('with a target that has a path of its own, that is where all of it goes', async () => {
    const app = await startEndpoint(answers(200));
    const { port } = await listening([app.url.href, ...both]);
    for (const path of ['/crm', '/slack']) expect((await post(port, delivery(), { path })).status).toBe(200);
    expect(paths(app)).toEqual(['/notify', '/notify']);
  });

  test('is part of a resend and of a replay as well', async () => {
    const app = await startEndpoint(answers(200));
    const target = new URL('/', app.url).href;
    const { io, port } = await listening([target, ...both]);
    for (const path of ['/slack', '/crm']) await post(port, delivery(), { path });
    const replay = testIo({ cwd: io.cwd, env });
    expect(await run(['replay', '--to', target, '--kind', 'receipt', '--concurrency', '1'], replay)).toBe(0);
    expect(paths(app)).toEqual(['/slack', '/crm', '/slack', '/crm']);
  });

  test.each(['crm', '//crm', '/a/../crm', '/crm?x=1', '/crm#x', '/a b', '/a\\b', '/%2e%2e/x', ''])(
    '%j is no path: exit 2, with what is one',
    async (path) => {
      const io = testIo({ env });
      expect(await run(['listen', '--port', '0', '--path', path], io)).toBe(2);
      expect(io.err()).toMatch(/--path: '.*' (is not a path|needs no query)/);
    },
  );

  test('of several, deliveries through a relay come to the first, which is said', async () => {
    const app = await startEndpoint(answers(200));
    const relay = await runRelay();
    const channel = await relay.channel();
    const listen = await channel.listen([new URL('/', app.url).href, ...both]);
    expect((await channel.publish(delivery())).status).toBe(200);
    expect(paths(app)).toEqual(['/crm']);
    expect(listen.io.err()).toContain('Deliveries through the relay come to /crm, the first --path.');
  });
});

describe('F13 nothing that a sender says chooses host or path', () => {
  test.each([
    'http://127.0.0.1:OTHER/admin',
    '//127.0.0.1:OTHER/admin',
    '/../admin',
    '/%2e%2e/admin',
    '/notify/../admin',
    '/..%2fadmin',
    '/admin#',
    '/;@127.0.0.1:OTHER/',
    '/\\\\127.0.0.1:OTHER',
  ])('%s', async (asked) => {
    const app = await startEndpoint(answers(200));
    const other = await startEndpoint(answers(200));
    const { port } = await listening([app.url.href]);
    const target = asked.replace('OTHER', String(other.port));
    const wire = request(
      { ...delivery(), headers: ['Connection', 'close', ...delivery().headers] },
      `${target}?key=1`,
    );
    const { status } = parseAnswer(await exchange(port, wire));
    // Refused as no request, or taken as any other.
    expect([200, 400]).toContain(status);
    expect(paths(app).every((path) => /^\/notify(\?key=1)?$/.test(path))).toBe(true);
    expect(app.requests).toHaveLength(status === 200 ? 1 : 0);
    expect(other.connections()).toBe(0);
  });
});
