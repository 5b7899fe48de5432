import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headerPairs } from '../../src/core/headers.ts';
import { signPayload } from '../../src/core/signature.ts';
import { type Delivery, delivery, EVENT, SECRET } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { exchange, parseAnswer, request } from '../helpers/raw-http.ts';
import { receiptsOf, runRelay, type TestChannel } from '../helpers/relay.ts';
import type { RunningListen } from '../helpers/test-io.ts';

const MODES = [
  ['passed through', 'app'],
  ['kept', 'relay'],
] as const;

interface Arrived {
  signature: string;
  headers: [string, string][];
  body: Buffer;
}

/** A channel of each mode with a listener that shows what comes, for as long as the test takes. */
async function open(ack: 'app' | 'relay', args: string[] = []) {
  const relay = await runRelay(args);
  const channel = await relay.channel(['--ack', ack]);
  const listen = await channel.listen(['--with-bodies']);
  let count = 0;
  /** Writes these bytes to the relay; resolves to what the listener made of them. */
  async function carried(bytes: Uint8Array): Promise<Arrived> {
    count += 1;
    expect(parseAnswer(await exchange(relay.port, bytes)).status).toBe(200);
    return last(listen, count);
  }
  return { relay, channel, listen, carried, post: (sent: Delivery) => carried(wire(channel, sent)) };
}

async function last(listen: RunningListen, count: number): Promise<Arrived> {
  const receipt = (await receiptsOf(listen, count))[count - 1] as Record<string, unknown>;
  return {
    signature: receipt.signature as string,
    headers: receipt.headers as [string, string][],
    body: Buffer.from(receipt.body_base64 as string, 'base64'),
  };
}

function wire({ id }: TestChannel, { headers, body }: Delivery): Buffer {
  return request({ headers: ['Connection', 'close', ...headers], body }, `/${id}`);
}

describe.each(MODES)('F16 bytes that are %s arrive as they were sent', (_, ack) => {
  test('a mark, invalid UTF-8, compressed bytes, nothing, 1 MiB: the signature is valid', async () => {
    const { post } = await open(ack);
    const bodies: [body: string | Uint8Array, headers?: string[]][] = [
      [`\ufeff${EVENT}\r\n`],
      [Buffer.from([0x7b, 0xff, 0xfe, 0, 0x0d, 0x0a, 0x7d])],
      [gzipSync(EVENT), ['Content-Encoding', 'gzip']],
      [''],
      [Buffer.alloc(1024 ** 2, 0xe9)],
      ['{"n": 1.0, "s": "a\\/b \\u00e9"}\n'],
    ];
    for (const [i, [body, headers]] of bodies.entries()) {
      const sent = delivery({ id: `ev_${i}`, body, headers: headers ?? [] });
      const got = await post(sent);
      expect([i, got.signature, got.body.equals(sent.body)]).toEqual([i, 'valid', true]);
      if (headers !== undefined) expect(got.headers).toContainEqual(headers);
    }
  });

  test('headers in their order and their case, those that come twice too, less those of the hop', async () => {
    const { channel, carried } = await open(ack);
    const kept = [
      ['content-TYPE', 'application/json'],
      ['x-dup', '1'],
      ['X-MO-SIGNATURE', signPayload(EVENT, SECRET)],
      ['X-DUP', '2'],
      ['X-Latin', 'caf\u00e9'],
      ['x-dup', '1'],
      ['X-Empty', ''],
      ['Cookie', 'a=b; c=d'],
      ['Authorization', 'Basic YTpi'],
    ];
    const hop = ['Connection: close, X-Hop', 'X-Hop: 1', 'TE: trailers', 'Keep-Alive: 5'];
    const lines = [...kept.slice(0, 3).map((pair) => pair.join(': ')), ...hop];
    lines.push(...kept.slice(3).map((pair) => pair.join(': ')), `Content-Length: ${EVENT.length}`);
    const text = `POST /${channel.id} HTTP/1.1\r\nHost: public.example\r\n${lines.join('\r\n')}\r\n\r\n${EVENT}`;
    const got = await carried(Buffer.from(text, 'latin1'));
    const end = got.headers.length - 3;
    const own = new Set(['host', 'content-length']);
    // Credentials arrive like the others (see the next test), but are not shown.
    const shown = [...kept.slice(0, -2), ['Cookie', '***'], ['Authorization', '***']];
    expect(got.headers.slice(0, end).filter(([name]) => !own.has(name.toLowerCase()))).toEqual(shown);
    expect(got.headers.slice(end)).toEqual([
      ['X-Forwarded-For', '127.0.0.1'],
      ['X-Forwarded-Proto', 'http'],
      ['X-Forwarded-Host', 'public.example'],
    ]);
    expect(got.signature).toBe('valid');
  });

  test('credentials, for the app behind the listener', async () => {
    const app = await startEndpoint(answers(200));
    const relay = await runRelay();
    const channel = await relay.channel(['--ack', ack]);
    await channel.listen([app.url.href]);
    const headers = ['Cookie', 'a=b; c=d', 'Authorization', 'Basic YTpi', 'X-Api-Key', 'hunter2'];
    const sent = delivery({ headers });
    expect(parseAnswer(await exchange(relay.port, wire(channel, sent))).status).toBe(200);
    await app.arrived(1);
    const [seen] = app.requests;
    for (const [name, value] of headerPairs(headers)) expect(seen?.header(name)).toBe(value);
  });

  test('a chunked request', async () => {
    const { channel, carried } = await open(ack);
    const [one, two] = [EVENT.slice(0, 20), EVENT.slice(20)];
    const head = `POST /${channel.id} HTTP/1.1\r\nHost: x\r\nX-MO-Signature: ${signPayload(EVENT, SECRET)}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const chunks = [one, two].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
    const got = await carried(Buffer.from(`${head}${chunks}0\r\n\r\n`));
    expect([got.signature, got.body.toString()]).toEqual(['valid', EVENT]);
    expect(got.headers.map(([name]) => name.toLowerCase())).not.toContain('transfer-encoding');
  });

  test('any bytes and any headers', async () => {
    const { post } = await open(ack);
    let id = 0;
    const name = fc.stringMatching(/^[xX]-[tT][a-zA-Z]{0,6}$/);
    const value = fc.stringMatching(/^[!-~\u00a1-\u00ff]([ -~]{0,20}[!-~])?$/);
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.array(fc.tuple(name, value), { maxLength: 5 }),
        async (body, pairs) => {
          id += 1;
          const sent = delivery({ id: `ev_${id}`, body, headers: pairs.flat() });
          const got = await post(sent);
          expect([got.signature, got.body.equals(sent.body)]).toEqual(['valid', true]);
          expect(got.headers.filter(([own]) => /^x-t/i.test(own))).toEqual(pairs);
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe.each(MODES)('F13 of a delivery that is %s', (_, ack) => {
  test('what a sender claims of where it comes from is replaced by what the relay knows', async () => {
    const { channel, carried } = await open(ack);
    const spoofed = [
      'Forwarded: for=8.8.8.8;host=evil.example',
      'X-Forwarded-Host: evil.example',
      'x-forwarded-proto: https',
      'X-Forwarded-Port: 1',
      'X-Real-IP: 8.8.8.8',
      'X-Forwarded-For: evil, 8.8.8.8, not-an-address',
    ];
    const text = `POST /${channel.id} HTTP/1.1\r\nHost: a.example\r\n${spoofed.join('\r\n')}\r\nX-MO-Signature: ${signPayload(EVENT, SECRET)}\r\nConnection: close\r\nContent-Length: ${EVENT.length}\r\n\r\n${EVENT}`;
    const { headers } = await carried(Buffer.from(text));
    expect(headers.filter(([name]) => /^(x-)?forwarded|^x-real/i.test(name))).toEqual([
      ['X-Forwarded-For', '127.0.0.1'],
      ['X-Forwarded-Proto', 'http'],
      ['X-Forwarded-Host', 'a.example'],
    ]);
    expect(JSON.stringify(headers)).not.toMatch(/evil|8\.8\.8\.8/);
  });

  test('of a chain of proxies only the word of the one on this machine counts, with --trust-proxy', async () => {
    const { post } = await open(ack, ['--trust-proxy']);
    const { headers } = await post(delivery({ headers: ['X-Forwarded-For', '6.6.6.6, 203.0.113.9'] }));
    expect(headers.filter(([name]) => name === 'X-Forwarded-For')).toEqual([
      ['X-Forwarded-For', '203.0.113.9'],
    ]);
  });
});
