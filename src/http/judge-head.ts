import type { IncomingMessage } from 'node:http';
import type { RawHeaders } from '../core/headers.ts';
import { inOnePiece } from '../core/pieces.ts';
import type { Admission, Answer, IncomingRequest, RequestHead, ServeOptions } from './serve-options.ts';

const BAD_REQUEST: Answer = { status: 400, headers: [], body: '' };

/** What a head says that decides what becomes of its request. */
interface Said {
  hosts: number;
  host: string;
  length: number;
  chunked: boolean;
}

/** Says by a request's head what becomes of it: an answer refuses it, its body unread. */
export function judgeHead(request: IncomingMessage, options: ServeOptions): Answer | Admission {
  const said = read(request.rawHeaders);
  const refusal = refuse(request, said, options);
  if (refusal !== null) return refusal;
  const { handle, admit } = options;
  return admit === undefined ? inWhole(handle) : admit(toHead(request, said));
}

/** The same for one that asks for a WebSocket. */
export function judgeUpgrade(request: IncomingMessage, options: ServeOptions): Answer | RequestHead {
  const said = read(request.rawHeaders);
  return refuse(request, said, options) ?? toHead(request, said);
}

/** Another protocol is only changed to where all of RFC 9110 §7.8 and RFC 6455 §4.1 is there; else it is a request like any. */
export function asksForWebSocket({ method, httpVersion, headers }: IncomingMessage): boolean {
  return method === 'GET' && httpVersion === '1.1' && headers.upgrade?.toLowerCase() === 'websocket';
}

function refuse(
  { httpVersion }: IncomingMessage,
  { hosts, host, length }: Said,
  { allowHosts, maxBody, onFault }: ServeOptions,
): Answer | null {
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) {
    onFault?.({ kind: 'bad_request', detail: `400 it has ${hosts} Host headers` });
    return BAD_REQUEST;
  }
  if (allowHosts !== null && !allowHosts.includes(host.replace(/:\d+$/, '').toLowerCase())) {
    onFault?.({ kind: 'wrong_host', detail: hosts === 0 ? 'undefined' : host });
    return { status: 403, headers: [], body: 'Host not allowed' };
  }
  if (length > maxBody) {
    onFault?.({ kind: 'too_large', detail: `${length} bytes declared` });
    return { status: 413, headers: [], body: 'Body too large' };
  }
  return null;
}

/** One pass over the headers: to have node:http sort them all into an object costs more than the rest of a head. */
function read(headers: RawHeaders): Said {
  const said: Said = { hosts: 0, host: '', length: 0, chunked: false };
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') {
      said.hosts += 1;
      said.host = value;
    } else if (name.length === 14 && name.toLowerCase() === 'content-length') said.length = Number(value);
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') said.chunked = true;
  }
  return said;
}

/** Each part by its name: for every request of a receiver, to copy the rest of an object costs a microsecond. */
function inWhole(handle: (request: IncomingRequest) => Promise<Answer>): Admission {
  return {
    handle: ({ method, target, headers, pieces, receivedAt }) =>
      handle({ method, target, headers, body: inOnePiece(pieces), receivedAt }),
  };
}

function toHead(
  { method, url, rawHeaders, socket }: IncomingMessage,
  { length, chunked }: Said,
): RequestHead {
  return {
    method: method as string,
    target: url as string,
    headers: rawHeaders,
    length: chunked ? null : length,
    peer: socket.remoteAddress ?? '',
  };
}
