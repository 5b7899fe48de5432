import fc from 'fast-check';
import { maskCredentials } from '../../src/core/credentials.ts';
import { recordedPlace } from '../../src/core/endpoint-identity.ts';
import { type Attempt, isRefused, type LogRecord, OUTCOMES, type Receipt } from '../../src/core/record.ts';
import { ODD_TEXTS } from './varied-log.ts';

/** Texts with everything that is awkward in them, halves of surrogate pairs and NUL included. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(...ODD_TEXTS),
  fc
    .array(
      fc.oneof(
        fc.nat(0xffff),
        fc.constantFrom(0, 10, 13, 34, 39, 44, 61, 92, 0x2028, 0xd83d, 0xdcde, 0xfdd0, 0xfeff),
      ),
      {
        maxLength: 8,
      },
    )
    .map((units) => String.fromCharCode(...units)),
);

const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const moment = fc.integer({ min: Date.parse('2001-01-01'), max: Date.parse('2038-01-01') });
const status = orNull(fc.integer({ min: 100, max: 999 }));
const duration = fc.oneof(
  fc.nat(60_000),
  fc.nat(600_000).map((tenths) => tenths / 10),
  fc.double({ min: 0, max: 1e7, noNaN: true }).map((ms) => ms + 0),
);
const body = orNull(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)));
const id = fc.uuid();

/** As a log has it: without secrets in its URL. */
export const anyAttempt: fc.Arbitrary<Attempt> = fc
  .record({
    id,
    eventId: fc.oneof(fc.constantFrom('ev_1', 'ev_2'), anyText),
    event: orNull(fc.oneof(fc.constantFrom('call_missed', 'call_connected', '\0'.repeat(300)), anyText)),
    callId: orNull(anyText),
    endpoint: fc.oneof(fc.constantFrom('crm', 'erp'), anyText),
    url: fc.oneof(
      fc.constantFrom('https://a/', 'https://b/', 'https://a/?key=1', 'https://a/?key=2'),
      anyText,
    ),
    attempt: fc.integer({ min: 0, max: 1000 }),
    dueAt: moment,
    sentAt: moment,
    status,
    outcome: fc.constantFrom(...OUTCOMES),
    durationMs: duration,
    final: fc.boolean(),
    run: anyText,
    replayOf: orNull(anyText),
    error: orNull(anyText),
    fault: orNull(anyText),
  })
  .map((attempt) => ({ ...attempt, ...recordedPlace(attempt.endpoint, attempt.url) }));

const header = fc
  .string({ minLength: 1, maxLength: 10 })
  .map((text) => text.replaceAll(/[^!-~]/g, '-'))
  .map((text) => [text, `value of ${text}`]);

const anyReceipt: fc.Arbitrary<LogRecord> = fc
  .record({
    receipt: fc.record({
      id,
      eventId: orNull(anyText),
      event: orNull(anyText),
      callId: orNull(anyText),
      attempt: orNull(fc.integer({ min: 1, max: 1000 })),
      receivedAt: moment,
      signature: fc.constantFrom('valid', 'missing', 'malformed', 'mismatch', 'unchecked' as const),
      secret: orNull(anyText),
      duplicate: fc.constantFrom(null, null, 'duplicate', 'conflict', 'suspected_replay' as const),
      latencyMs: orNull(fc.integer({ min: -90_000, max: 90_000_000 })),
      transitMs: orNull(fc.integer({ min: -90_000, max: 90_000_000 })),
      status,
      forward: orNull(fc.record({ status, durationMs: duration, error: orNull(anyText) })),
      bodyBytes: fc.nat(2 ** 20),
      flags: fc.array(
        fc.constantFrom('redelivery', 'REDELIVERY', 'replay', 'schema:metadata.queue', 'odd_text'),
        {
          maxLength: 3,
        },
      ),
      shownAt: orNull(moment),
    }),
    headers: orNull(fc.array(header, { minLength: 1, maxLength: 3 }).map((pairs) => pairs.flat())),
    body,
    evidence: orNull(
      fc.record({ sha256: fc.constantFrom('0'.repeat(64), 'a'.repeat(64)), cause: orNull(anyText) }),
    ),
    cutBy: fc.nat(3),
  })
  .map(({ receipt, headers, body, evidence, cutBy }) => {
    if (!isRefused(receipt) || evidence === null) return asStored(receipt, headers, body);
    return asStored({ ...receipt, evidence }, headers, body, cutBy);
  });

/** What a store makes of it: the length is the whole body's, a copy has no latency, headers come with a body and without credentials. */
function asStored(receipt: Receipt, headers: string[] | null, body: Buffer | null, cutBy = 0): LogRecord {
  const { duplicate, latencyMs, bodyBytes } = receipt;
  return {
    kind: 'receipt',
    receipt: {
      ...receipt,
      latencyMs: duplicate === 'duplicate' ? null : latencyMs,
      bodyBytes: body === null ? bodyBytes : body.length + cutBy,
    },
    headers: body === null || headers === null ? null : maskCredentials(headers),
    body,
  };
}

/** Any record that a store may hold, as an export with bodies has it. */
export const anyRecord: fc.Arbitrary<LogRecord> = fc.oneof(
  fc.record({ attempt: anyAttempt, body }).map((about) => ({ kind: 'attempt', headers: null, ...about })),
  anyReceipt,
) as fc.Arbitrary<LogRecord>;

/** Some, each with an id of its own. */
export const anyRecords = fc.uniqueArray(anyRecord, {
  maxLength: 12,
  selector: (record) => (record.kind === 'attempt' ? record.attempt.id : record.receipt.id),
});
