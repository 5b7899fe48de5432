import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  type AddressInfo,
  connect,
  createServer as createRawServer,
  type Server,
  type Socket,
} from 'node:net';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { RawHeaders } from '../../src/core/headers.ts';
import { headerValue } from '../../src/core/headers.ts';

/** One request as the endpoint saw it. */
export interface SeenRequest {
  path: string;
  headers: RawHeaders;
  body: Buffer;
  header: (name: string) => string | undefined;
}

/** An endpoint on a free port of 127.0.0.1; it is closed, with its connections, when the test ends. */
export interface Endpoint {
  url: URL;
  port: number;
  /** The requests that arrived whole, in order; a raw endpoint parses none. */
  requests: SeenRequest[];
  /** How many connections were made. */
  connections: () => number;
  /** Resolves when this many requests (of a raw endpoint: connections) are there. */
  arrived: (count: number) => Promise<void>;
  /** Resolves when all connections have been closed again. */
  idle: () => Promise<void>;
}

export type Answer = (response: ServerResponse, request: SeenRequest, nth: number) => void;

/** An HTTP endpoint; `nth` counts from 1. */
export function startEndpoint(answer: Answer): Promise<Endpoint> {
  return start('http:', (listener) => createServer({ keepAliveTimeout: 60_000 }, listener), answer);
}

/** An HTTPS endpoint with one of the certificates of fixtures/tls. */
export function startTlsEndpoint(
  certificate: 'valid' | 'self-signed' | 'expired' | 'other-host',
  options: TlsOptions = {},
  answer: Answer = (response) => response.end('ok'),
): Promise<Endpoint> {
  const tls = { key: tlsFixture('key'), cert: tlsFixture(certificate), ...options };
  return start('https:', (listener) => createTlsServer(tls, listener), answer);
}

export function tlsFixture(name: string): string {
  return readFileSync(join(import.meta.dirname, `../../fixtures/tls/${name}.pem`), 'utf8');
}

/** An endpoint that does as it likes with each connection (`nth` from 1). */
export async function startRawEndpoint(behave: (socket: Socket, nth: number) => void): Promise<Endpoint> {
  const watch = watchers();
  const server = createRawServer();
  const connections = track(server, watch);
  server.on('connection', (socket) => behave(socket, connections.count()));
  return opened('http:', server, { requests: [], connections, count: connections.count, watch });
}

/** Answers with these in turn, the last one for ever after: a status, or status, headers and body. */
export function answers(
  ...sequence: (number | [number, Record<string, string>?, (string | Buffer)?])[]
): Answer {
  return (response, _request, nth) => {
    const next = sequence[Math.min(nth, sequence.length) - 1] ?? 200;
    const [status, headers = {}, body = ''] = typeof next === 'number' ? [next] : next;
    response.writeHead(status, headers).end(body);
  };
}

/** Once a request's end has arrived (good enough for our POSTs, which come in one piece), writes this. */
export function replies(
  text: string | Buffer,
  then: (socket: Socket) => void = () => {},
): (socket: Socket) => void {
  return (socket) => {
    socket.once('data', () => {
      socket.write(text, () => then(socket));
    });
  };
}

/** After `head`, writes `chunk` for as long as the other side reads. */
export function endless(head: string, chunk: string | Buffer): (socket: Socket) => void {
  const pump = (socket: Socket): void => {
    if (!socket.writable) return;
    if (socket.write(chunk)) setImmediate(pump, socket);
    else socket.once('drain', () => pump(socket));
  };
  return replies(head, pump);
}

/** After `head`, writes one `byte` every few milliseconds, for ever. */
export function drips(head: string, byte: string): (socket: Socket) => void {
  return replies(head, (socket) => {
    const timer = setInterval(() => socket.write(byte), 10);
    socket.once('close', () => clearInterval(timer));
  });
}

/**
 * A port of 127.0.0.1 that refuses connections until somebody who was told of it listens on it. Until the test ends it is
 * one end of a connection, so the system gives it to nobody who asks for any port.
 */
export async function deadPort(): Promise<number> {
  const server = createRawServer();
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const options = { host: '127.0.0.1', port: await listening(server) };
  // With an address of its own the port is bound, which a mere connection's is not, and which leaves it free to listen on.
  const holder = connect({ ...options, localAddress: options.host });
  const [end] = await accepted;
  server.close();
  onTestFinished(() => {
    holder.destroy();
    end.destroy();
  });
  return end.remotePort as number;
}

async function start(
  protocol: string,
  create: (listener: RequestListener) => Server,
  answer: Answer,
): Promise<Endpoint> {
  const requests: SeenRequest[] = [];
  const watch = watchers();
  const server = create((request, response) => {
    response.on('error', () => {});
    void receive(request).then((seen) => {
      if (seen === null) return;
      requests.push(seen);
      answer(response, seen, requests.length);
      watch.notify();
    });
  });
  const connections = track(server, watch);
  return opened(protocol, server, { requests, connections, count: () => requests.length, watch });
}

async function receive(request: IncomingMessage): Promise<SeenRequest | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return null;
  }
  const headers = request.rawHeaders;
  return {
    path: request.url ?? '',
    headers,
    body: Buffer.concat(chunks),
    header: (name) => headerValue(headers, name),
  };
}

interface Watchers {
  notify: () => void;
  until: (holds: () => boolean) => Promise<void>;
}

function watchers(): Watchers {
  const waiting = new Set<() => void>();
  return {
    notify: () => {
      for (const check of [...waiting]) check();
    },
    until: (holds) =>
      new Promise((resolve) => {
        const check = () => {
          if (!holds()) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

interface Connections {
  count: () => number;
  open: Set<Socket>;
}

function track(server: Server, watch: Watchers): Connections {
  const open = new Set<Socket>();
  let count = 0;
  server.on('connection', (socket: Socket) => {
    count += 1;
    open.add(socket);
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    socket.once('close', () => {
      open.delete(socket);
      watch.notify();
    });
    watch.notify();
  });
  server.on('tlsClientError', () => {});
  return { count: () => count, open };
}

async function opened(
  protocol: string,
  server: Server,
  parts: { requests: SeenRequest[]; connections: Connections; count: () => number; watch: Watchers },
): Promise<Endpoint> {
  const { requests, connections, count, watch } = parts;
  const port = await listening(server);
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of connections.open) socket.destroy();
    await closed;
  });
  return {
    url: new URL(`${protocol}//127.0.0.1:${port}/notify`),
    port,
    requests,
    connections: connections.count,
    arrived: (wanted) => watch.until(() => count() >= wanted),
    idle: () => watch.until(() => connections.open.size === 0),
  };
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
