import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { IncomingRequest } from '../../../src/http/serve-options.ts';
import { eventually } from '../../helpers/eventually.ts';
import { exchange, openWire, parseAnswer } from '../../helpers/raw-http.ts';
import { startReceiver } from '../../helpers/receiver-server.ts';

/** A server that says what it took: method, target, and the body's digest. */
function startEcho(taken: IncomingRequest[] = []) {
  return startReceiver({
    handle: async (request) => {
      taken.push(request);
      return {
        status: 200,
        headers: [],
        body: `${request.method} ${request.target} ${digest(request.body)}\n`,
      };
    },
  });
}

function digest(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\n';
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

describe('G14 what two readers could take for two things', () => {
  test.each([
    ['a bare LF in a chunk extension', `${CHUNKED}2;a\nb\r\n{}\r\n0\r\n\r\n`],
    ['a bare CR in a chunk extension', `${CHUNKED}2;a\rb\r\n{}\r\n0\r\n\r\n`],
    ['junk for a trailer', `${CHUNKED}2\r\n{}\r\n0\r\n{}\r\n\r\n`],
    ['Content-Length for a trailer', `${CHUNKED}2\r\n{}\r\n0\r\nContent-Length: 2\r\n\r\n`],
    ['chunked twice', `${HEAD}Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
    ['a coding behind chunked', `${HEAD}Transfer-Encoding: chunked, gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
    ['two lengths', `${HEAD}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`],
    [
      'a length and a coding',
      `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    ],
    ['two hosts', `POST / HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 2\r\n\r\n{}`],
    ['a chunk longer than it says', `${CHUNKED}2\r\n{}x\r\n0\r\n\r\n`],
    ['a line that ends in LF alone', 'POST / HTTP/1.1\nHost: x\r\nContent-Length: 2\r\n\r\n{}'],
  ])('%s: 400, and the connection is closed', async (_, bytes) => {
    const server = await startEcho();
    const text = await exchange(
      server.port,
      `${bytes}POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).not.toContain('smuggled');
    expect(server.faults).toMatchObject([{ kind: 'bad_request' }]);
  });

  test('CONNECT: 405, and the connection is closed', async () => {
    const server = await startEcho();
    const text = await exchange(
      server.port,
      'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n',
    );
    expect(parseAnswer(text)).toMatchObject({ status: 405, headers: { allow: 'POST', connection: 'close' } });
  });
});

test.each([
  [65_536, 200],
  [65_537, 400],
])('G5 a body in %i chunks: %i', async (chunks, status) => {
  const server = await startEcho();
  const wire = await openWire(server.port);
  wire.write(`${CHUNKED}${'1\r\nx\r\n'.repeat(chunks)}0\r\n\r\n`);
  expect((await wire.waitFor(/^HTTP\/1\.1 (\d+)/))[1]).toBe(String(status));
  expect(server.faults.map(({ kind }) => kind)).toEqual(status === 200 ? [] : ['bad_request']);
  wire.socket.destroy();
});

test('a request that is not to be read comes behind one that is being answered: its refusal waits for that answer', async () => {
  let answer: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const asked = vi.fn();
  const server = await startReceiver({
    maxBody: 10,
    handle: async () => {
      asked();
      await held;
      return { status: 200, headers: [], body: 'first' };
    },
  });
  for (const [second, status] of [
    [`${HEAD}Content-Length: 11\r\n\r\n`, 413],
    ['NONSENSE\r\n\r\n', 400],
  ] as const) {
    const wire = await openWire(server.port);
    wire.write(`${HEAD}Content-Length: 0\r\n\r\n${second}`);
    await server.faulted(server.faults.length + 1);
    answer();
    const text = await wire.ended;
    expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => Number(code))).toEqual([200, status]);
    wire.socket.destroy();
  }
});

test('requests that come without waiting are bounded: one is answered at a time, and reading stops meanwhile', async () => {
  const answers: (() => void)[] = [];
  const server = await startReceiver({
    handle: () =>
      new Promise((resolve) => {
        answers.push(() => resolve({ status: 200, headers: [], body: 'ok' }));
      }),
  });
  const wire = await openWire(server.port);
  const one = `${HEAD}Content-Length: 0\r\n\r\n`;
  const many = one.repeat(200_000);
  let flushed = false;
  wire.socket.write(many, () => {
    flushed = true;
  });
  await eventually(() => expect(answers).toHaveLength(1));
  // Several turns in which all of it could have been read.
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
  expect([answers.length, flushed]).toEqual([1, false]);
  wire.socket.destroy();
});

describe('for any request', () => {
  const method = fc.constantFrom('POST', 'PUT', 'PATCH');
  const target = fc.webPath().map((path) => (path.startsWith('/') ? path : `/${path}`));
  const sent = fc.record({
    method,
    target,
    body: fc.uint8Array({ maxLength: 3000 }),
    /** Null for a body with a length. */
    chunks: fc.option(fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 8 })),
    headers: fc.array(fc.tuple(fc.constantFrom('X-A', 'x-b', 'X-Long'), fc.stringMatching(/^[!-~]{0,40}$/)), {
      maxLength: 5,
    }),
  });

  test('that comes in pieces, one behind the other, what is taken is what was sent', async () => {
    const taken: IncomingRequest[] = [];
    const server = await startEcho(taken);
    await fc.assert(
      fc.asyncProperty(
        fc.array(sent, { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 12 }),
        async (requests, cuts) => {
          taken.length = 0;
          const bytes = Buffer.concat(requests.map((one, i) => encode(one, i === requests.length - 1)));
          const wire = await openWire(server.port);
          let at = 0;
          for (const size of [...cuts, bytes.length]) {
            if (at < bytes.length) wire.write(bytes.subarray(at, at + size));
            at += size;
            await new Promise((resolve) => setImmediate(resolve));
          }
          const text = await wire.ended;
          wire.socket.destroy();
          const lines = requests.map((one) => `${one.method} ${one.target} ${digest(one.body)}`);
          expect(text.match(/^[A-Z]+ \S+ [0-9a-f]{64}$/gm)).toEqual(lines);
          for (const [i, { headers, body }] of requests.entries()) {
            expect(taken[i]?.headers.slice(2, 2 + headers.length * 2)).toEqual(headers.flat());
            expect(Buffer.from(taken[i]?.body as Uint8Array)).toEqual(Buffer.from(body));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  function encode(
    { method, target, body, chunks, headers }: typeof sent extends fc.Arbitrary<infer T> ? T : never,
    last: boolean,
  ): Buffer {
    const lines = [
      `${method} ${target} HTTP/1.1`,
      'Host: x',
      ...headers.map(([name, value]) => `${name}: ${value}`),
    ];
    if (last) lines.push('Connection: close');
    lines.push(chunks === null ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked');
    const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
    if (chunks === null) return Buffer.concat([head, body]);
    const parts: Buffer[] = [head];
    let at = 0;
    for (const size of [...chunks, body.length]) {
      const part = body.subarray(at, at + size);
      at += part.length;
      if (part.length > 0)
        parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), Buffer.from(part), Buffer.from('\r\n'));
    }
    return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
  }
});
