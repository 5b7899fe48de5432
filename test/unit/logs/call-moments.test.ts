import { expect, test } from 'vitest';
import { parsePayload } from '../../../src/core/payload.ts';
import type { LogRecord } from '../../../src/core/record.ts';
import { callMoment } from '../../../src/logs/call-moments.ts';
import { AT, newAttempt, newReceipt } from '../../helpers/records.ts';

const BODY = Buffer.from(
  '{"event":"call_disconnected","call_id":"MO1","timestamp":"2026-01-31T12:00:00Z","duration_seconds":61}',
);
const TOLD = { timestampMs: AT, data: { duration: 61, recorded: false } };
const UNTOLD = { timestampMs: null, data: null };

function received(about: Parameters<typeof newReceipt>[0], body: Buffer | null): LogRecord {
  const { body: _, headers, timestampMs, accepted, forwarding, ...receipt } = newReceipt(about);
  return {
    kind: 'receipt',
    receipt: { ...receipt, duplicate: null, forward: null, shownAt: null },
    headers,
    body,
  };
}

test('a record tells what its body says, or what was read of it before', () => {
  const payload = parsePayload(BODY);
  for (const found of [
    callMoment(received({}, BODY), 3),
    callMoment(received({}, null), 3, payload),
    callMoment(received({}, BODY), 3, payload),
  ])
    expect(found).toMatchObject({ callId: 'MO1', moment: { arrival: 3, recordedAt: AT, ...TOLD } });
});

test('without a body, or where it is said to have none, it tells that there was an event', () => {
  for (const found of [callMoment(received({}, null), 0), callMoment(received({}, BODY), 0, null)])
    expect(found?.moment).toMatchObject({ event: 'call_connected', ...UNTOLD });
});

test('a retry without a body tells nothing, and with what was read of one all', () => {
  const retry: LogRecord = {
    kind: 'attempt',
    attempt: newAttempt({ attempt: 2 }),
    headers: null,
    body: null,
  };
  expect(callMoment(retry, 0)).toBeNull();
  expect(callMoment(retry, 0, parsePayload(BODY))?.moment).toMatchObject(TOLD);
});

test('a forgery tells nothing, whatever was read of it', () => {
  expect(callMoment(received({ signature: 'mismatch' }, BODY), 0, parsePayload(BODY))).toBeNull();
});
