import type { RawHeaders } from '../core/headers.ts';

/** A request whose body has wholly arrived. */
export interface IncomingRequest {
  method: string;
  /** Path and query as they came. */
  target: string;
  headers: RawHeaders;
  body: Uint8Array;
  /** When its body was complete, ms since the epoch. */
  receivedAt: number;
}

/** An answer; headers are names and values in turn. */
export interface Answer {
  status: number;
  headers: RawHeaders;
  body: string | Uint8Array;
}

export interface ServeOptions {
  host: string;
  port: number;
  /** Bodies above this many bytes are answered 413, unread where the length is declared. */
  maxBody: number;
  /** Host names that may stand in `Host`; null allows any. */
  allowHosts: readonly string[] | null;
  now: () => number;
  handle: (request: IncomingRequest) => Promise<Answer>;
  /** Told of requests that never became one: aborted, too large, unreadable. */
  onFault?: (fault: ServeFault) => void;
  limits?: Partial<ServeLimits>;
}

export interface ServeFault {
  kind: 'aborted' | 'too_large' | 'bad_request' | 'wrong_host' | 'failed';
  detail: string;
}

export interface ServeLimits {
  headersTimeoutMs: number;
  requestTimeoutMs: number;
  maxConnections: number;
}
