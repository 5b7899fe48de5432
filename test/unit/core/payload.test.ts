import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { parsePayload } from '../../../src/core/payload.ts';
import { signPayload, verifySignature } from '../../../src/core/signature.ts';

const EVENT = '{"event":"call_connected","call_id":"MO1","timestamp":"2025-07-21T12:45:00Z"}';
const AT = Date.parse('2025-07-21T12:45:00Z');

const parse = (body: string | Uint8Array) => parsePayload(Buffer.from(body));
/** The minimal event with these members, written as JSON source text. */
const withMembers = (members: string) => parse(`${EVENT.slice(0, -1)},${members}}`);
const event = (fields: Record<string, unknown>) => parse(JSON.stringify({ ...JSON.parse(EVENT), ...fields }));

afterEach(() => {
  expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test('the minimal event has no flags', () => {
  expect(parse(EVENT)).toEqual({
    problem: null,
    event: 'call_connected',
    callId: 'MO1',
    timestampMs: AT,
    flags: [],
    data: JSON.parse(EVENT),
  });
});

test("the platform's own example has no flags", () => {
  const example =
    '{"event":"call_connected","call_id":"MO123456789","caller_number":"+919876543210","receiver_number":"+911234567890","direction":"inbound","timestamp":"2025-07-21T12:45:00Z","duration_seconds":0,"metadata":{"queue":"Sales","agent_id":"ag_72","recording_url":null}}';
  expect(parse(example)).toMatchObject({ problem: null, callId: 'MO123456789', flags: [] });
});

test.each([
  ['B1 an empty body', '', 'empty_body'],
  ['B2 a byte order mark', `\ufeff${EVENT}`, 'byte_order_mark'],
  ['B6 invalid UTF-8', Buffer.concat([Buffer.from('{"event":"'), Buffer.from([0xff, 0xfe])]), 'invalid_utf8'],
  ['B6 an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 'invalid_utf8'],
  ['B6 a surrogate written as UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'invalid_utf8'],
  ['B6 a raw NUL in a text', `{"event":"call_\0connected"}`, 'not_json'],
  ['B8 no JSON', 'hello', 'not_json'],
  ['B8 a form', 'event=call_connected&call_id=MO1', 'not_json'],
  ['B8 truncated JSON', EVENT.slice(0, -10), 'not_json'],
  ['B8 two documents', `${EVENT}\n${EVENT}`, 'not_json'],
  ['white space alone', ' \n', 'not_json'],
  ['a list of events', `[${EVENT}]`, 'not_event'],
  ['a text', '"call_connected"', 'not_event'],
  ['a number', '42', 'not_event'],
  ['null', 'null', 'not_event'],
  ['an empty object', '{}', 'not_event'],
  ['an object of another kind', '{"order":1}', 'not_event'],
  ['B5 an event by its prototype alone', '{"__proto__":{"event":"call_connected"}}', 'not_event'],
] as const)('%s is no event, and says so', (_, body, problem) => {
  const payload = parse(body);
  expect(payload).toEqual({
    problem,
    event: null,
    callId: null,
    timestampMs: null,
    flags: [problem],
    data: null,
  });
});

test.each([
  ['empty', ''],
  ['with a byte order mark', `\ufeff${EVENT}`],
  ['with CRLF', JSON.stringify(JSON.parse(EVENT), null, 2).replaceAll('\n', '\r\n')],
  ['with a trailing newline', `${EVENT}\n`],
  ['with leading spaces', `   ${EVENT}`],
  ['no JSON', 'event=call_connected'],
  ['deep', '['.repeat(1000)],
])('B1 B2 B8 a body that is %s verifies over its bytes', (_, body) => {
  const verdict = verifySignature(Buffer.from(body), signPayload(body, 's'), [{ name: 's', value: 's' }]);
  expect(verdict.result).toBe('valid');
});

test.each([
  ['CRLF and pretty print', JSON.stringify(JSON.parse(EVENT), null, 2).replaceAll('\n', '\r\n')],
  ['a trailing newline', `${EVENT}\n`],
  ['leading white space', ` \t\r\n${EVENT}`],
])('B2 %s is read without a flag', (_, body) => {
  expect(parse(body)).toMatchObject({ problem: null, event: 'call_connected', flags: [] });
});

test.each(['1.0', '1e2', '0', '-0', '12345678901234567890', '1.7976931348623157e308'])(
  'B3 duration_seconds %s is fine, and the bytes stay as they are',
  (number) => {
    const body = Buffer.from(`${EVENT.slice(0, -1)},"duration_seconds":${number}}`);
    const before = Buffer.from(body);
    expect(parsePayload(body)).toMatchObject({ problem: null, flags: [] });
    expect(body).toEqual(before);
  },
);

test('B3 a number beyond every double is no reason to drop the event', () => {
  expect(withMembers('"duration_seconds":1e999')).toMatchObject({ problem: null, callId: 'MO1' });
});

describe('B4 of a key that occurs twice the last one counts, and it is flagged', () => {
  test.each([
    ['at the top', '"call_id":"MO2"', 'MO2'],
    ['under another spelling', '"call\\u005fid":"MO3"', 'MO3'],
    ['inside metadata', '"metadata":{"queue":"a","queue":"b"}', 'MO1'],
    ['inside a list', '"x":[{"a":1,"a":1}]', 'MO1'],
    ['with equal values', '"call_id":"MO1"', 'MO1'],
  ])('%s', (_, members, callId) => {
    expect(withMembers(members)).toMatchObject({ problem: null, callId, flags: ['duplicate_keys'] });
  });

  test.each([
    ['colons, quotes and brackets inside texts', '"x":"a:b\\":{[","y:{":"\\\\"'],
    ['the same key on different levels', '"metadata":{"event":"x","call_id":"y"}'],
    ['empty objects and lists', '"x":{},"y":[],"z":[[],{}]'],
    ['index-like keys', '"1":1,"0":0'],
  ])('%s are no duplicates', (_, members) => {
    expect(withMembers(members).flags).toEqual([]);
  });
});

test.each([
  ['__proto__', '"__proto__":{"isAdmin":true}'],
  ['constructor.prototype', '"constructor":{"prototype":{"isAdmin":true}}'],
  ['__proto__ inside metadata', '"metadata":{"__proto__":{"isAdmin":true}}'],
  ['hasOwnProperty', '"hasOwnProperty":null,"toString":1'],
])('B5 %s is kept as data and reaches no prototype', (_, members) => {
  const payload = withMembers(members);
  expect(payload).toMatchObject({ problem: null, event: 'call_connected', callId: 'MO1', flags: [] });
  expect(JSON.stringify(payload.data)).toBe(`${EVENT.slice(0, -1)},${members}}`);
  expect((payload.data as Record<string, unknown>).isAdmin).toBeUndefined();
  expect((payload.data?.metadata as Record<string, unknown> | undefined)?.isAdmin).toBeUndefined();
});

test.each([
  ['an escaped NUL', '"call_id":"MO\\u0000"', 'MO\0'],
  ['half of a surrogate pair', '"call_id":"\\ud800"', '\ud800'],
  ['the wrong half first', '"call_id":"\\ude00\\ud83d"', '\ude00\ud83d'],
])('B6 %s is kept and flagged', (_, member, callId) => {
  const payload = parse(`{"event":"call_missed",${member},"timestamp":"2025-07-21T12:45:00Z"}`);
  expect(payload).toMatchObject({ problem: null, callId, flags: ['odd_text'] });
});

test.each(['"metadata":{"queue":"\\u0000"}', '"x":["\\udc00"]', '"k\\u0000":1'])(
  'B6 odd text is found anywhere: %s',
  (members) => {
    expect(withMembers(members).flags).toEqual(['odd_text']);
  },
);

test('B6 a whole surrogate pair and other escapes are fine', () => {
  expect(withMembers('"x":"\\ud83d\\ude00 \\u00e9 \\n"').flags).toEqual([]);
});

describe('B7 depth', () => {
  const nest = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);

  test.each([
    ['lists', nest('[', ']', 100_000)],
    ['objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['lists inside an event', `${EVENT.slice(0, -1)},"x":${nest('[', ']', 100_000)}}`],
    ['lists that never close', '['.repeat(100_000)],
    ['65 levels', nest('[', ']', 65)],
  ])('%s: too deep, without a RangeError', (_, body) => {
    expect(parse(body)).toMatchObject({ problem: 'too_deep', flags: ['too_deep'], data: null });
  });

  test('64 levels, the event among them, are fine', () => {
    expect(withMembers(`"x":${nest('[', ']', 63)}`)).toMatchObject({ problem: null, flags: [] });
  });

  test('brackets inside a text are no depth', () => {
    expect(withMembers(`"x":"${'['.repeat(1000)}\\"${'{'.repeat(1000)}"`)).toMatchObject({ problem: null });
  });
});

describe('B14 large bodies are read', () => {
  test('one text of 400 KB', () => {
    expect(event({ call_id: 'x'.repeat(400_000) })).toMatchObject({ problem: null, flags: [] });
  });

  test('100,000 keys', () => {
    const keys = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]));
    expect(event(keys)).toMatchObject({ problem: null, callId: 'MO1', flags: [] });
  });
});

describe('B15 what misses the schema is accepted and flagged', () => {
  test.each<[string, Record<string, unknown>, string[]]>([
    ['an unknown event', { event: 'call_parked' }, ['unknown_event']],
    ['an event named like a prototype member', { event: 'constructor' }, ['unknown_event']],
    ['no event', { event: undefined }, ['schema:event']],
    ['an event that is no text', { event: 7 }, ['schema:event']],
    ['no call id', { call_id: undefined }, ['schema:call_id']],
    ['an empty call id', { call_id: '' }, ['schema:call_id']],
    ['a call id that is a number', { call_id: 5 }, ['schema:call_id']],
    ['a negative duration', { duration_seconds: -1 }, ['schema:duration_seconds']],
    ['another direction', { direction: 'sideways' }, ['schema:direction']],
    ['metadata that is null', { metadata: null }, ['schema:metadata']],
    ['metadata that is a list', { metadata: [] }, ['schema:metadata']],
    ['a queue that is a number', { metadata: { queue: 1 } }, ['schema:metadata.queue']],
    ['a recording that is null', { metadata: { recording_url: null } }, []],
    ['keys that nobody documented', { x: 1, metadata: { y: [] } }, []],
  ])('%s', (_, fields, flags) => {
    expect(event(fields)).toMatchObject({ problem: null, flags, data: expect.anything() });
  });

  test.each<[string, unknown, number | null, string[]]>([
    ['missing', undefined, null, ['schema:timestamp']],
    ['of a month 13', '2025-13-40', null, ['bad_timestamp']],
    ['of 30 February', '2025-02-30T00:00:00Z', null, ['bad_timestamp']],
    ['without an offset', '2025-07-21T12:45:00', null, ['bad_timestamp']],
    ['in epoch seconds', 1_753_101_900, null, ['schema:timestamp']],
    ['in epoch seconds as text', '1753101900', null, ['bad_timestamp']],
    ['empty', '', null, ['bad_timestamp']],
    ['of 10 KB', '2'.repeat(10_000), null, ['bad_timestamp']],
    ['with an offset', '2025-07-21T18:15:00+05:30', AT, []],
    ['with a fraction', '2025-07-21T12:45:00.250Z', AT + 250, []],
    ['a year ahead', '2026-07-21T12:45:00Z', Date.parse('2026-07-21T12:45:00Z'), []],
    ['ten years past', '2015-07-21T12:45:00Z', Date.parse('2015-07-21T12:45:00Z'), []],
  ])('a timestamp %s: the time is a number or nothing, never NaN', (_, timestamp, timestampMs, flags) => {
    expect(event({ timestamp })).toMatchObject({ problem: null, timestampMs, flags });
  });

  test('no more than five schema flags are kept', () => {
    const bad = { call_id: 1, timestamp: 1, caller_number: 1, receiver_number: 1, direction: 1, metadata: 1 };
    expect(event(bad).flags).toHaveLength(5);
  });
});

test('property: no bytes throw, and what is no event says why', () => {
  const json = fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text));
  const nearEvent = fc
    .record({ event: fc.anything(), call_id: fc.anything(), timestamp: fc.anything() }, { requiredKeys: [] })
    .map((value) => Buffer.from(JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v))));
  const broken = fc
    .tuple(json, fc.nat(), fc.nat(255))
    .map(([bytes, at, byte]) => Buffer.from(bytes.map((b, i) => (i === at % bytes.length ? byte : b))));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), json, nearEvent, broken), (body) => {
      const before = Uint8Array.from(body);
      const payload = parsePayload(body);
      expect(body.every((byte, i) => byte === before[i])).toBe(true);
      expect(payload.timestampMs).not.toBeNaN();
      if (payload.problem !== null) expect(payload).toMatchObject({ flags: [payload.problem], data: null });
      else expect(payload.data).toEqual(JSON.parse(Buffer.from(body).toString('utf8')));
    }),
    { numRuns: 500 },
  );
});

test('property: JSON.stringify never writes a key twice, so none is flagged', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (extra) => {
      expect(event({ extra }).flags).not.toContain('duplicate_keys');
    }),
  );
});

test('a body that is a view into a larger buffer is read from its own bytes', () => {
  const large = Buffer.from(`xx${EVENT}xx`);
  expect(parsePayload(new Uint8Array(large.buffer, large.byteOffset + 2, EVENT.length))).toMatchObject({
    problem: null,
    callId: 'MO1',
  });
});
