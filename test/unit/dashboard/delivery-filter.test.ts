import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogRecord, Outcome, Receipt } from '../../../src/core/record.ts';
import { matchesDelivery, RESULTS, resultsOf } from '../../../src/dashboard/delivery-filter.ts';
import { deliveryRow } from '../../../src/dashboard/rows.ts';
import type { DeliveryRow } from '../../../src/dashboard/wire.ts';
import { anyRecord } from '../../helpers/any-record.ts';
import { newAttempt, newReceipt } from '../../helpers/records.ts';

const NUMBERS = { caller_number: '+919876543210', receiver_number: '+911234567890' };
const EVERYTHING = { kind: null, event: null, result: null, search: '' } as const;

function rowOf(record: LogRecord): DeliveryRow {
  return deliveryRow(1, record, NUMBERS);
}

function received(about: Partial<Receipt> = {}): DeliveryRow {
  const receipt = { ...newReceipt(), duplicate: null, forward: null, shownAt: null, ...about };
  return rowOf({ kind: 'receipt', receipt, headers: null, body: null });
}

function sent(about: Parameters<typeof newAttempt>[0] = {}): DeliveryRow {
  return rowOf({ kind: 'attempt', attempt: newAttempt(about), headers: null, body: null });
}

const forward = (status: number | null) => ({ status, durationMs: 1, error: null });

describe('how a record went', () => {
  test.each<[string, DeliveryRow, string[]]>([
    ['taken', received(), ['delivered']],
    ['taken unchecked', received({ signature: 'unchecked' }), ['delivered']],
    ['outstanding', received({ status: null }), ['delivered']],
    ['handed on', received({ status: 201, forward: forward(201) }), ['delivered']],
    ['not taken by the app, with --ack first', received({ forward: forward(500) }), ['failed']],
    ['not answered by the app', received({ status: 502, forward: forward(null) }), ['failed']],
    ['redirected', received({ status: 302 }), ['failed']],
    ['rehearsed', received({ status: 503 }), ['failed']],
    ['a duplicate', received({ duplicate: 'duplicate' }), ['duplicate', 'delivered']],
    [
      'a duplicate of what failed',
      received({ duplicate: 'duplicate', status: 503 }),
      ['duplicate', 'failed'],
    ],
    ['a conflict', received({ duplicate: 'conflict' }), ['conflict', 'delivered']],
    ['a suspected replay', received({ duplicate: 'suspected_replay' }), ['suspected_replay', 'delivered']],
    ['forged', received({ signature: 'mismatch', status: 400 }), ['refused']],
    ['unsigned', received({ signature: 'missing', status: 400 }), ['refused']],
    ['malformed', received({ signature: 'malformed', status: 200 }), ['refused']],
    ['sent', sent(), ['delivered']],
  ])('%s', (_, row, results) => {
    expect(resultsOf(row)).toEqual(results);
    for (const result of RESULTS)
      expect(matchesDelivery(row, { ...EVERYTHING, result }), result).toBe(results.includes(result));
  });

  test.each<Outcome>(['rejected', 'timeout', 'refused', 'reset', 'dns', 'tls', 'blocked', 'aborted'])(
    'sent and %s: failed',
    (outcome) => {
      expect(resultsOf(sent({ outcome, status: null }))).toEqual(['failed']);
    },
  );

  test('is one or two of the words there are', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const results = resultsOf(rowOf(record));
        expect([1, 2]).toContain(results.length);
        for (const result of results) expect(RESULTS).toContain(result);
        expect(matchesDelivery(rowOf(record), EVERYTHING)).toBe(true);
      }),
    );
  });
});

test('the kind and the type of an event are taken exactly', () => {
  expect(matchesDelivery(received(), { ...EVERYTHING, kind: 'receipt' })).toBe(true);
  expect(matchesDelivery(received(), { ...EVERYTHING, kind: 'attempt' })).toBe(false);
  expect(matchesDelivery(sent(), { ...EVERYTHING, kind: 'attempt' })).toBe(true);
  expect(matchesDelivery(received(), { ...EVERYTHING, event: 'call_connected' })).toBe(true);
  expect(matchesDelivery(received(), { ...EVERYTHING, event: 'call_conn' })).toBe(false);
  expect(matchesDelivery(received({ event: null }), { ...EVERYTHING, event: 'call_connected' })).toBe(false);
});

describe('a search', () => {
  const finds = (row: DeliveryRow, search: string) => matchesDelivery(row, { ...EVERYTHING, search });

  test.each([
    'ev_7',
    'EV_7',
    '  ev_7 ',
    'connected',
    'MO77',
    '98765',
    '+911234567890',
    'rc_7',
    '418',
    'valid',
    'schema:metadata',
    'it is a teapot',
  ])('for %j finds a receipt', (search) => {
    const row = received({
      id: 'rc_7',
      eventId: 'ev_7',
      callId: 'MO77',
      status: 418,
      flags: ['odd_text', 'schema:metadata.queue'],
      forward: { status: 418, durationMs: 1, error: 'It is a teapot' },
    });
    expect(finds(row, search)).toBe(true);
  });

  test.each(['at_9', 'crm', 'example.com/notify', 'timeout', 'no answer', '+91987'])(
    'for %j finds an attempt',
    (search) => {
      expect(finds(sent({ id: 'at_9', outcome: 'timeout', error: 'no answer within 30 s' }), search)).toBe(
        true,
      );
    },
  );

  test.each(['ev_8', 'MO1 ', 'nothing', 'receipt_of', '.*', '[object'])('for %j finds neither', (search) => {
    const other = { callId: 'MO', eventId: 'ev_7' };
    expect([finds(received(other), search), finds(sent(other), search)]).toEqual([false, false]);
  });
});

test('all of it counts together', () => {
  const filter = { kind: 'receipt', event: 'call_connected', result: 'delivered', search: 'ev_1' } as const;
  expect(matchesDelivery(received(), filter)).toBe(true);
  expect(matchesDelivery(sent(), filter)).toBe(false);
  expect(matchesDelivery(received({ event: 'call_missed' }), filter)).toBe(false);
  expect(matchesDelivery(received({ status: 500 }), filter)).toBe(false);
  expect(matchesDelivery(received({ eventId: 'ev_2' }), filter)).toBe(false);
});
