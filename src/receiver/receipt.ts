import type { Receipt } from '../core/record.ts';
import type { NewReceipt } from '../core/store.ts';
import type { IncomingRequest } from '../http/serve-options.ts';
import type { Judgement } from './judge.ts';

/** What was received, before the store is asked. */
export function toReceipt(request: IncomingRequest, judgement: Judgement, id: string): Receipt & NewReceipt {
  const { verdict, payload } = judgement;
  return {
    id,
    eventId: judgement.eventId,
    event: payload.event,
    callId: payload.callId,
    attempt: judgement.attempt,
    receivedAt: request.receivedAt,
    signature: verdict.result,
    secret: verdict.result === 'valid' ? verdict.secret : null,
    duplicate: null,
    latencyMs: judgement.latencyMs,
    transitMs: judgement.transitMs,
    status: null,
    forward: null,
    bodyBytes: request.body.length,
    flags: judgement.flags,
    shownAt: null,
    body: request.body,
    headers: request.headers,
    asked: '',
    timestampMs: judgement.bodyTimestampMs,
    accepted: false,
    forwarding: false,
  };
}

/** The log has these now: whoever keeps the receipt must not keep a socket's memory with it, nor secrets. */
export function release(receipt: NewReceipt): void {
  receipt.headers = NOTHING;
  receipt.asked = '';
  receipt.body = NO_BYTES;
}

const NOTHING: readonly string[] = [];
const NO_BYTES = new Uint8Array(0);
