import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { callStatus } from '../../../src/core/call.ts';
import { parsePayload } from '../../../src/core/payload.ts';
import type { NewReceipt, Store } from '../../../src/core/store.ts';
import { openStore } from '../../../src/store/open.ts';
import { type DeliveryOptions, delivery, EVENT, eventBody } from '../../helpers/delivery.ts';
import { growth } from '../../helpers/growth.ts';
import { NOW, receiveOne, testReceiver } from '../../helpers/test-receiver.ts';

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));
const withCallId = (raw: string | number[]) => bytes('{"event":"call_missed","call_id":"', raw, '"}');

const odd: [name: string, body: string | Uint8Array, flag: string][] = [
  ['B1 an empty body', '', 'empty_body'],
  ['B2 a byte order mark', `\ufeff${EVENT}`, 'byte_order_mark'],
  ['B4 a key twice', '{"event":"call_missed","call_id":"first","call_id":"MO1"}', 'duplicate_keys'],
  ['B6 invalid UTF-8', withCallId([0xff, 0xfe]), 'invalid_utf8'],
  ['B6 an overlong slash', withCallId([0xc0, 0xaf]), 'invalid_utf8'],
  ['B6 an encoded surrogate', withCallId([0xed, 0xa0, 0x80]), 'invalid_utf8'],
  ['B6 a raw NUL', withCallId([0]), 'not_json'],
  ['B6 a lone surrogate, escaped', eventBody().replace('}', ',"a":"\\ud800"}'), 'odd_text'],
  ['B6 a NUL, escaped', eventBody().replace('}', ',"a":"\\u0000"}'), 'odd_text'],
  ['B7 100,000 deep arrays', '['.repeat(100_000), 'too_deep'],
  ['B7 100,000 deep objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, 'too_deep'],
  ['B8 form-encoded', 'event=call_missed&call_id=MO1', 'not_json'],
  ['B8 plain text', 'hello', 'not_json'],
  ['B8 cut short', EVENT.slice(0, -5), 'not_json'],
  ['an array', '[]', 'not_event'],
  ['a number', '1', 'not_event'],
  ['null', 'null', 'not_event'],
  ['an object that is no event', '{"hello":"world"}', 'not_event'],
  ['B15 an unknown event', eventBody({ event: 'call_recorded' }), 'unknown_event'],
  ['B15 no call_id', eventBody({ call_id: undefined }), 'schema:call_id'],
  ['B15 no timestamp', eventBody({ timestamp: undefined }), 'schema:timestamp'],
  ['B15 an epoch number', eventBody({ timestamp: 1753101900 }), 'schema:timestamp'],
  ['B15 month 13', eventBody({ timestamp: '2025-13-40' }), 'bad_timestamp'],
  ['B15 a time without a zone', eventBody({ timestamp: '2025-07-21T12:45:00' }), 'bad_timestamp'],
  ['B15 a year ahead', eventBody({ timestamp: '2026-07-21T12:45:00Z' }), 'clock_skew'],
  ['B15 ten years ago', eventBody({ timestamp: '2015-07-21T12:45:00Z' }), 'old_timestamp'],
];

test.each(odd)('%s: rightly signed, so 200, stored and flagged', async (_, body, flag) => {
  const { answer, receipt } = await receiveOne({ body });
  expect(answer).toMatchObject({ status: 200, body: 'ok' });
  expect(receipt).toMatchObject({ signature: 'valid', status: 200 });
  expect(receipt.bodyBytes).toBe(Buffer.from(body).length);
  expect(receipt.flags).toContain(flag);
});

test.each([
  ['B2 pretty-printed', JSON.stringify(JSON.parse(EVENT), null, 2)],
  ['B2 with CRLF', JSON.stringify(JSON.parse(EVENT), null, 2).replaceAll('\n', '\r\n')],
  ['B2 with a trailing newline', `${EVENT}\n`],
  ['B2 with leading spaces', `   ${EVENT}`],
  ['B3 numbers of every form', eventBody().replace('}', ',"a":1.0,"b":1e2,"c":-0,"d":12345678901234567890}')],
  ['B14 one string of 400 KB', eventBody({ note: 'x'.repeat(400_000) })],
  ['B14 100,000 keys', `${EVENT.slice(0, -1)},${Array.from({ length: 99_997 }, (_, i) => `"${i}":1`)}}`],
  ['B15 an offset', eventBody({ timestamp: '2025-07-21T18:15:00+05:30' })],
  ['the minimal event', EVENT],
])('%s: an event like any other, unflagged, with its latency', async (_, body) => {
  const { answer, receipt } = await receiveOne({ body }, { maxBody: 2 * 1024 ** 2 });
  expect(answer.status).toBe(200);
  expect(receipt).toMatchObject({ event: 'call_connected', callId: 'MO1', latencyMs: 1000, flags: [] });
});

test.each([
  ['B6 a NUL', '\\u0000'],
  ['B6 a lone surrogate', '\\ud800'],
])('%s in a text that is kept apart: stored, read back, a duplicate the second time', async (_, unit) => {
  const body = `{"event":"call_missed${unit}","call_id":"a${unit}b","timestamp":"2025-07-21T12:45:00Z"}`;
  const receiver = await testReceiver();
  expect((await receiver.send(delivery({ body }))).status).toBe(200);
  expect((await receiver.send(delivery({ body }))).status).toBe(200);
  expect((await receiver.stored()).map(({ duplicate }) => duplicate)).toEqual([null, 'duplicate']);
});

test('B4 of a key that is there twice the last one counts', async () => {
  const { receipt } = await receiveOne({ body: '{"event":"call_missed","call_id":"first","call_id":"MO1"}' });
  expect(receipt.callId).toBe('MO1');
});

test('B5 keys that pollute elsewhere are kept as data and do nothing', async () => {
  const evil = '"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}';
  const { receipt } = await receiveOne({ body: EVENT.replace('}', `,${evil},"metadata":{${evil}}}`) });
  expect(receipt).toMatchObject({ callId: 'MO1', flags: [] });
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
});

test('B7 a body 100,000 deep takes no longer than its size lets it', async () => {
  const receiver = await testReceiver();
  const deep = (pairs: number) => delivery({ body: `${'[{"a":'.repeat(pairs)}1${'}]'.repeat(pairs)}` });
  expect(await growth((pairs) => receiver.send(deep(pairs)), 50_000)).toBeLessThan(4);
});

test.each<[name: string, contentType: string | null, flags: string[]]>([
  ['no type', null, ['content_type']],
  ['a form', 'application/x-www-form-urlencoded', ['content_type']],
  ['plain text', 'text/plain', ['content_type']],
  ['a type that only begins like JSON', 'application/jsonp', ['content_type']],
  ['JSON with a charset', 'application/json; charset=utf-8', []],
  ['a JSON dialect', 'application/vnd.mo+json', []],
])('B8 content type, %s: verified and read all the same', async (_, contentType, flags) => {
  const { answer, receipt } = await receiveOne({ contentType });
  expect(answer.status).toBe(200);
  expect(receipt).toMatchObject({ signature: 'valid', event: 'call_connected', flags });
});

describe('B9 Content-Encoding', () => {
  const encoded = (encoding: string, body: Uint8Array | string): DeliveryOptions => ({
    body,
    headers: ['Content-Encoding', encoding],
  });

  test.each([
    ['gzip', gzipSync(EVENT)],
    ['GZIP', gzipSync(EVENT)],
    ['br', brotliCompressSync(EVENT)],
    ['deflate', deflateSync(EVENT)],
    ['identity', Buffer.from(EVENT)],
  ])(
    '%s: signed over the wire bytes, which are the ones counted, and read decoded',
    async (encoding, body) => {
      const { answer, receipt } = await receiveOne(encoded(encoding, body));
      expect(answer.status).toBe(200);
      expect(receipt).toMatchObject({ signature: 'valid', callId: 'MO1', bodyBytes: body.length, flags: [] });
    },
  );

  test('a signature over the decoded bytes is wrong', async () => {
    const { answer } = await receiveOne({
      ...encoded('gzip', gzipSync(EVENT)),
      signature: delivery().headers.at(-1) as string,
    });
    expect(answer.status).toBe(400);
  });

  test.each([
    ['a bomb of 1000:1', gzipSync(Buffer.alloc(64 * 1024 ** 2))],
    ['bytes that are not gzip', Buffer.from('{}')],
    ['gzip cut short', gzipSync(EVENT).subarray(0, -12)],
  ])('%s: stopped, stored and flagged', async (_, body) => {
    const before = process.memoryUsage().arrayBuffers;
    const { answer, receipt } = await receiveOne(encoded('gzip', body));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 ** 2);
    expect(answer.status).toBe(200);
    expect(receipt.flags).toContain('bad_encoding');
  });

  test('an unknown one: 415, and the id is free for the mended delivery', async () => {
    const receiver = await testReceiver();
    const refused = await receiver.send(delivery({ headers: ['Content-Encoding', 'zstd'] }));
    expect(refused).toMatchObject({ status: 415, body: 'Unsupported Content-Encoding' });
    await receiver.send(delivery());
    const [first, second] = await receiver.stored();
    expect(first).toMatchObject({ status: 415, signature: 'valid' });
    expect(first?.flags).toContain('unsupported_encoding');
    expect(second).toMatchObject({ status: 200, duplicate: null });
  });
});

test.each([
  ['B2', `\ufeff${EVENT}\r\n`],
  ['B3', '{"event":"call_missed","call_id":"MO1","a":1.0,"b":12345678901234567890}'],
  ['B6', withCallId([0xff, 0])],
])('%s the bytes that arrived are the bytes that are stored', async (_, body) => {
  const kept: NewReceipt[] = [];
  const store = await openStore('sqlite::memory:');
  const spying: Store = {
    ...store,
    addReceipt(receipt) {
      // The receiver lets go of the bytes once they are stored.
      kept.push({ ...receipt });
      return store.addReceipt(receipt);
    },
  };
  await receiveOne({ body }, { store: spying });
  expect(Buffer.from((kept[0] as NewReceipt).body).equals(Buffer.from(body))).toBe(true);
});

test('B16 a call ends as disconnected in whatever order its events arrive', async () => {
  const life = ['initiated', 'connected', 'transferred', 'disconnected'].map((type, second) =>
    eventBody({ event: `call_${type}`, timestamp: `2025-07-21T12:45:0${Math.min(second, 2)}Z` }),
  );
  const [initiated, connected, transferred, disconnected] = life as [string, string, string, string];
  for (const order of [
    [disconnected, connected, initiated, transferred],
    [disconnected, transferred, connected, initiated],
    [transferred, disconnected, initiated, connected],
    [initiated, connected, transferred, disconnected],
  ]) {
    const seen: Parameters<typeof callStatus>[0] extends Iterable<infer Item> ? Item[] : never = [];
    const receiver = await testReceiver({
      onReceived: ({ event }, { body }) => {
        seen.push({ event: event ?? '', timestampMs: parsePayload(body).timestampMs, arrival: seen.length });
      },
    });
    for (const body of order) await receiver.send(delivery({ id: `ev_${order.indexOf(body)}`, body }));
    expect(callStatus(seen)).toBe('Disconnected');
  }
});

test.each([
  ['none', undefined],
  ['month 13', '2025-13-40'],
  ['an epoch number', 1753101900],
  ['a year ahead', '2026-07-21T12:45:00Z'],
  ['ten years ago', '2015-07-21T12:45:00Z'],
])('B15 a timestamp that says nothing, %s, makes no latency', async (_, timestamp) => {
  const { receipt } = await receiveOne({ body: eventBody({ timestamp }) });
  expect(receipt.latencyMs).toBeNull();
});

test('B15 latency is receipt − timestamp, clock skew is flagged and negative, and neither is ever NaN', async () => {
  const at = async (receivedAt: number) => {
    const receiver = await testReceiver();
    await receiver.send(delivery(), { receivedAt });
    return receiver.answered[0];
  };
  expect(await at(NOW + 500)).toMatchObject({ latencyMs: 1500, flags: [] });
  expect(await at(NOW - 3000)).toMatchObject({ latencyMs: -2000, flags: ['clock_skew'] });
});
