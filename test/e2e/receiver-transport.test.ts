import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { signPayload } from '../../src/core/signature.ts';
import { delivery, EVENT, SECRET } from '../helpers/delivery.ts';
import { exchange, openWire, parseAnswer, post, request } from '../helpers/raw-http.ts';
import { type ReceiverServer, startReceiver } from '../helpers/receiver-server.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-MO-Event-Id: ev_1\r\n';
const SIGNED = `${HEAD}X-MO-Signature: ${signPayload(EVENT, SECRET)}\r\nConnection: close\r\n`;
const WHOLE = `${SIGNED}Content-Length: ${EVENT.length}\r\n\r\n${EVENT}`;

async function expectAlive(server: ReceiverServer): Promise<void> {
  expect((await post(server.port, delivery({ id: 'ev_alive' }))).status).toBe(200);
}

async function receipts(server: ReceiverServer) {
  return (await server.stored()).map(({ eventId, status }) => [eventId, status]);
}

const refusedByParser: [name: string, bytes: string, status: number][] = [
  ['A18 a header of 17 KB', `${SIGNED}X-Long: ${'x'.repeat(17 * 1024)}\r\n\r\n`, 431],
  ['A18 2,000 headers of 28 KB in all', `${SIGNED}${'X-Some: 12345678\r\n'.repeat(2000)}\r\n`, 431],
  ['A18 NUL in a header', `${SIGNED}X-Nul: a\0b\r\n\r\n`, 400],
  ['A18 a space before the colon', `${SIGNED}X-A : b\r\n\r\n`, 400],
  [
    'C2 Content-Length and Transfer-Encoding',
    `${SIGNED}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['C2 two Content-Lengths', `${SIGNED}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} `, 400],
  ['C2 a negative Content-Length', `${SIGNED}Content-Length: -1\r\n\r\n`, 400],
  ['C2 a method that is none', 'FROB / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['C2 not HTTP at all', 'hello there\r\n\r\n', 400],
  ['B10 a broken chunk size', `${SIGNED}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n`, 400],
];

test.each(refusedByParser)('%s: refused, nothing stored, server alive', async (_, bytes, status) => {
  const server = await startReceiver();
  expect(parseAnswer(await exchange(server.port, bytes)).status).toBe(status);
  await server.faulted(1);
  expect(server.faults[0]).toMatchObject({ kind: 'bad_request' });
  await expectAlive(server);
  expect(await receipts(server)).toEqual([['ev_alive', 200]]);
});

test('C4 no Host: 400, nothing stored', async () => {
  const server = await startReceiver();
  expect(parseAnswer(await exchange(server.port, WHOLE.replace('Host: x\r\n', ''))).status).toBe(400);
  expect(server.faults).toMatchObject([{ kind: 'bad_request', detail: '400 it has 0 Host headers' }]);
  expect(await server.stored()).toEqual([]);
});

test('A18 obs-fold is refused or read as one value, and the server is alive', async () => {
  const server = await startReceiver();
  const folded = await exchange(
    server.port,
    WHOLE.replace('X-MO-Event-Id: ev_1', 'X-Fold: a\r\n b\r\nX-MO-Event-Id: ev_1'),
  );
  expect([200, 400]).toContain(parseAnswer(folded).status);
  await expectAlive(server);
});

test('A18 150 headers are no fault', async () => {
  const server = await startReceiver();
  const headers = Array.from({ length: 150 }, (_, i) => [`X-${i}`, `${i}`]).flat();
  expect((await post(server.port, delivery({ headers }))).status).toBe(200);
});

test('A6 two signature headers on the wire are a list', async () => {
  const server = await startReceiver();
  const wrong = `sha256=${'0'.repeat(64)}`;
  expect((await post(server.port, delivery({ headers: ['x-mo-signature', wrong] }))).status).toBe(200);
  expect(
    (await post(server.port, delivery({ signature: wrong, headers: ['X-MO-Signature', wrong] }))).status,
  ).toBe(400);
});

test.each(['GET', 'PUT', 'OPTIONS', 'DELETE'])('C2 %s on the wire: 405 with Allow: POST', async (method) => {
  const server = await startReceiver();
  const answer = parseAnswer(
    await exchange(server.port, `${method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
  );
  expect(answer.status).toBe(405);
  expect(answer.headers.allow).toBe('POST');
});

describe('B10 chunked bodies', () => {
  const chunked = (body: string) => `${SIGNED}Transfer-Encoding: chunked\r\n\r\n${body}`;
  const half = EVENT.slice(0, 20);
  const rest = EVENT.slice(20);
  const size = (text: string) => text.length.toString(16);

  test.each([
    ['plain', `${size(half)}\r\n${half}\r\n${size(rest)}\r\n${rest}\r\n0\r\n\r\n`],
    ['with chunk extensions', `${size(half)};a=b\r\n${half}\r\n${size(rest)};c\r\n${rest}\r\n0\r\n\r\n`],
    [
      'with trailers',
      `${size(EVENT)}\r\n${EVENT}\r\n0\r\nX-MO-Event-Id: ev_trailer\r\nX-MO-Signature: x\r\n\r\n`,
    ],
    ['a byte at a time', `${[...EVENT].map((byte) => `1\r\n${byte}\r\n`).join('')}0\r\n\r\n`],
  ])('%s: accepted over the bytes inside, trailers ignored', async (_, body) => {
    const server = await startReceiver();
    expect(parseAnswer(await exchange(server.port, chunked(body))).status).toBe(200);
    const [receipt] = await server.stored();
    expect(receipt).toMatchObject({ eventId: 'ev_1', signature: 'valid', bodyBytes: EVENT.length });
  });
});

describe('B11 the limit of a body', () => {
  const limit = 2000;
  const event = (bytes: number) => delivery({ body: EVENT.padEnd(bytes, ' ') });

  test('exactly the limit: taken', async () => {
    const server = await startReceiver({ maxBody: limit });
    expect((await post(server.port, event(limit))).status).toBe(200);
  });

  test.each([
    ['one byte more', event(limit + 1)],
    ['10 MB', { headers: [], body: Buffer.alloc(10_000_000, 32) }],
  ])('%s: 413, closed, nothing stored', async (_, big) => {
    const server = await startReceiver({ maxBody: limit });
    const answer = parseAnswer(await exchange(server.port, request(big)));
    expect(answer.status).toBe(413);
    expect(answer.headers.connection).toBe('close');
    await server.faulted(1);
    expect(server.faults.map(({ kind }) => kind)).toEqual(['too_large']);
    await expectAlive(server);
    expect(await receipts(server)).toEqual([['ev_alive', 200]]);
  });

  test.each([
    ['1 GB declared', `${SIGNED}Content-Length: 1000000000\r\n\r\n`],
    [
      'B12 the same with Expect: 100-continue',
      `${SIGNED}Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n`,
    ],
  ])('%s: 413 before any of it is read, and no 100', async (_, head) => {
    const server = await startReceiver({ maxBody: limit });
    const text = await exchange(server.port, head);
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).not.toContain('100 Continue');
  });

  test('chunked and one byte more, in full: 413, nothing of it is stored', async () => {
    const server = await startReceiver({ maxBody: limit });
    const body = EVENT.padEnd(limit + 1, ' ');
    const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const text = await exchange(server.port, `${SIGNED}Transfer-Encoding: chunked\r\n\r\n${chunks}`);
    expect(parseAnswer(text).status).toBe(413);
    await expectAlive(server);
    expect(await receipts(server)).toEqual([['ev_alive', 200]]);
  });

  test('chunked, over the limit and for ever: 413 at the limit, then cut off', async () => {
    const server = await startReceiver({ maxBody: limit });
    const wire = await openWire(server.port);
    wire.write(`${SIGNED}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
    let sent = 0;
    const pump = () => {
      while (!wire.socket.destroyed && wire.socket.writable && wire.socket.write(chunk)) sent += chunk.length;
    };
    wire.socket.on('drain', pump);
    const closed = new Promise((resolve) => wire.socket.once('close', resolve));
    pump();
    expect(await wire.waitFor(/^HTTP\/1\.1 (\d+)/)).toMatchObject({ 1: '413' });
    await closed;
    expect(sent).toBeGreaterThan(limit);
    await expectAlive(server);
  });

  test('longer than its Content-Length: what follows is no request, 400, server alive', async () => {
    const server = await startReceiver();
    const text = await exchange(server.port, `${WHOLE.replace('Connection: close\r\n', '')}garbage\r\n\r\n`);
    expect(text).toContain('HTTP/1.1 400 Bad Request');
    expect(server.faults).toMatchObject([{ kind: 'bad_request' }]);
    await expectAlive(server);
  });
});

test('B12 Expect: 100-continue within the limit gets its 100, then its answer', async () => {
  const server = await startReceiver();
  const wire = await openWire(server.port);
  wire.write(`${SIGNED}Content-Length: ${EVENT.length}\r\nExpect: 100-continue\r\n\r\n`);
  await wire.waitFor(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
  wire.write(EVENT);
  expect(await wire.ended).toMatch(/\r\n\r\nHTTP\/1\.1 200 OK/);
  wire.socket.destroy();
});

test.each([
  ['B13 reset in the middle of the body', 'reset'],
  ['B11, B13 ended before its Content-Length', 'end'],
])('%s: nothing stored, counted as aborted, server alive', async (_, way) => {
  const server = await startReceiver();
  const wire = await openWire(server.port);
  wire.write(`${SIGNED}Content-Length: ${EVENT.length}\r\n\r\n${EVENT.slice(0, 30)}`);
  await new Promise((resolve) => setImmediate(resolve));
  if (way === 'reset') wire.socket.resetAndDestroy();
  else wire.socket.end();
  await server.faulted(1);
  if (way === 'end') expect(await wire.ended).not.toContain('200');
  await expectAlive(server);
  expect(server.faults.filter(({ kind }) => kind === 'aborted')).toHaveLength(1);
  expect(await receipts(server)).toEqual([['ev_alive', 200]]);
});

test('C3 a TLS hello: 400 and closed, with a hint, server alive', async () => {
  const server = await startReceiver();
  const tls = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
  const error = await new Promise<Error>((resolve) => tls.once('error', resolve));
  expect(error).toBeInstanceOf(Error);
  await server.faulted(1);
  expect(server.faults[0]?.detail).toBe('a TLS hello came to this plain http port; use http:// in the URL');
  await expectAlive(server);
});

test.each([
  ['hooks.example', 200],
  ['HOOKS.example:4800', 200],
  ['evil.example', 403],
  ['hooks.example.evil.example', 403],
  ['127.evil.example', 403],
  ['hooks.example.', 403],
  ['', 403],
])('C4 Host %j where hooks.example alone is allowed: %i', async (host, status) => {
  const server = await startReceiver({ allowHosts: ['hooks.example'] });
  const answer = parseAnswer(await exchange(server.port, WHOLE.replace('Host: x', `Host: ${host}`)));
  expect(answer.status).toBe(status);
  expect(await server.stored()).toHaveLength(status === 200 ? 1 : 0);
  expect(server.faults.map(({ kind }) => kind)).toEqual(status === 200 ? [] : ['wrong_host']);
});

test('C4 any Host may reach the receiver where none is named', async () => {
  const server = await startReceiver();
  expect(
    parseAnswer(await exchange(server.port, WHOLE.replace('Host: x', 'Host: evil.example'))).status,
  ).toBe(200);
});

test('several deliveries on one connection, sent without waiting, are answered in their order', async () => {
  const server = await startReceiver();
  const wire = await openWire(server.port);
  const first = request(delivery({ signature: null }));
  const second = request(delivery());
  const third = request({ ...delivery(), headers: [...delivery().headers, 'Connection', 'close'] });
  wire.write(Buffer.concat([first, second, third]));
  const statuses = [...(await wire.ended).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  expect(statuses).toEqual(['400', '200', '200']);
  expect((await server.stored()).map(({ duplicate }) => duplicate).sort()).toEqual(['duplicate', null, null]);
  wire.socket.destroy();
});

test('an answer without a body has no Content-Length: 204 is not followed by phantom bytes', async () => {
  const server = await startReceiver({}, { rehearsal: { statuses: [204], pause: async () => {} } });
  const answer = await post(server.port, delivery());
  expect(answer).toMatchObject({ status: 204, body: '' });
  expect(answer.headers['content-length']).toBeUndefined();
});
