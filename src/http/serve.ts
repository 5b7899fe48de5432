import { createServer, IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { EnvironmentError } from '../core/errors.ts';
import { headerValue, type RawHeaders } from '../core/headers.ts';

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

const LIMITS: ServeLimits = { headersTimeoutMs: 10_000, requestTimeoutMs: 30_000, maxConnections: 256 };

/** How long the other side has to read a last answer before its connection is cut, ms. */
const LAST_WORDS_MS = 250;

export interface Listening {
  readonly port: number;
  readonly host: string;
  /** Stops accepting, lets requests in flight end for `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** Listens for requests. Rejects with EnvironmentError where the port cannot be had (fault C6). */
export async function serve(options: ServeOptions): Promise<Listening> {
  const limits = { ...LIMITS, ...options.limits };
  const server = createServer({
    IncomingMessage: Arriving,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs),
    keepAliveTimeout: 60_000,
    noDelay: true,
  });
  server.maxConnections = limits.maxConnections;
  server.on('request', (request, response) => receiveRequest(request, response, options));
  server.on('checkContinue', (request, response) => {
    if (declaredLength(request) <= options.maxBody) response.writeContinue();
    receiveRequest(request, response, options);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    refuseUnreadable(error, socket as Socket, options),
  );
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return { port, host: options.host, close: (graceMs) => close(server, graceMs) };
}

/**
 * A request that hands its body on as the parser finds it. A readable stream between the two would cost as much as
 * verifying the delivery does.
 */
class Arriving extends IncomingMessage {
  /** Told of each part of the body, then of its end; without one the body is dropped. */
  taker: ((chunk: Buffer | null) => void) | null = null;

  override push(chunk: Buffer | null): boolean {
    this.taker?.(chunk);
    return true;
  }
}

function receiveRequest(request: Arriving, response: ServerResponse, options: ServeOptions): void {
  const { maxBody, onFault } = options;
  if (options.allowHosts !== null && !hostAllowed(request.headers.host, options.allowHosts)) {
    onFault?.({ kind: 'wrong_host', detail: String(request.headers.host) });
    return refuse(request, response, 403, 'Host not allowed');
  }
  if (declaredLength(request) > maxBody) {
    onFault?.({ kind: 'too_large', detail: `${declaredLength(request)} bytes declared` });
    return refuse(request, response, 413, 'Body too large');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  request.taker = (chunk) => {
    if (chunk === null) {
      request.taker = null;
      answerRequest(
        request,
        response,
        chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
        options,
      );
      return;
    }
    chunks.push(chunk);
    size += chunk.length;
    if (size <= maxBody) return;
    request.taker = null;
    onFault?.({ kind: 'too_large', detail: `more than ${maxBody} bytes` });
    refuse(request, response, 413, 'Body too large');
  };
  request.on('error', () => {
    if (request.taker === null) return;
    request.taker = null;
    onFault?.({ kind: 'aborted', detail: `the sender went away after ${size} body bytes` });
  });
}

function answerRequest(
  request: Arriving,
  response: ServerResponse,
  body: Buffer,
  options: ServeOptions,
): void {
  options
    .handle({
      method: request.method ?? '',
      target: request.url ?? '/',
      headers: request.rawHeaders,
      body,
      receivedAt: options.now(),
    })
    .then(
      (answer) => sendAnswer(response, answer, options.limits?.requestTimeoutMs),
      (error: unknown) => {
        options.onFault?.({ kind: 'failed', detail: String(error) });
        sendAnswer(response, { status: 500, headers: [], body: 'Internal error' });
      },
    );
}

function sendAnswer(
  response: ServerResponse,
  { status, headers, body }: Answer,
  patienceMs = LIMITS.requestTimeoutMs,
): void {
  if (response.destroyed) return;
  // These two have no body, so a length would announce bytes that never come.
  const length = status === 204 || status === 304 ? [] : ['Content-Length', String(Buffer.byteLength(body))];
  response.writeHead(status, [...headers, ...length]);
  response.end(body);
  // For a client that does not read its answers (fault C1); the next request on the connection lifts it.
  if (response.socket?.writableNeedDrain) response.setTimeout(patienceMs);
}

/** Answers without reading the rest, and closes: what is still coming is not worth the bandwidth. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, ['Connection', 'close', 'Content-Length', String(text.length)]);
  response.end(text, () => {
    // A moment for the answer to be read before the reset that unread bytes cause.
    setTimeout(() => request.socket.destroy(), LAST_WORDS_MS).unref();
  });
}

function declaredLength(request: IncomingMessage): number {
  // Not request.headers: making that object costs more than the rest of this file's work on a request.
  return Number(headerValue(request.rawHeaders, 'Content-Length') ?? 0);
}

function hostAllowed(host: string | undefined, allowed: readonly string[]): boolean {
  if (host === undefined) return false;
  return allowed.includes(host.replace(/:\d+$/, '').toLowerCase());
}

function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket, options: ServeOptions): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, text] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431', 'Request Header Fields Too Large']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408', 'Request Timeout']
        : ['400', 'Bad Request'];
  const packet = (error as { rawPacket?: Buffer }).rawPacket;
  const tls = packet?.[0] === 0x16 && packet[1] === 0x03;
  options.onFault?.({
    kind: 'bad_request',
    detail: tls
      ? 'a TLS hello came to this plain http port; use http:// in the URL'
      : `${status} ${error.message}`,
  });
  // A client that keeps its own end open must not keep the connection (fault C1).
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
    setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref(),
  );
}

function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      // EMFILE and the like: the connection is lost, the server goes on (fault C7).
      server.on('error', () => {});
      resolve();
    });
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): EnvironmentError {
  const why: Record<string, string> = {
    EADDRINUSE: `Port ${port} on ${host} is in use, perhaps by another listen (see: lsof -i :${port}). Choose another with --port, or --port 0 for any free one.`,
    EACCES: `Port ${port} needs privileges this user lacks. Choose one above 1023 with --port.`,
    EADDRNOTAVAIL: `The address ${host} is not one of this machine's. Choose another with --host.`,
    ENOTFOUND: `The host name ${host} does not resolve. Choose another with --host.`,
  };
  return new EnvironmentError(why[error.code ?? ''] ?? `Cannot listen on ${host}:${port}: ${error.message}`, {
    cause: error,
  });
}

const SWEEP_MS = 20;

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    // A connection that is kept alive falls idle when its last request is answered, and nobody tells of that.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    server.close(() => {
      clearTimeout(timer);
      clearInterval(sweep);
      resolve();
    });
    server.closeIdleConnections();
  });
}
