import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Payload } from '../core/payload.ts';
import type { LogRecord, Receipt } from '../core/record.ts';
import type { LogEntry, Store } from '../core/store.ts';
import type { TimeSource } from '../core/time-source.ts';
import { urlHost } from '../core/url-host.ts';
import { startListening } from '../http/start-listening.ts';
import { Access, hostNames, strangeOrigin } from './access.ts';
import { readAssets } from './assets.ts';
import { Feed } from './feed.ts';
import { type Answer, type Asked, answerError, json, ROUTES, type Route, text } from './routes.ts';
import type { About, Resent } from './wire.ts';

export interface DashboardOptions extends TimeSource {
  host: string;
  port: number;
  /** The flag by which another port is chosen, for messages. */
  portFlag: string;
  store: Store;
  about: About;
  /** More names than the address itself under which the page may be asked for. */
  allowHosts: readonly string[];
  /** Instead of one that is made for this run. */
  token?: string;
  /** Sends a delivery to the app again; null where there is no app. */
  resend: ((entry: LogEntry) => Promise<Resent>) | null;
  /** Why a delivery's signature was not taken, where that can be said. */
  explain: (record: LogRecord) => string | null;
  /** Told of what should not happen. */
  onFault?: (error: unknown) => void;
}

/** A dashboard that is being served. */
export interface Dashboard {
  readonly port: number;
  /** Where it is, with the token by which it lets one in. */
  readonly link: string;
  /** The same with a token that is good once: for programs that show others what they were started with. */
  linkOnce(): string;
  /** A receiver in this process has stored a receipt; see LogFollower. */
  received(seq: number, receipt: Receipt, payload: Payload): void;
  answered(receipt: Receipt): void;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 512;
const MAX_BODY = 65_536;
/** Longer than browsers keep idle connections: no request of theirs is to meet one that is just being closed. */
const KEEP_ALIVE_MS = 600_000;

/** On every answer: scripts and styles of our own only, from here only, in no frame, kept by nobody. */
const SECURITY_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
};

/** Serves the dashboard on a port of its own. Rejects with EnvironmentError where the port cannot be had. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { host, now, elapsed, store } = options;
  const assets = readAssets();
  const feed = new Feed({ store, now, elapsed, about: options.about });
  let access: Access;
  let hosts: ReadonlySet<string>;
  const limits = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: KEEP_ALIVE_MS };
  const server = createServer(limits, (request, response) => {
    handle(request, response).catch((error) => {
      options.onFault?.(error);
      send(request, response, text(500, 'Internal error'));
    });
  });
  server.maxConnections = MAX_CONNECTIONS;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path, query] = splitTarget(request.url ?? '/');
    const asset = assets.get(path);
    const strange = strangeOrigin(request.headers, hosts, { linked: asset !== undefined });
    if (strange !== null) return send(request, response, text(403, strange));
    if (asset !== undefined) {
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return send(request, response, notAllowed('GET, HEAD'));
      return send(request, response, { status: 200, type: asset.type, body: asset.bytes });
    }
    if (path === '/session') return send(request, response, enter(request));
    if (!access.admits(request.headers.cookie))
      return send(request, response, text(401, 'Open the printed link'));
    const found = ROUTES.filter((one) => one.path.test(path));
    const route = found.find(({ method }) => method === request.method);
    if (route === undefined)
      return send(
        request,
        response,
        found.length === 0
          ? text(404, 'Not found')
          : notAllowed(found.map(({ method }) => method).join(', ')),
      );
    const body = await readBody(request);
    if (body === 'aborted') return;
    if (body === 'too large') return send(request, response, text(413, 'Body too large'));
    await answer(route, { path: route.path.exec(path) ?? [], query, body }, request, response);
  }

  async function answer(
    route: Route,
    asked: Asked,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      const made = await route.answer(asked, { ...options, feed, request });
      if (made.stream === undefined) return send(request, response, made);
      response.writeHead(200, { ...SECURITY_HEADERS, 'Content-Type': made.type, 'X-Accel-Buffering': 'no' });
      response.flushHeaders();
      made.stream(response);
    } catch (error) {
      send(request, response, answerError(error, options.onFault));
    }
  }

  /** Lets in whoever shows a token: from then on the cookie is shown. Asked without one, says who is in. */
  function enter(request: IncomingMessage): Answer {
    if (request.method === 'GET')
      return access.admits(request.headers.cookie) ? json({}) : text(401, 'Open the printed link');
    if (request.method !== 'POST') return notAllowed('GET, POST');
    const cookie = access.redeem(request.headers.authorization);
    if (cookie === null) return text(401, 'Wrong token');
    return { ...json({}), headers: { 'Set-Cookie': cookie } };
  }

  await startListening(server, options);
  const { port } = server.address() as AddressInfo;
  access = new Access({ port, elapsed, ...(options.token === undefined ? {} : { token: options.token }) });
  hosts = hostNames(['localhost', '127.0.0.1', '::1', host, ...options.allowHosts], port);
  const url = `http://${reachable(host)}:${port}/`;
  return {
    port,
    link: `${url}#token=${access.token}`,
    linkOnce: () => `${url}#token=${access.once()}`,
    received: (seq, receipt, payload) => feed.received(seq, receipt, payload),
    answered: (receipt) => feed.answered(receipt),
    close: () => close(server, feed),
  };
}

/** The path as it was sent, and the query. Not by URL, which throws at some targets and rewrites others. */
function splitTarget(target: string): [path: string, query: URLSearchParams] {
  const mark = target.indexOf('?');
  return mark < 0
    ? [target, new URLSearchParams()]
    : [target.slice(0, mark), new URLSearchParams(target.slice(mark))];
}

function notAllowed(methods: string): Answer {
  return { ...text(405, `Use ${methods}`), headers: { Allow: methods } };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, headers, body }: Answer,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What is still coming of a request that was refused is not worth reading.
  if (!request.complete && hasBody(request)) response.shouldKeepAlive = false;
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    ...headers,
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** An address that leads here from this machine, as URLs have it. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return urlHost(host);
}

/** A request without a body is complete only some time after it has been handed over. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

async function readBody(request: IncomingMessage): Promise<Buffer | 'too large' | 'aborted'> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY) return 'too large';
      chunks.push(chunk);
    }
  } catch {
    return 'aborted';
  }
  return Buffer.concat(chunks);
}

function close(server: Server, feed: Feed): Promise<void> {
  return new Promise((resolve) => {
    feed.close();
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
