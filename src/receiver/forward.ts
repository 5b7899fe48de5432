import { endToEnd, type RawHeaders } from '../core/headers.ts';
import { type ForwardResult, isSuccess } from '../core/record.ts';
import { createTransport } from '../http/attempt.ts';

const FORWARD_TIMEOUT_MS = 30_000;
const CONNECTIONS = 64;

/** What the app said to a forwarded delivery. `body` is the beginning of its answer. */
export interface AppAnswer {
  result: ForwardResult;
  delivered: boolean;
  /** True where we gave up ourselves, because the run ended. */
  cut: boolean;
  body: Uint8Array;
}

/** Hands deliveries on to the user's app: the same method, bytes and headers (contract §2). */
export interface Forwarder {
  readonly url: URL;
  forward(headers: RawHeaders, body: Uint8Array): Promise<AppAnswer>;
  close(): Promise<void>;
}

export function createForwarder(url: URL, timeoutMs = FORWARD_TIMEOUT_MS): Forwarder {
  const transport = createTransport({ url, connections: CONNECTIONS, timeoutMs });
  let closed = false;
  return {
    url,
    async forward(headers, body) {
      const answer = await transport.send({ headers: endToEnd(headers), body });
      return {
        result: {
          status: answer.status,
          durationMs: answer.durationMs,
          error: answer.status === null ? answer.error : null,
        },
        delivered: isSuccess(answer.status),
        cut: closed && answer.status === null,
        body: answer.responseBody,
      };
    },
    close() {
      closed = true;
      return transport.close();
    },
  };
}
