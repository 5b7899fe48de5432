import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headerValue } from '../../../src/core/headers.ts';
import { verifySignature } from '../../../src/core/signature.ts';
import { VERSION } from '../../../src/core/version.ts';
import { deliveryHeaders, FAULTS, makeDelivery } from '../../../src/sender/delivery.ts';

const SECRET = 'S3CR3T-canary';
const SECRETS = [{ name: 's', value: SECRET }];
const BODY = Buffer.from('{"event":"call_connected","call_id":"MO1","timestamp":"2025-07-21T12:45:00Z"}');
const EVENT = { eventId: 'ev_1', event: 'call_connected', callId: 'MO1', body: BODY };
const AT = Date.parse('2025-07-21T12:45:00.120Z');
const TOOL = { toolHeaders: true, replay: null, extraHeaders: [] };

const result = (delivery: { body: Uint8Array; signature: string | null }) =>
  verifySignature(delivery.body, delivery.signature, SECRETS).result;

test('a delivery is the very bytes, rightly signed', () => {
  const delivery = makeDelivery(EVENT, SECRET);
  expect(delivery).toMatchObject({ eventId: 'ev_1', event: 'call_connected', callId: 'MO1', fault: null });
  expect(delivery.body).toBe(BODY);
  expect(result(delivery)).toBe('valid');
});

describe('negative tests', () => {
  test.each([
    ['bad-signature', 'mismatch'],
    ['missing-signature', 'missing'],
    ['tampered-body', 'mismatch'],
    ['truncated', 'mismatch'],
    ['stale', 'valid'],
  ] as const)('%s: a receiver finds it %s', (fault, verdict) => {
    const delivery = makeDelivery(EVENT, SECRET, fault);
    expect(delivery.fault).toBe(fault);
    expect(result(delivery)).toBe(verdict);
  });

  test('a tampered body is as long as it was, differs in one byte, and is JSON still', () => {
    const { body } = makeDelivery(EVENT, SECRET, 'tampered-body');
    expect(body).toHaveLength(BODY.length);
    expect([...body].filter((byte, i) => byte !== BODY[i])).toHaveLength(1);
    expect(() => JSON.parse(Buffer.from(body).toString())).not.toThrow();
  });

  test('a truncated body is the beginning of the signed one', () => {
    const { body } = makeDelivery(EVENT, SECRET, 'truncated');
    expect(Buffer.from(body)).toEqual(BODY.subarray(0, BODY.length - 10));
  });

  test('the bytes that were given stay as they are', () => {
    const before = Buffer.from(BODY);
    for (const fault of FAULTS) makeDelivery(EVENT, SECRET, fault);
    expect(BODY).toEqual(before);
  });

  test('property: whatever the body is, a tampered one and a bad signature are found out', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (body) => {
        expect(result(makeDelivery({ ...EVENT, body }, SECRET, 'tampered-body'))).toBe('mismatch');
        expect(result(makeDelivery({ ...EVENT, body }, SECRET, 'bad-signature'))).toBe('mismatch');
      }),
    );
  });
});

describe('deliveryHeaders', () => {
  const delivery = makeDelivery(EVENT, SECRET);

  test('come in the order of the contract', () => {
    expect(deliveryHeaders(delivery, 2, AT, TOOL)).toEqual([
      'Content-Type',
      'application/json',
      'X-MO-Event-Id',
      'ev_1',
      'X-MO-Signature',
      delivery.signature,
      'X-MO-Delivery-Attempt',
      '2',
      'User-Agent',
      `mo-notify/${VERSION}`,
      'X-MO-Sent-At',
      '2025-07-21T12:45:00.120Z',
    ]);
  });

  test('without tool headers a delivery looks like the platform’s, a replay too', () => {
    const style = { toolHeaders: false, replay: 'run_1', extraHeaders: [] };
    const headers = deliveryHeaders({ ...delivery, replayOf: 'at_1' }, 1, AT, style);
    expect(headers.filter((_, i) => i % 2 === 0)).toEqual([
      'Content-Type',
      'X-MO-Event-Id',
      'X-MO-Signature',
      'X-MO-Delivery-Attempt',
      'User-Agent',
    ]);
  });

  test('a replay names its run', () => {
    const replayed = { ...delivery, replayOf: 'at_1' };
    const style = { ...TOOL, replay: 'run_1' };
    expect(headerValue(deliveryHeaders(replayed, 1, AT, style), 'X-MO-Replay')).toBe('run_1');
    expect(headerValue(deliveryHeaders(delivery, 1, AT, TOOL), 'X-MO-Replay')).toBeUndefined();
  });

  test('headers of its own stand in for ours, and the user’s for both', () => {
    const own = { ...delivery, headers: ['Content-Type', 'text/plain', 'Content-Encoding', 'gzip'] };
    const headers = deliveryHeaders(own, 1, AT, { ...TOOL, extraHeaders: ['content-encoding', 'br'] });
    expect([headerValue(headers, 'Content-Type'), headerValue(headers, 'Content-Encoding')]).toEqual([
      'text/plain',
      'br',
    ]);
  });

  test('a missing signature is no header at all', () => {
    const unsigned = makeDelivery(EVENT, SECRET, 'missing-signature');
    expect(headerValue(deliveryHeaders(unsigned, 1, AT, TOOL), 'X-MO-Signature')).toBeUndefined();
  });

  test("the user's headers stand in for ours of the same name, and repeated ones all go out", () => {
    const extraHeaders = ['content-TYPE', 'text/plain', 'X-Team', 'a', 'X-Team', 'b'];
    const headers = deliveryHeaders(delivery, 1, AT, { toolHeaders: true, replay: null, extraHeaders });
    expect(headerValue(headers, 'Content-Type')).toBe('text/plain');
    expect(headerValue(headers, 'X-Team')).toBe('a, b');
    expect(headerValue(headers, 'X-MO-Event-Id')).toBe('ev_1');
  });

  test('D16 from attempt to attempt only the number and the time differ', () => {
    const [first, fourth] = [
      deliveryHeaders(delivery, 1, AT, TOOL),
      deliveryHeaders(delivery, 4, AT + 31_000, TOOL),
    ];
    const changed = first.flatMap((value, i) => (value === fourth[i] ? [] : [first[i - 1]]));
    expect(changed).toEqual(['X-MO-Delivery-Attempt', 'X-MO-Sent-At']);
  });
});
