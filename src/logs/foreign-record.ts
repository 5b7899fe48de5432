import { hash } from 'node:crypto';
import { recordedPlace } from '../core/endpoint-identity.ts';
import type { RawHeaders } from '../core/headers.ts';
import { HEADER, headerValue, isEventId, parseAttempt } from '../core/headers.ts';
import { parsePayload } from '../core/payload.ts';
import { isSuccess, type LogRecord } from '../core/record.ts';

/** What another tool's log says of one delivery. */
export interface ForeignDelivery {
  id: string;
  eventId: string | null;
  event: string | null;
  callId: string | null;
  endpoint: string | null;
  url: string | null;
  attempt: number | null;
  at: number;
  /** Null where no answer came. */
  status: number | null;
  durationMs: number;
  final: boolean;
  headers: RawHeaders | null;
  body: Uint8Array | null;
}

/**
 * The id of a record that has none: where it stands in its file, and what it says. The same file read again has the
 * same ids, another file has others.
 */
export function foreignId(place: string, content: string | Uint8Array): string {
  return `${place} ${hash('sha256', content, 'hex').slice(0, 16)}`;
}

/** As an attempt of ours; what the log leaves out is taken from the headers and the body. */
export function foreignAttempt(delivery: ForeignDelivery): LogRecord {
  const { headers, body, status, at } = delivery;
  const payload = body === null ? null : parsePayload(body);
  const header = (name: string) => (headers === null ? undefined : headerValue(headers, name));
  const given = header(HEADER.eventId);
  const eventId = delivery.eventId ?? (given !== undefined && isEventId(given) ? given : null);
  return {
    kind: 'attempt',
    attempt: {
      id: delivery.id,
      eventId: eventId ?? delivery.id,
      event: delivery.event ?? payload?.event ?? null,
      callId: delivery.callId ?? payload?.callId ?? null,
      ...recordedPlace(delivery.endpoint, delivery.url),
      attempt: delivery.attempt ?? parseAttempt(header(HEADER.attempt)) ?? 1,
      dueAt: at,
      sentAt: at,
      status,
      outcome: isSuccess(status) ? 'delivered' : status === null ? 'reset' : 'rejected',
      durationMs: delivery.durationMs,
      final: delivery.final,
      run: '',
      replayOf: null,
      error: isSuccess(status) ? null : status === null ? 'no answer on record' : `answered ${status}`,
      fault: null,
    },
    headers,
    body,
  };
}
