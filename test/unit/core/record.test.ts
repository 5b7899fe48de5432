import { expect, test } from 'vitest';
import {
  type Attempt,
  attemptToJson,
  isSuccess,
  type Receipt,
  receiptToJson,
} from '../../../src/core/record.ts';

const AT = Date.parse('2025-07-21T12:45:00.120Z');

const attempt: Attempt = {
  id: 'at_1',
  eventId: 'ev_1',
  event: 'call_connected',
  callId: 'MO1',
  endpoint: '127.0.0.1:3000',
  url: 'http://127.0.0.1:3000/',
  attempt: 2,
  dueAt: AT,
  sentAt: AT + 1000,
  status: null,
  outcome: 'timeout',
  durationMs: 30_000.5,
  final: false,
  run: 'run_1',
  replayOf: null,
  error: 'no answer within 30000 ms',
  fault: null,
};

const receipt: Receipt = {
  id: 'rc_1',
  eventId: null,
  event: 'call_connected',
  callId: 'MO1',
  attempt: 1,
  receivedAt: AT,
  signature: 'valid',
  secret: 'env:MO_SECRET',
  duplicate: null,
  latencyMs: 120,
  transitMs: null,
  status: 200,
  forward: null,
  bodyBytes: 77,
  flags: ['no_event_id'],
  shownAt: null,
};

test('an attempt has the keys of the contract, in its order', () => {
  expect(Object.entries(attemptToJson(attempt))).toEqual([
    ['kind', 'attempt'],
    ['id', 'at_1'],
    ['event_id', 'ev_1'],
    ['event', 'call_connected'],
    ['call_id', 'MO1'],
    ['endpoint', '127.0.0.1:3000'],
    ['url', 'http://127.0.0.1:3000/'],
    ['attempt', 2],
    ['due_at', '2025-07-21T12:45:00.120Z'],
    ['sent_at', '2025-07-21T12:45:01.120Z'],
    ['status', null],
    ['outcome', 'timeout'],
    ['duration_ms', 30_000.5],
    ['final', false],
    ['run', 'run_1'],
    ['replay_of', null],
    ['error', 'no answer within 30000 ms'],
  ]);
});

test('a negative test is marked as one', () => {
  expect(attemptToJson({ ...attempt, fault: 'bad-signature' })).toMatchObject({ fault: 'bad-signature' });
});

test('a receipt has the keys of the contract, in its order', () => {
  expect(Object.entries(receiptToJson(receipt))).toEqual([
    ['kind', 'receipt'],
    ['id', 'rc_1'],
    ['event_id', null],
    ['event', 'call_connected'],
    ['call_id', 'MO1'],
    ['attempt', 1],
    ['received_at', '2025-07-21T12:45:00.120Z'],
    ['signature', 'valid'],
    ['secret', 'env:MO_SECRET'],
    ['duplicate', null],
    ['latency_ms', 120],
    ['transit_ms', null],
    ['status', 200],
    ['forward', null],
    ['body_bytes', 77],
    ['flags', ['no_event_id']],
  ]);
});

test('a receipt of an event that was on a page says when', () => {
  expect(receiptToJson({ ...receipt, shownAt: AT + 900 })).toEqual({
    ...receiptToJson(receipt),
    shown_at: '2025-07-21T12:45:01.020Z',
  });
});

test("a forward's keys are snake_case too", () => {
  const forward = { status: 503, durationMs: 23, error: null };
  expect(receiptToJson({ ...receipt, forward }).forward).toEqual({
    status: 503,
    duration_ms: 23,
    error: null,
  });
});

test('a record is one line of NDJSON, whatever its texts hold', () => {
  for (const record of [
    attemptToJson({ ...attempt, error: 'a\nb\r\n\0' }),
    receiptToJson({ ...receipt, event: 'x\ny' }),
  ])
    expect(JSON.stringify(record)).not.toMatch(/[\n\r\0]/);
});

test.each([
  [200, true],
  [204, true],
  [299, true],
  [null, false],
  [0, false],
  [100, false],
  [199, false],
  [300, false],
  [301, false],
  [400, false],
  [410, false],
  [503, false],
])('status %s: success is %s', (status, success) => {
  expect(isSuccess(status)).toBe(success);
});
