import { HEADER, type RawHeaders } from '../core/headers.ts';
import { signPayload } from '../core/signature.ts';
import { formatTimestamp } from '../core/time.ts';
import { VERSION } from '../core/version.ts';

/** The negative tests: what a receiver should refuse (cli.md, send-test). */
export const FAULTS = ['bad-signature', 'missing-signature', 'tampered-body', 'stale', 'truncated'] as const;
export type Fault = (typeof FAULTS)[number];

/** One event on its way to one endpoint: the same id, bytes and signature on every attempt (contract §1). */
export interface Delivery {
  eventId: string;
  event: string | null;
  callId: string | null;
  body: Uint8Array;
  signature: string | null;
  fault: Fault | null;
  /** What is sent again: a record's id. */
  replayOf: string | null;
  /** How many attempts an earlier run made of it already. */
  attemptsBefore: number;
  /** Headers that are its own, as the body's encoding; names and values in turn. */
  headers: RawHeaders;
  /** What it asks for besides the endpoint's own URL (see asked.ts); '' for nothing. */
  asked: string;
}

/** What the deliveries of a run have in common. */
export interface DeliveryStyle {
  /** `X-MO-Sent-At` and `X-MO-Replay`, which the platform does not send. */
  toolHeaders: boolean;
  /** The run's id, for a replay (contract §1). */
  replay: string | null;
  /** The user's own headers, names and values in turn. */
  extraHeaders: RawHeaders;
}

/** Signs a body, or spoils it in the way that a negative test asks for. */
export function makeDelivery(
  event: { eventId: string; event: string | null; callId: string | null; body: Uint8Array },
  secret: string,
  fault: Fault | null = null,
): Delivery {
  const { eventId, event: type, callId, body } = event;
  const signature = signPayload(body, secret);
  const delivery: Delivery = {
    eventId,
    event: type,
    callId,
    body,
    signature,
    fault,
    replayOf: null,
    attemptsBefore: 0,
    headers: [],
    asked: '',
  };
  switch (fault) {
    case 'bad-signature':
      return { ...delivery, signature: signPayload(event.body, `not ${secret}`) };
    case 'missing-signature':
      return { ...delivery, signature: null };
    case 'tampered-body':
      return { ...delivery, body: tamper(event.body) };
    case 'truncated':
      return { ...delivery, body: event.body.subarray(0, Math.max(0, event.body.length - 10)) };
    default:
      return delivery;
  }
}

/** The headers of one attempt, in the contract's order. */
export function deliveryHeaders(
  delivery: Delivery,
  attempt: number,
  sentAt: number,
  style: DeliveryStyle,
): string[] {
  const headers = [HEADER.contentType, 'application/json', HEADER.eventId, delivery.eventId];
  if (delivery.signature !== null) headers.push(HEADER.signature, delivery.signature);
  headers.push(HEADER.attempt, String(attempt), 'User-Agent', USER_AGENT);
  if (style.toolHeaders) {
    headers.push(HEADER.sentAt, formatTimestamp(sentAt));
    if (style.replay !== null) headers.push(HEADER.replay, style.replay);
  }
  const own = delivery.headers.length === 0 ? headers : override(headers, delivery.headers);
  return style.extraHeaders.length === 0 ? own : override(own, style.extraHeaders);
}

const USER_AGENT = `mo-notify/${VERSION}`;

/** The user's headers stand in for ours of the same name; repeated ones all go out. */
function override(headers: string[], extra: RawHeaders): string[] {
  const replaced = new Set<string>();
  for (let i = 0; i < extra.length; i += 2) replaced.add((extra[i] as string).toLowerCase());
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (!replaced.has((headers[i] as string).toLowerCase()))
      kept.push(headers[i] as string, headers[i + 1] as string);
  }
  return [...kept, ...extra];
}

/** Changes one digit, or else one bit, so that the body stays as long and as readable as it was. */
function tamper(body: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(body);
  const at = copy.findIndex((byte) => byte >= 0x30 && byte <= 0x38);
  if (at >= 0) copy[at] = (copy[at] as number) + 1;
  else if (copy.length > 0) copy[0] = (copy[0] as number) ^ 1;
  else return Uint8Array.of(0x20);
  return copy;
}
