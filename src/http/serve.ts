import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Client, Clients } from './clients.ts';
import { Incoming } from './incoming.ts';
import { asksForWebSocket, judgeUpgrade } from './judge-head.ts';
import { refuseOn } from './refuse-on.ts';
import type { ServeLimits, ServeOptions, TlsPair } from './serve-options.ts';
import { startListening } from './start-listening.ts';

const LIMITS: ServeLimits = { headersTimeoutMs: 10_000, requestTimeoutMs: 30_000, maxConnections: 256 };
/** How long a client may leave its connection idle, ms. */
const KEEP_ALIVE_MS = 60_000;
const HEAD_LIMIT = 16_384;

export interface Listening {
  readonly port: number;
  readonly host: string;
  /** For one with TLS: connections from now on get this certificate. */
  renewTls(pair: TlsPair): void;
  /** Stops accepting, lets requests in flight end for `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** Listens for requests. Rejects with EnvironmentError where the port cannot be had (fault C6). */
export async function serve(options: ServeOptions): Promise<Listening> {
  const limits = { ...LIMITS, ...options.limits };
  const server =
    options.tls === undefined ? createServer(settings(options, limits)) : await secureServer(options, limits);
  // Not in the documentation, but there since Node 0.7: a client which has said all still gets its answer.
  (server as unknown as { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  const clients = new Clients(limits);
  if (options.tls === undefined) server.on('connection', clients.accept);
  else server.on('connection', clients.shake).on('secureConnection', clients.secured);
  const take = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) =>
    new Incoming(request, response, clients.of(request.socket), options).begin(awaitsContinue);
  server.on('request', (request, response) => take(request, response, false));
  server.on('checkContinue', (request, response) => take(request, response, true));
  server.on('checkExpectation', (request, response) =>
    new Incoming(request, response, clients.of(request.socket), options).refuse({
      status: 417,
      headers: [],
      body: 'Expectation failed',
    }),
  );
  server.on('clientError', (error: ClientError, socket: Socket) =>
    refuseUnreadable(error, clients.of(socket), options),
  );
  server.on('connect', (_request, socket: Socket) =>
    refuseOn(socket, { status: 405, headers: ['Allow', 'POST'], body: 'Use POST' }),
  );
  if (options.upgrade !== undefined) server.on('upgrade', upgrading(server, clients, options));
  await startListening(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    host: options.host,
    renewTls: (pair) => {
      if ('setSecureContext' in server) server.setSecureContext(pair);
    },
    close: (graceMs) => close(server, clients, graceMs),
  };
}

function settings(
  { upgrade }: ServeOptions,
  { headersTimeoutMs, requestTimeoutMs }: ServeLimits,
): ServerOptions & { shouldUpgradeCallback: (request: IncomingMessage) => boolean } {
  return {
    // Node 24.9 and later ask; see takeAsRequest for those before.
    shouldUpgradeCallback: (request) => upgrade !== undefined && asksForWebSocket(request),
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(1000, headersTimeoutMs),
    maxHeaderSize: HEAD_LIMIT,
    // Ours to say, so that it is told of (see judge-head.ts).
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
  };
}

async function secureServer(options: ServeOptions, limits: ServeLimits): Promise<HttpsServer> {
  const { createServer: createHttpsServer } = await import('node:https');
  const server = createHttpsServer({
    ...settings(options, limits),
    ...options.tls,
    handshakeTimeout: limits.headersTimeoutMs,
  });
  server.on('tlsClientError', ({ code, message }: NodeJS.ErrnoException, socket) => {
    // Node leaves that to us: without it, each handshake that does not end keeps its descriptor (fault G2).
    socket.destroy();
    const plain = code === 'ERR_SSL_HTTP_REQUEST';
    const detail = plain ? 'plain http came to this https port; use https:// in the URL' : `TLS: ${message}`;
    options.onFault?.({ kind: 'bad_request', detail });
  });
  return server;
}

type ClientError = Error & { code?: string; rawPacket?: Buffer };

const TLS_HINT = 'a TLS hello came to this plain http port; use http:// in the URL';

/** What came is no request, or came too slowly. */
function refuseUnreadable(error: ClientError, client: Client, { onFault }: ServeOptions): void {
  const { code = '', message, rawPacket } = error;
  const { socket } = client;
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'HPE_INVALID_EOF_STATE') {
    socket.destroy();
    return;
  }
  const status = code === 'HPE_HEADER_OVERFLOW' ? 431 : code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const hello = rawPacket !== undefined && rawPacket[0] === 0x16 && rawPacket[1] === 0x03;
  onFault?.({ kind: 'bad_request', detail: hello ? TLS_HINT : `${status} ${message}` });
  client.end(() => refuseOn(socket, { status, headers: [], body: '' }));
}

/** Hands connections over to another protocol. */
function upgrading(server: Server | HttpsServer, clients: Clients, options: ServeOptions) {
  return (request: IncomingMessage, socket: Socket, rest: Buffer): void => {
    if (!asksForWebSocket(request)) return takeAsRequest(server, request, socket, rest);
    const judged = judgeUpgrade(request, options);
    clients.of(socket).handedOver = true;
    if ('status' in judged) refuseOn(socket, judged);
    else options.upgrade?.(judged, socket, rest);
  };
}

/**
 * An offer of another protocol (curl's h2c, say) is a request like any where nobody takes it up. Node before 24.9 has let
 * go of the connection by then, so the request goes in once more, without the offer.
 */
function takeAsRequest(
  server: Server | HttpsServer,
  request: IncomingMessage,
  socket: Socket,
  rest: Buffer,
): void {
  const { method, url, httpVersion, rawHeaders } = request;
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (!/^(?:connection|upgrade)$/i.test(rawHeaders[i] as string))
      head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  socket.unshift(Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), rest]));
  server.emit('setSecureContext' in server ? 'secureConnection' : 'connection', socket);
}

function close(server: Server | HttpsServer, clients: Clients, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => clients.cutAll(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    clients.finish();
  });
}
