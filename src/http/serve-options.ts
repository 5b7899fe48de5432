import type { Socket } from 'node:net';
import type { RawHeaders } from '../core/headers.ts';
import type { Pieces } from '../core/pieces.ts';

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

/** The same with its body in the pieces it came in, for whoever has no need of a copy in one. */
export interface RequestInPieces extends Omit<IncomingRequest, 'body'> {
  pieces: Pieces;
}

/** A request whose body is still to come. */
export interface RequestHead {
  method: string;
  /** Path and query as they came. */
  target: string;
  headers: RawHeaders;
  /** What `Content-Length` declares; null for a chunked body. */
  length: number | null;
  /** The address of the other side of the connection. */
  peer: string;
}

/** An answer; headers are names and values in turn. */
export interface Answer {
  status: number;
  headers: RawHeaders;
  body: string | Uint8Array;
}

/** What becomes of a request that was let in. */
export interface Admission {
  handle(request: RequestInPieces): Promise<Answer>;
  /** It never became whole: `handle` is not called. */
  abandoned?(): void;
}

/** Either `handle` takes every request, or `admit` says of each by its head what becomes of it. */
export type ServeOptions = ServeSettings &
  (
    | { handle: (request: IncomingRequest) => Promise<Answer>; admit?: never }
    | {
        handle?: never;
        /** An answer refuses the request, its body unread, and ends the connection. Must not throw. */
        admit: (head: RequestHead) => Answer | Admission;
      }
  );

interface ServeSettings {
  host: string;
  port: number;
  /** Bodies above this many bytes are answered 413, unread where the length is declared. */
  maxBody: number;
  /** Host names that may stand in `Host`; null allows any. */
  allowHosts: readonly string[] | null;
  now: () => number;
  /** Serves HTTPS. */
  tls?: TlsPair;
  /** Takes over the connection of a request for a WebSocket; without it, such a request is like any other. */
  upgrade?: (head: RequestHead, socket: Socket, rest: Buffer) => void;
  /** Told of requests that never became one: aborted, too large, unreadable. */
  onFault?: (fault: ServeFault) => void;
  limits?: Partial<ServeLimits>;
}

/** A certificate chain and its key, both PEM. */
export interface TlsPair {
  cert: string;
  key: string;
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
