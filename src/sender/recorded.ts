import { HEADER, headerValue, isEventId, type RawHeaders } from '../core/headers.ts';
import { isCopyId } from '../core/id.ts';
import { isAccepted, type LogRecord } from '../core/record.ts';

/** A delivery on record, as far as it takes to send it again. */
export interface Recorded {
  /** The record's id, by which a resumed run knows what it has sent. */
  id: string;
  /** When it was sent or received, ms since the epoch. */
  at: number;
  eventId: string | null;
  event: string | null;
  callId: string | null;
  body: Uint8Array;
  /** As it came; null where only the body is on record. */
  signature: string | null;
  /** What the body's bytes are to be read as, where that is not plain JSON. */
  headers: RawHeaders;
  /** What its sender asked for (see asked.ts); '' where that is nothing, or not on record. */
  asked: string;
}

/**
 * Whether a record stands for a delivery: each does once, however often it was tried or came. A delivery's first
 * attempt does, for the others have no body of their own; of receipts the first that was accepted. Negative tests,
 * forged and refused deliveries, and the copies that earlier replays made are never sent again.
 */
export function standsForDelivery(record: LogRecord, hasBody: boolean): boolean {
  if (record.kind === 'attempt') {
    const { attempt, replayOf, fault } = record.attempt;
    return (attempt === 1 || hasBody) && replayOf === null && fault === null;
  }
  const { duplicate, flags, eventId } = record.receipt;
  const first = duplicate !== 'duplicate' && !flags.includes('redelivery');
  const copy = duplicate !== null || (eventId !== null && isCopyId(eventId));
  return first && !(copy && flags.includes('replay')) && isAccepted(record.receipt);
}

/** Null where its body is not on record: nothing else would be the same bytes. */
export function toRecorded(record: LogRecord): Recorded | null {
  const { body, headers } = record;
  if (body === null) return null;
  const about = record.kind === 'attempt' ? record.attempt : record.receipt;
  return {
    id: about.id,
    at: record.kind === 'attempt' ? record.attempt.sentAt : record.receipt.receivedAt,
    eventId: about.eventId,
    event: about.event,
    callId: about.callId,
    body,
    signature: headers === null ? null : (headerValue(headers, HEADER.signature) ?? null),
    headers: headers === null ? [] : contentHeaders(headers),
    asked: (record.kind === 'receipt' && record.asked) || '',
  };
}

function contentHeaders(headers: RawHeaders): string[] {
  return ['Content-Type', 'Content-Encoding'].flatMap((name) => {
    const value = headerValue(headers, name);
    return value === undefined || value === 'application/json' || !SENDABLE.test(value) ? [] : [name, value];
  });
}

/** What a header can carry. */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Why a delivery cannot be sent again as it was: its body is not known, or not all of it, or a header cannot carry its id or signature. */
export type Refusal = 'bodiless' | 'cut' | 'bad_id' | 'unsigned';

/** Null where nothing is in the way. `copies` gives new ids, `asSigned` keeps the signatures on record. */
export function refusalOf(
  { record, hasBody, cut }: { record: LogRecord; hasBody: boolean; cut: boolean },
  { copies, asSigned }: { copies: boolean; asSigned: boolean },
): Refusal | null {
  if (!hasBody) return 'bodiless';
  if (cut) return 'cut';
  const { eventId } = record.kind === 'attempt' ? record.attempt : record.receipt;
  if (!copies && eventId !== null && !isEventId(eventId)) return 'bad_id';
  const signature = record.headers === null ? undefined : headerValue(record.headers, HEADER.signature);
  return asSigned && (signature === undefined || !SENDABLE.test(signature)) ? 'unsigned' : null;
}
