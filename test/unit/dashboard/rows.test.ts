import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePayload } from '../../../src/core/payload.ts';
import type { LogRecord } from '../../../src/core/record.ts';
import { clip, deliveryRow, numbersOf, textOf } from '../../../src/dashboard/rows.ts';
import { anyRecord } from '../../helpers/any-record.ts';
import { eventBody } from '../../helpers/delivery.ts';
import { newAttempt } from '../../helpers/records.ts';

const LONGEST = 200;
/** What a row says by one of a few words, or by a time. */
const WORDS = /^(kind|outcome|signature|duplicate|\w+_at)$/;

/** Every text in a value, keys included. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)]);
}

/** The same with every text that comes from outside as long as a body. */
function inflate(value: unknown, by: string): unknown {
  if (typeof value === 'string') return (value + by).repeat(Math.ceil(5000 / (value.length + by.length)));
  if (Array.isArray(value)) return Array.from({ length: 500 }, () => inflate('flag', by));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      /^(kind|outcome|signature|duplicate|headers|body)$/.test(key) ? inner : inflate(inner, by),
    ]),
  );
}

const payloadOf = (about: Record<string, unknown>) => parsePayload(Buffer.from(eventBody(about)));

test('a row is the record’s line of NDJSON, its place, and whose call it is about', () => {
  const record: LogRecord = { kind: 'attempt', attempt: newAttempt(), headers: null, body: null };
  const numbers = numbersOf(payloadOf({ caller_number: '+919876543210', receiver_number: '+911234567890' }));
  expect(deliveryRow(7, record, numbers)).toEqual({
    kind: 'attempt',
    id: 'at_1',
    event_id: 'ev_1',
    event: 'call_connected',
    call_id: 'MO1',
    endpoint: 'crm',
    url: 'https://crm.example.com/notify',
    attempt: 1,
    due_at: '2026-01-31T12:00:00.000Z',
    sent_at: '2026-01-31T12:00:00.000Z',
    status: 200,
    outcome: 'delivered',
    duration_ms: 12.5,
    final: true,
    run: 'run_1',
    replay_of: null,
    error: null,
    seq: 7,
    caller_number: '+919876543210',
    receiver_number: '+911234567890',
  });
});

test.each<[string, Parameters<typeof numbersOf>[0]]>([
  ['no body is on record', null],
  ['the body is no event', parsePayload(Buffer.from('[1]'))],
  ['it does not say', payloadOf({})],
  [
    'it says something else than texts',
    payloadOf({ caller_number: 919876543210, receiver_number: { a: 1 } }),
  ],
])('where %s, nobody knows whose call it is about', (_, payload) => {
  expect(numbersOf(payload)).toEqual({ caller_number: null, receiver_number: null });
});

describe('B14 however long a text is, a list shows its beginning', () => {
  test('at most 200 characters of it', () => {
    expect(clip('x'.repeat(LONGEST))).toBe('x'.repeat(LONGEST));
    expect(clip('x'.repeat(LONGEST + 1))).toBe(`${'x'.repeat(LONGEST)}…`);
    expect(clip('x'.repeat(400_000))).toBe(`${'x'.repeat(LONGEST)}…`);
    expect(textOf('y'.repeat(400_000))).toBe(`${'y'.repeat(LONGEST)}…`);
    for (const odd of [1, null, undefined, {}, ['a']]) expect(textOf(odd)).toBeNull();
  });

  test('no half of a character is left at the cut', () => {
    const text = `x${'📞'.repeat(300)}`;
    expect(clip(text)).toBe(`x${'📞'.repeat(99)}…`);
    expect(clip('📞'.repeat(300))).toBe(`${'📞'.repeat(100)}…`);
  });

  test('whatever the field', () => {
    fc.assert(
      fc.property(anyRecord, fc.constantFrom('x', '📞', '\ud83d', '\n', '"', '\u202e', '…'), (record, by) => {
        const large = inflate(record, by) as LogRecord;
        const body = Buffer.from(
          JSON.stringify({ event: by, caller_number: by.repeat(5000), receiver_number: by.repeat(5000) }),
        );
        const row = deliveryRow(3, large, numbersOf(parsePayload(body)));
        for (const text of textsIn(row)) expect(text.length).toBeLessThanOrEqual(LONGEST + 1);
        expect(JSON.stringify(row).length).toBeLessThan(60_000);
        for (const [key, value] of Object.entries(row))
          if (WORDS.test(key)) expect(String(value)).not.toContain('…');
      }),
    );
  });
});
