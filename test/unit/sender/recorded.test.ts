import { describe, expect, test } from 'vitest';
import { type Attempt, KILLED, type LogRecord, type Receipt } from '../../../src/core/record.ts';
import { standsForDelivery, toRecorded } from '../../../src/sender/recorded.ts';
import { AT, newAttempt, newReceipt } from '../../helpers/records.ts';

const BODY = Buffer.from('{"a":1}');

function sent(about: Partial<Attempt> = {}, body: Uint8Array | null = BODY): LogRecord {
  return { kind: 'attempt', attempt: newAttempt(about), headers: null, body };
}

function received(
  about: Partial<Receipt> = {},
  headers: string[] | null = [],
  body: Uint8Array | null = BODY,
) {
  const { body: _, headers: __, timestampMs, accepted, forwarding, ...receipt } = newReceipt();
  const record = { ...receipt, duplicate: null, forward: null, shownAt: null, ...about };
  return { kind: 'receipt', receipt: record, headers, body } satisfies LogRecord;
}

const answered = (status: number | null) => ({ status, durationMs: 1, error: null });

describe('what stands for a delivery: each event does once', () => {
  test.each<[string, boolean, Partial<Attempt>, boolean]>([
    ['a first attempt', true, {}, true],
    ['a first attempt whose body is not on record, to be refused for that', true, {}, false],
    ['a first attempt that failed', true, { status: 503, outcome: 'rejected', final: false }, true],
    ['a later attempt, whose body is with the first', false, { attempt: 2 }, false],
    ['a later attempt that alone has the body', true, { attempt: 3 }, true],
    ['a replay', false, { replayOf: 'at_0' }, true],
    ['a negative test', false, { fault: 'bad-signature' }, true],
    ['an attempt in the dark', false, { fault: KILLED }, false],
  ])('%s: %s', (_, stands, about, hasBody) => {
    expect(standsForDelivery(sent(about, hasBody ? BODY : null), hasBody)).toBe(stands);
  });

  test.each<[string, boolean, Partial<Receipt>]>([
    ['one that was accepted', true, {}],
    ['one that was not checked', true, { signature: 'unchecked' }],
    ['one that a crash left without an answer', true, { status: null }],
    ['one that the app refused', true, { status: 500, forward: answered(500) }],
    ['one that the app never answered', true, { status: 502, forward: answered(null) }],
    ['one that was refused', false, { status: 503 }],
    ['a forged one', false, { signature: 'mismatch', status: 400 }],
    ['an unsigned one', false, { signature: 'missing', status: 400 }],
    ['a malformed one', false, { signature: 'malformed', status: 400 }],
    ['a forged one that was answered 200', false, { signature: 'mismatch', status: 200 }],
    ['a duplicate', false, { duplicate: 'duplicate' }],
    ['a retry after the app had failed', false, { flags: ['redelivery'] }],
    ['the same id with another body', true, { duplicate: 'conflict' }],
    ['another id with the same body', true, { duplicate: 'suspected_replay' }],
    ['the same id with another body, out of a replay', false, { duplicate: 'conflict', flags: ['replay'] }],
    [
      'another id with the same body, out of a replay',
      false,
      { duplicate: 'suspected_replay', flags: ['replay'] },
    ],
    ['a replay of what this log did not have', true, { flags: ['replay'] }],
  ])('%s: %s', (_, stands, about) => {
    expect(standsForDelivery(received(about), true)).toBe(stands);
  });
});

describe('a record as it is sent again', () => {
  test('what was sent: its id, time, event and bytes; no signature is on record', () => {
    expect(toRecorded(sent({ sentAt: AT + 5, dueAt: AT }))).toEqual({
      id: 'at_1',
      at: AT + 5,
      eventId: 'ev_1',
      event: 'call_connected',
      callId: 'MO1',
      body: BODY,
      signature: null,
      headers: [],
      asked: '',
    });
  });

  test('what was received: the signature as it came, too', () => {
    const headers = ['x-mo-signature', 'sha256=00', 'X-MO-Event-Id', 'ev_9', 'Authorization', 'secret'];
    expect(toRecorded(received({ eventId: null, receivedAt: AT + 7 }, headers))).toEqual({
      id: 'rc_1',
      at: AT + 7,
      eventId: null,
      event: 'call_connected',
      callId: 'MO1',
      body: BODY,
      signature: 'sha256=00',
      headers: [],
      asked: '',
    });
  });

  test.each([
    [['Content-Type', 'application/json'], []],
    [
      ['content-type', 'text/plain'],
      ['Content-Type', 'text/plain'],
    ],
    [
      ['CONTENT-ENCODING', 'gzip', 'Content-Type', 'application/json; charset=utf-8'],
      ['Content-Type', 'application/json; charset=utf-8', 'Content-Encoding', 'gzip'],
    ],
    [['Content-Length', '7', 'Transfer-Encoding', 'chunked', 'Host', 'x', 'Cookie', 'y'], []],
    [[], []],
  ])('of the headers %j it keeps %j', (headers, kept) => {
    expect(toRecorded(received({}, headers))?.headers).toEqual(kept);
  });

  test('without headers on record: no signature, plain JSON', () => {
    expect(toRecorded(received({}, null))).toMatchObject({ signature: null, headers: [] });
  });

  test('without a body it is none; an empty body is one', () => {
    expect([toRecorded(sent({}, null)), toRecorded(received({}, [], null))]).toEqual([null, null]);
    expect(toRecorded(sent({}, Buffer.alloc(0)))?.body).toEqual(Buffer.alloc(0));
  });
});
