import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Answer } from './serve-options.ts';

/** How long a client may leave its connection idle, ms. */
export const KEEP_ALIVE_MS = 60_000;

/** Writes an answer onto a connection. */
export function writeAnswer(
  socket: Socket,
  { status, headers, body }: Answer,
  { keep, withBody }: { keep: boolean; withBody: boolean },
): void {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  head += `Date: ${httpDate()}\r\n${keep ? KEEP : CLOSE}`;
  // These two have no body, so a length would announce bytes that never come.
  const bodyless = status === 204 || status === 304;
  const length = Buffer.byteLength(body);
  if (!bodyless) head += `Content-Length: ${length}\r\n`;
  if (bodyless || !withBody || length === 0) socket.write(`${head}\r\n`, 'latin1');
  else if (typeof body !== 'string')
    socket.write(Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]));
  else socket.write(`${head}\r\n${body}`, length === body.length ? 'latin1' : 'utf8');
}

const KEEP = `Connection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_MS / 1000}\r\n`;
const CLOSE = 'Connection: close\r\n';
const date = { second: 0, text: '' };

/** Now, as a `Date` header has it; written out once a second. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== date.second) {
    date.second = second;
    date.text = new Date(second * 1000).toUTCString();
  }
  return date.text;
}
