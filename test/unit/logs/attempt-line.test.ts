import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attemptToJson } from '../../../src/core/record.ts';
import { AttemptLine, FIELD } from '../../../src/logs/attempt-line.ts';
import { recordFromJson } from '../../../src/logs/record-json.ts';
import { anyAttempt } from '../../helpers/any-record.ts';
import { newAttempt } from '../../helpers/records.ts';

/** What the line itself says, where it takes it; null where JSON.parse is to judge. */
function fast(text: string | Uint8Array) {
  const bytes = Buffer.from(text);
  const line = new AttemptLine();
  // Other lines stand before and behind it.
  const around = Buffer.concat([Buffer.from('"a":1,\n'), bytes, Buffer.from('\n{"b":2}')]);
  if (!line.read(around, 7, 7 + bytes.length)) return null;
  return {
    id: line.text(FIELD.id),
    eventId: line.text(FIELD.event_id),
    event: line.text(FIELD.event),
    callId: line.text(FIELD.call_id),
    endpoint: line.text(FIELD.endpoint),
    url: line.text(FIELD.url),
    attempt: line.attempt,
    dueAt: line.dueAt,
    sentAt: line.sentAt,
    status: line.status,
    outcome: line.text(FIELD.outcome),
    durationMs: line.durationMs,
    run: line.text(FIELD.run) ?? '',
    replayOf: line.text(FIELD.replay_of),
    error: line.text(FIELD.error),
    fault: line.text(FIELD.fault),
  };
}

/** The same by way of JSON.parse; null where that finds no attempt. */
function slow(text: string | Uint8Array): ReturnType<typeof fast> {
  try {
    const record = recordFromJson(JSON.parse(Buffer.from(text).toString('utf8')));
    if (record?.kind !== 'attempt') return null;
    const { final: _, ...rest } = record.attempt;
    return rest;
  } catch {
    return null;
  }
}

function expectAgreement(text: string | Uint8Array): void {
  const found = fast(text);
  if (found !== null) expect(found).toEqual(slow(text));
}

const LINE = JSON.stringify(attemptToJson(newAttempt()));

describe('a line read where it stands', () => {
  test('says of any attempt what JSON.parse finds in it', () => {
    fc.assert(
      fc.property(anyAttempt, fc.nat(3), (attempt, indent) => {
        const text = JSON.stringify(attemptToJson(attempt), null, indent).replaceAll('\n', ' ');
        expectAgreement(text);
        const plain =
          /^[^\\]*$/.test(text) &&
          !/e[+-]?\d+[,}]/.test(text) &&
          !/[@#]/.test(attempt.url) &&
          !/[@?]/.test(attempt.endpoint);
        if (plain && String(attempt.durationMs).length <= 15) expect(fast(text), text).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test('is taken whatever the order of its keys, and with others beside them', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(Object.entries(JSON.parse(LINE) as object), { minLength: 17 }),
        (pairs) => {
          const text = JSON.stringify(Object.fromEntries([...pairs, ['more', 'x'], ['final', true]]));
          expect(fast(text)).toEqual(fast(LINE));
          expectAgreement(text);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('that is spoilt anywhere is read rightly or left to JSON.parse, and never throws', () => {
    const bytes = Buffer.from(JSON.stringify(attemptToJson(newAttempt({ error: 'é 📞', fault: 'x' }))));
    const scrap = fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc
        .constantFrom(
          '"',
          '\\',
          '{',
          '}',
          ',',
          ':',
          'null',
          'true',
          '0',
          '-1',
          '1e9',
          '"attempt"',
          '\\u0041',
          '.',
        )
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(12), scrap, (at, length, put) => {
        const rest = bytes.subarray(Math.min(bytes.length, at + length));
        expectAgreement(Buffer.concat([bytes.subarray(0, at), put, rest]));
      }),
      { numRuns: 3000 },
    );
  });

  test('that is no JSON at all never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => expectAgreement(bytes)),
      { numRuns: 500 },
    );
  });

  test.each([
    ['a time on 30 February', '2026-01-31T12:00:00.000Z', '2026-02-30T12:00:00.000Z'],
    ['an hour that is none', 'T12:00:00', 'T24:00:00'],
    ['an outcome that is none', '"delivered"', '"devoured"'],
    ['a status that is none', '"status":200', '"status":20'],
    ['a status in words', '"status":200', '"status":"200"'],
    ['another kind', '"kind":"attempt"', '"kind":"receipt"'],
    ['a key twice, of other types', '"status":200', '"status":200,"status":true'],
    ['a number with a leading nought', '"duration_ms":12.5', '"duration_ms":012.5'],
    ['more than one value', /$/, '{}'],
    ['a comma too many', /}$/, ',}'],
    ['no end', /}$/, ''],
    ['a raw control in a text', '"ev_1"', '"ev\n1"'],
  ])('%s is not taken', (_, what, put) => {
    const text = LINE.replaceAll(new RegExp(what, 'g'), put);
    expect(text).not.toBe(LINE);
    expect(fast(text)).toBeNull();
    expect(fast(LINE)).not.toBeNull();
  });
});
