import type { Socket } from 'node:net';
import { headerValue } from '../core/headers.ts';
import { inOnePiece } from '../core/pieces.ts';
import type { Fields } from './message-head.ts';
import type { RequestLine } from './request-parser.ts';
import type { Admission, Answer, IncomingRequest, RequestHead, ServeOptions } from './serve-options.ts';

/** What becomes of a request: it is refused, let in, or its connection changes to another protocol. */
export type Judgement = Answer | Admission | { takeOver: RequestHead };

/** Says by a request's head what becomes of it. */
export function judgeHead(
  options: ServeOptions,
  request: RequestLine,
  fields: Fields,
  socket: Socket,
): Judgement {
  const { allowHosts, maxBody, onFault, handle, admit, upgrade } = options;
  if (allowHosts !== null) {
    const host = headerValue(fields.headers, 'Host');
    if (!hostAllowed(host, allowHosts)) {
      onFault?.({ kind: 'wrong_host', detail: String(host) });
      return { status: 403, headers: [], body: 'Host not allowed' };
    }
  }
  if ((fields.length ?? 0) > maxBody) {
    onFault?.({ kind: 'too_large', detail: `${fields.length} bytes declared` });
    return { status: 413, headers: [], body: 'Body too large' };
  }
  if (upgrade !== undefined && asksForWebSocket(request, fields))
    return { takeOver: toHead(request, fields, socket) };
  return admit === undefined ? inWhole(handle) : admit(toHead(request, fields, socket));
}

/** Each part by its name: for every request of a receiver, to copy the rest of an object costs a microsecond. */
function inWhole(handle: (request: IncomingRequest) => Promise<Answer>): Admission {
  return {
    handle: ({ method, target, headers, pieces, receivedAt }) =>
      handle({ method, target, headers, body: inOnePiece(pieces), receivedAt }),
  };
}

function toHead(
  { method, target }: RequestLine,
  { headers, length, coding }: Fields,
  socket: Socket,
): RequestHead {
  const peer = socket.remoteAddress ?? '';
  return { method, target, headers, length: coding === null ? (length ?? 0) : null, peer };
}

/** Another protocol is only changed to where all of RFC 9110 §7.8 and RFC 6455 §4.1 is there; else it is a request like any. */
function asksForWebSocket({ method, modern }: RequestLine, { asksUpgrade, upgrade }: Fields): boolean {
  return method === 'GET' && modern && asksUpgrade && upgrade?.toLowerCase() === 'websocket';
}

function hostAllowed(host: string | undefined, allowed: readonly string[]): boolean {
  if (host === undefined) return false;
  return allowed.includes(host.replace(/:\d+$/, '').toLowerCase());
}
