import { onTestFinished } from 'vitest';
import {
  type AttemptResult,
  createTransport,
  type OutgoingRequest,
  type Transport,
  type TransportOptions,
} from '../../src/http/attempt.ts';
import { PATIENCE_MS } from './patience.ts';

export const REQUEST: OutgoingRequest = {
  headers: ['Content-Type', 'application/json', 'X-MO-Event-Id', 'ev_1'],
  body: Buffer.from('{"event":"call_connected"}'),
};

/** A transport that is closed when the test ends; one connection and a patient timeout unless told otherwise. */
export function openTransport(url: URL, options: Partial<TransportOptions> = {}): Transport {
  const transport = createTransport({ url, connections: 1, timeoutMs: PATIENCE_MS, ...options });
  onTestFinished(() => transport.close());
  return transport;
}

/** One attempt on a transport of its own. */
export function attempt(url: URL, options: Partial<TransportOptions> = {}): Promise<AttemptResult> {
  return openTransport(url, options).send(REQUEST);
}
