import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { delivery, SECRET } from '../helpers/delivery.ts';
import {
  answers,
  drips,
  type Endpoint,
  replies,
  startEndpoint,
  startRawEndpoint,
} from '../helpers/endpoint.ts';
import { hostileListener } from '../helpers/hostile-listener.ts';
import { openWire, parseAnswer, post, type RawAnswer, request } from '../helpers/raw-http.ts';
import { collect } from '../helpers/records.ts';
import { nth, receiptsOf, runRelay } from '../helpers/relay.ts';
import { type RunningListen, startListen } from '../helpers/test-io.ts';

interface Way {
  listen: RunningListen;
  /** The port and the path that the sender posts to. */
  port: number;
  path: string;
  send: (path?: string) => Promise<RawAnswer>;
}

const WAYS: [name: string, open: (app: Endpoint) => Promise<Way>][] = [
  [
    'directly',
    async (app) => {
      const listen = await startListen(['--no-dashboard', app.url.href], { env: { MO_SECRET: SECRET } });
      onTestFinished(async () => void (await listen.stop()));
      return { listen, port: listen.port, path: '/', send: () => post(listen.port, delivery()) };
    },
  ],
  [
    'through a relay',
    async (app) => {
      const relay = await runRelay();
      const channel = await relay.channel();
      const listen = await channel.listen([app.url.href]);
      return { listen, port: relay.port, path: `/${channel.id}`, send: () => channel.publish(delivery()) };
    },
  ],
];

const KIB64 = 65_536;

describe.each(WAYS)("the app's own answer goes back %s", (_, open) => {
  test.each<[name: string, status: number, headers: Record<string, string>, body: string | Buffer]>([
    ['JSON', 422, { 'Content-Type': 'application/problem+json; charset=utf-8' }, '{"title":"no such call"}'],
    ['Retry-After in seconds', 503, { 'Retry-After': '120', 'Content-Type': 'text/html' }, '<h1>Down</h1>'],
    ['Retry-After as a date', 429, { 'Retry-After': 'Fri, 31 Dec 2027 23:59:59 GMT' }, ''],
    ['a body whose coding nobody asked for', 200, { 'Content-Encoding': 'gzip' }, gzipSync('compressed')],
    ['a body of 64 KiB', 200, { 'Content-Type': 'application/octet-stream' }, Buffer.alloc(KIB64, 'é')],
  ])('%s', async (_name, status, headers, body) => {
    const way = await open(await startEndpoint(answers([status, { ...headers, 'X-Secret': '1' }, body])));
    const answer = await way.send();
    expect([answer.status, answer.body]).toEqual([status, Buffer.from(body).toString('latin1')]);
    for (const [name, value] of Object.entries(headers))
      expect([name, answer.headers[name.toLowerCase()]]).toEqual([name, value]);
    expect([answer.headers['x-secret'], answer.headers['x-mo-body-cut']]).toEqual([undefined, undefined]);
    const [receipt] = await receiptsOf(way.listen, 1);
    expect(receipt).toMatchObject({ status, forward: { status } });
    expect(receipt).not.toHaveProperty('answer_cut');
  });

  test.each([204, 304])('a %i has no body, and the connection goes on', async (status) => {
    const way = await open(await startEndpoint(answers([status], 200)));
    const wire = await openWire(way.port);
    onTestFinished(() => void wire.socket.destroy());
    wire.write(request(nth(1), way.path));
    await wire.waitFor(/\r\n\r\n/);
    wire.write(request(nth(2), way.path));
    await wire.waitFor(/HTTP\/1\.1 200 /);
    const [first] = wire.received().split('HTTP/1.1 200 ');
    expect(first).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^\\r]*\\r\\n(?:[^\\r]+\\r\\n)*\\r\\n$`));
    expect(first).not.toMatch(/content-length: [1-9]|transfer-encoding/i);
  });

  test('more than 64 KiB is cut, which the sender and the listener see', async () => {
    const body = Buffer.alloc(KIB64 + 1, 'x');
    const way = await open(await startEndpoint(answers([500, { 'Content-Type': 'text/plain' }, body])));
    const answer = await way.send();
    expect([answer.status, answer.body.length, answer.headers['x-mo-body-cut']]).toEqual([
      500,
      KIB64,
      'true',
    ]);
    expect(answer.headers['content-length']).toBe(String(KIB64));
    expect(await receiptsOf(way.listen, 1)).toMatchObject([{ status: 500, answer_cut: true }]);
  });

  test('a body that never ends is what has come of it', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99999\r\n\r\nbegun';
    const way = await open(await startRawEndpoint(drips(head, '.')));
    const answer = await way.send();
    expect([answer.status, answer.headers['x-mo-body-cut']]).toEqual([200, 'true']);
    expect(answer.body).toMatch(/^begun\.*$/);
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
  });

  test('G7 headers of one hop, and what would end the head early, do not come through', async () => {
    const odd = [
      'HTTP/1.1 200 OK',
      'Content-Type: text/plain\u0001x',
      'Retry-After: 1',
      'Transfer-Encoding: chunked',
      'Connection: close, X-Hop',
      'X-Hop: 1',
      'Keep-Alive: timeout=1',
      'Trailer: X-Late',
      'Set-Cookie: a=b',
    ];
    const app = await startRawEndpoint(
      replies(`${odd.join('\r\n')}\r\n\r\n2\r\nok\r\n0\r\nX-Late: 1\r\n\r\n`),
    );
    const answer = await (await open(app)).send();
    // An answer that no parser takes is none.
    expect([200, 502]).toContain(answer.status);
    for (const name of ['transfer-encoding', 'x-hop', 'trailer', 'x-late', 'set-cookie'])
      expect([name, answer.headers[name]]).toEqual([name, undefined]);
    expect(answer.headers['content-type'] ?? '').not.toContain('\u0001');
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
  });
});

test('what the store keeps of an answer is its beginning, as text', async () => {
  const app = await startEndpoint(answers([500, {}, 'é'.repeat(KIB64)]));
  const listen = await startListen(['--no-dashboard', app.url.href], { env: { MO_SECRET: SECRET } });
  onTestFinished(async () => void (await listen.stop()));
  await post(listen.port, delivery());
  const store = await openStore(`sqlite:${listen.io.cwd}/.mo-notify/deliveries.db`);
  onTestFinished(() => store.close());
  const [entry] = await collect(store.entries('receipt', {}, { bodies: true }));
  expect(entry?.record).toMatchObject({ answer: 'é'.repeat(2048) });
});

describe('G7 a hostile listener behind a relay', () => {
  const SMUGGLED = 'x\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse';

  test.each<[name: string, status: number, headers: string[], body: string]>([
    ['CR and LF in a value', 200, ['X-Odd', SMUGGLED], 'body'],
    ['CR and LF in a name', 200, [`X-Odd: ${SMUGGLED}`, '1'], 'body'],
    ['LF alone', 200, ['X-Odd', 'a\nX-Evil: 1'], 'body'],
    ['NUL', 200, ['X-Odd', 'a\0b', 'X-\0', '1'], 'body'],
    ['a shorter Content-Length', 200, ['Content-Length', '1'], 'body'],
    ['a longer Content-Length', 200, ['content-length', '9999'], 'body'],
    ['Transfer-Encoding', 200, ['Transfer-Encoding', 'chunked'], '0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['Connection', 200, ['Connection', 'close, X-Hop', 'X-Hop', '1'], 'body'],
    ['an upgrade', 200, ['Connection', 'Upgrade', 'Upgrade', 'websocket'], 'body'],
    ['a body where there is none', 204, ['Content-Length', '4'], 'HTTP/1.1 200 OK\r\n\r\n'],
    ['a body of a 304', 304, [], 'HTTP/1.1 200 OK\r\n\r\n'],
  ])(
    '%s: its answer is well formed, and so is the next on the connection',
    async (_, status, headers, body) => {
      const relay = await runRelay();
      const channel = await relay.channel();
      await hostileListener(channel.tunnel(relay.port), channel.token, (turn) =>
        turn === 1
          ? { status, headers: ['X-Fine', '1', ...headers], body }
          : { status: 202, headers: [], body: 'the next one' },
      );
      const wire = await openWire(relay.port);
      onTestFinished(() => void wire.socket.destroy());
      wire.write(request(nth(1), `/${channel.id}`));
      await wire.waitFor(/\r\n\r\n/);
      wire.write(request(nth(2), `/${channel.id}`));
      await wire.waitFor(/the next one$/);
      const [first = '', second = '', ...more] = wire
        .received()
        .split(/(?=HTTP\/1\.1 (?:202|204|304|502) |^HTTP)/);
      expect(more).toEqual([]);
      const [head = ''] = first.split('\r\n\r\n');
      expect(head.replaceAll('\r\n', '')).toMatch(/^[ -~]*$/);
      expect(head.match(/content-length/gi) ?? []).toHaveLength(status === 200 ? 1 : 0);
      const answer = parseAnswer(first);
      expect([status, 502]).toContain(answer.status);
      const bodyless = answer.status === 204 || answer.status === 304;
      expect(answer.body).toBe(bodyless ? '' : body);
      expect(answer.headers['content-length'] ?? '0').toBe(bodyless ? '0' : String(body.length));
      for (const name of ['transfer-encoding', 'upgrade', 'x-hop', 'x-evil'])
        expect([name, answer.headers[name]]).toEqual([name, undefined]);
      expect(answer.headers.connection).toBe('keep-alive');
      expect(answer.headers['x-fine']).toBe('1');
      expect(parseAnswer(second)).toMatchObject({ status: 202, body: 'the next one' });
    },
  );
});
