import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import { parseRetryAfter } from '../core/schedule.ts';
import type { Done } from '../http/connect.ts';
import { nameFailure } from '../http/failure-words.ts';
import { type Route, routeTo } from '../http/route.ts';
import { ATTACH, PROTOCOL } from './control.ts';
import type { Refusal } from './refusal.ts';

const HANDSHAKE_MS = 10_000;
/** A relay's own limit for bodies is far below. */
const MAX_MESSAGE = 300 * 1024 ** 2;
const BODY_SAMPLE = 300;
const BODY_MS = 2000;

/** What a listener shows to be let in. */
export interface Credentials {
  token: string;
  session: string;
  beside: 'takeover' | 'fan-out' | null;
  ack: 'app' | 'relay' | null;
}

/** A WebSocket that stands, or why there is none. */
export type Dialled = { socket: WebSocket; transport: Socket } | Refusal;

/** Calls the relay, once, through a proxy where one is given. Never rejects. */
export function dial(
  { url, proxy }: { url: URL; proxy: URL | null },
  { token, session, beside, ack }: Credentials,
  now: number,
): Promise<Dialled> {
  const headers: Record<string, string> = { Authorization: `Bearer ${token}`, [ATTACH.session]: session };
  if (beside !== null) headers[ATTACH.beside] = beside;
  if (ack !== null) headers[ATTACH.ack] = ack;
  const socket = new WebSocket(url, PROTOCOL, {
    headers,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE,
    handshakeTimeout: HANDSHAKE_MS,
    followRedirects: false,
    createConnection: connectBy(routeTo(url, { proxy })),
  });
  return new Promise((resolve) => {
    let transport: Socket | null = null;
    socket.once('upgrade', (response: IncomingMessage) => {
      transport = response.socket;
    });
    socket.once('open', () => {
      socket.removeAllListeners();
      // Nothing may come before somebody listens; a link goes on by itself.
      socket.pause();
      resolve({ socket, transport: transport as unknown as Socket });
    });
    socket.on('error', (error) => resolve(unanswered(error, url)));
    socket.once('unexpected-response', (request: ClientRequest, response: IncomingMessage) => {
      let body = '';
      const under = response.socket;
      const done = () => {
        clearTimeout(patience);
        resolve({
          status: response.statusCode ?? null,
          reason: refusal(response, body.slice(0, BODY_SAMPLE).trim()),
          retryAfterMs: parseRetryAfter(response.headers['retry-after'] ?? null, now),
        });
        // Not the request alone: a connection that a proxy keeps alive would keep this process alive.
        request.destroy();
        under.destroy();
      };
      // What drips for ever says nothing more.
      const patience = setTimeout(done, BODY_MS);
      response.setEncoding('latin1');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length >= BODY_SAMPLE) done();
      });
      response.once('end', done);
      response.once('error', done);
    });
  });
}

/** Node takes a connection that is only made later by its callback; its types do not say so. */
function connectBy({ open }: Route) {
  return ((_options: unknown, callback: Done) =>
    void open(callback)) as unknown as ClientOptions['createConnection'];
}

function refusal({ statusCode, headers }: IncomingMessage, body: string): string {
  if (headers.location !== undefined) return `it answered ${statusCode}, a redirect to ${headers.location}`;
  const page = /^\s*</.test(body);
  return `it answered ${statusCode}${page ? ' with a web page' : body === '' ? '' : ` (${body})`}`;
}

function unanswered(error: Error, { protocol }: URL): Refusal {
  const { outcome, words } = nameFailure(error, { sent: false, protocol });
  return { status: null, reason: words, outcome, retryAfterMs: null };
}
