import { signPayload } from '../../src/core/signature.ts';

export const SECRET = 'S3CR3T-canary';
/** The minimal event: the keys that are required. */
export const EVENT = '{"event":"call_connected","call_id":"MO1","timestamp":"2025-07-21T12:45:00Z"}';

/** A delivery as it goes over the wire: header names and values in turn, and the body's bytes. */
export interface Delivery {
  headers: string[];
  body: Buffer;
}

export interface DeliveryOptions {
  body?: string | Uint8Array;
  /** Null sends no `X-MO-Event-Id`. */
  id?: string | null;
  secret?: string;
  /** The `X-MO-Signature` to send; null sends none, absent sends the right one. */
  signature?: string | null;
  contentType?: string | null;
  /** More headers, names and values in turn. */
  headers?: string[];
}

/** A rightly signed delivery, unless told otherwise. */
export function delivery(options: DeliveryOptions = {}): Delivery {
  const body = Buffer.from(options.body ?? EVENT);
  const { id = 'ev_1', contentType = 'application/json', headers = [] } = options;
  const signature =
    options.signature === undefined ? signPayload(body, options.secret ?? SECRET) : options.signature;
  return {
    headers: [
      ...(contentType === null ? [] : ['Content-Type', contentType]),
      ...(id === null ? [] : ['X-MO-Event-Id', id]),
      ...(signature === null ? [] : ['X-MO-Signature', signature]),
      ...headers,
    ],
    body,
  };
}

/** The minimal event of another call, or of another time. */
export function eventBody(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...JSON.parse(EVENT), ...fields });
}
