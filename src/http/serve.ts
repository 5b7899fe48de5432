import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, Server as TlsServer } from 'node:tls';
import type { ServeLimits, ServeOptions, TlsPair } from './serve-options.ts';
import { ServerConnection } from './server-connection.ts';
import { startListening } from './start-listening.ts';

const LIMITS: ServeLimits = { headersTimeoutMs: 10_000, requestTimeoutMs: 30_000, maxConnections: 256 };

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
  const server = makeServer(options, limits);
  server.maxConnections = limits.maxConnections;
  const connections = new Set<ServerConnection>();
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    const connection = new ServerConnection(socket, options, limits, performance.now());
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  });
  await startListening(server, options);
  const checking = setInterval(
    () => {
      const now = performance.now();
      for (const connection of connections) connection.check(now);
    },
    Math.min(1000, limits.headersTimeoutMs),
  );
  server.once('close', () => clearInterval(checking));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    host: options.host,
    renewTls: (pair) => {
      if (server instanceof TlsServer) server.setSecureContext(pair);
    },
    close: (graceMs) => close(server, connections, graceMs),
  };
}

function makeServer({ tls, onFault }: ServeOptions, { headersTimeoutMs }: ServeLimits): Server {
  // Half open, so that a client which has said all may still hear the answer.
  const options = { allowHalfOpen: true, noDelay: true };
  if (tls === undefined) return createServer(options);
  const server = createTlsServer({ ...options, ...tls, handshakeTimeout: headersTimeoutMs });
  server.on('tlsClientError', ({ code, message }: NodeJS.ErrnoException, socket: Socket) => {
    // Node leaves that to us: without it, each handshake that does not end keeps its descriptor (fault G2).
    socket.destroy();
    const plain = code === 'ERR_SSL_HTTP_REQUEST';
    const detail = plain ? 'plain http came to this https port; use https:// in the URL' : `TLS: ${message}`;
    onFault?.({ kind: 'bad_request', detail });
  });
  return server;
}

function close(server: Server, connections: Set<ServerConnection>, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      for (const connection of connections) connection.cut();
    }, graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    for (const connection of connections) connection.finish();
  });
}
