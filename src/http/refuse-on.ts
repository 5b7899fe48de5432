import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Answer } from './serve-options.ts';

/** How long the other side has to read a last answer before its connection is cut, ms. */
export const LAST_WORDS_MS = 250;

/**
 * Answers on a connection that node:http has let go of, and closes it: at once on our side, a moment later on both, so
 * that the answer is read before the reset that unread bytes cause, and nobody keeps the connection (fault G3).
 */
export function refuseOn(socket: Socket, { status, headers, body }: Answer): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  head += `Date: ${new Date().toUTCString()}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  // What went wrong before has been told.
  socket.on('error', () => {});
  socket.resume();
  socket.write(head, 'latin1');
  socket.end(body);
  setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
}
