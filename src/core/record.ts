import type { RawHeaders } from './headers.ts';
import { formatTimestamp } from './time.ts';

/** How one attempt ended (contract §3). Only `delivered` is a success. */
export const OUTCOMES = [
  'delivered',
  'rejected',
  'timeout',
  'refused',
  'reset',
  'dns',
  'tls',
  'blocked',
  'aborted',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What was sent: one request of a delivery (contract §3). Times are ms since the epoch, durations ms. */
export interface Attempt {
  id: string;
  eventId: string;
  event: string | null;
  callId: string | null;
  endpoint: string;
  url: string;
  attempt: number;
  /** When the event was due, the same for all its attempts: latency counts from here. */
  dueAt: number;
  sentAt: number;
  status: number | null;
  outcome: Outcome;
  durationMs: number;
  /** True on the last attempt of its delivery. */
  final: boolean;
  run: string;
  replayOf: string | null;
  error: string | null;
  /**
   * Why the attempt is left out of the figures: a negative test's fault, or `killed` where the run was, and nobody knows
   * what became of it; null where it counts.
   */
  fault: string | null;
}

/** The `fault` of an attempt that may or may not have been made. */
export const KILLED = 'killed';

export type SignatureResult = 'valid' | 'missing' | 'malformed' | 'mismatch' | 'unchecked';
export type Duplicate = 'duplicate' | 'conflict' | 'suspected_replay';

/** What the receiver's own app answered. */
export interface ForwardResult {
  status: number | null;
  durationMs: number;
  error: string | null;
}

/** What was received: one request (contract §3). `status` is null while the answer is outstanding. */
export interface Receipt {
  id: string;
  eventId: string | null;
  event: string | null;
  callId: string | null;
  attempt: number | null;
  receivedAt: number;
  signature: SignatureResult;
  /** The name of the secret that matched. */
  secret: string | null;
  duplicate: Duplicate | null;
  latencyMs: number | null;
  transitMs: number | null;
  status: number | null;
  forward: ForwardResult | null;
  bodyBytes: number;
  flags: readonly string[];
  /** When the dashboard first showed the event on a page, ms since the epoch; null where it did not. */
  shownAt: number | null;
  /** Of a delivery that was refused for its signature. */
  evidence?: Evidence;
}

/** What is known of a refused delivery besides the beginning of its body (contract §2). */
export interface Evidence {
  /** SHA-256 of its whole body, in hex. */
  sha256: string;
  /** Why its signature was refused, as its whole body told at arrival; null where nobody looked. */
  cause: string | null;
}

/** A record with what only the delivery log keeps of it; null where it does not, or where it was not asked for. */
export type LogRecord =
  | { kind: 'attempt'; attempt: Attempt; headers: RawHeaders | null; body: Uint8Array | null }
  | {
      kind: 'receipt';
      receipt: Receipt;
      headers: RawHeaders | null;
      body: Uint8Array | null;
      /** The beginning of what the app said, where there is any. It is not exported. */
      answer?: string;
      /** What the sender asked for (see asked.ts), where that is anything. It holds secrets: it is not exported. */
      asked?: string;
    };
export type RecordKind = LogRecord['kind'];

/** When it was sent or received, ms since the epoch. */
export function recordTime(record: LogRecord): number {
  return record.kind === 'attempt' ? record.attempt.sentAt : record.receipt.receivedAt;
}

/** Whether a receipt counts as received: rightly signed, and answered with a 2xx or handed on to an app. */
export function isAccepted(receipt: Receipt): boolean {
  const { status, forward } = receipt;
  return !isRefused(receipt) && (status === null || isSuccess(status) || forward !== null);
}

/** Whether it was refused for its signature. Anybody can send such a delivery. */
export function isRefused({ signature }: Pick<Receipt, 'signature'>): boolean {
  return signature !== 'valid' && signature !== 'unchecked';
}

/** Whether the body is there, and only its beginning. */
export function isCut(record: LogRecord): boolean {
  return record.kind === 'receipt' && record.body !== null && record.body.length < record.receipt.bodyBytes;
}

/** An attempt as a line of NDJSON has it. */
export interface AttemptJson {
  kind: 'attempt';
  id: string;
  event_id: string;
  event: string | null;
  call_id: string | null;
  endpoint: string;
  url: string;
  attempt: number;
  due_at: string;
  sent_at: string;
  status: number | null;
  outcome: Outcome;
  duration_ms: number;
  final: boolean;
  run: string;
  replay_of: string | null;
  error: string | null;
  fault?: string;
}

/** A receipt as a line of NDJSON has it. */
export interface ReceiptJson {
  kind: 'receipt';
  id: string;
  event_id: string | null;
  event: string | null;
  call_id: string | null;
  attempt: number | null;
  received_at: string;
  signature: SignatureResult;
  secret: string | null;
  duplicate: Duplicate | null;
  latency_ms: number | null;
  transit_ms: number | null;
  status: number | null;
  forward: { status: number | null; duration_ms: number; error: string | null } | null;
  body_bytes: number;
  flags: readonly string[];
  shown_at?: string;
  body_sha256?: string;
  cause?: string | null;
}

export function attemptToJson(attempt: Attempt): AttemptJson {
  return {
    kind: 'attempt',
    id: attempt.id,
    event_id: attempt.eventId,
    event: attempt.event,
    call_id: attempt.callId,
    endpoint: attempt.endpoint,
    url: attempt.url,
    attempt: attempt.attempt,
    due_at: formatTimestamp(attempt.dueAt),
    sent_at: formatTimestamp(attempt.sentAt),
    status: attempt.status,
    outcome: attempt.outcome,
    duration_ms: attempt.durationMs,
    final: attempt.final,
    run: attempt.run,
    replay_of: attempt.replayOf,
    error: attempt.error,
    ...(attempt.fault === null ? {} : { fault: attempt.fault }),
  };
}

export function receiptToJson(receipt: Receipt): ReceiptJson {
  return {
    kind: 'receipt',
    id: receipt.id,
    event_id: receipt.eventId,
    event: receipt.event,
    call_id: receipt.callId,
    attempt: receipt.attempt,
    received_at: formatTimestamp(receipt.receivedAt),
    signature: receipt.signature,
    secret: receipt.secret,
    duplicate: receipt.duplicate,
    latency_ms: receipt.latencyMs,
    transit_ms: receipt.transitMs,
    status: receipt.status,
    forward: receipt.forward && {
      status: receipt.forward.status,
      duration_ms: receipt.forward.durationMs,
      error: receipt.forward.error,
    },
    body_bytes: receipt.bodyBytes,
    flags: receipt.flags,
    ...(receipt.shownAt === null ? {} : { shown_at: formatTimestamp(receipt.shownAt) }),
    ...(receipt.evidence === undefined
      ? {}
      : { body_sha256: receipt.evidence.sha256, cause: receipt.evidence.cause }),
  };
}

export function isSuccess(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300;
}
