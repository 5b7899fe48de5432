import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Delivery } from './delivery.ts';

/** An answer as it came over the wire. Header names are in lower case. */
export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface Wire {
  socket: Socket;
  write(bytes: string | Uint8Array): void;
  /** All that has come so far, as latin1. */
  received(): string;
  /** Resolves once what came matches; rejects when the connection ends without it. */
  waitFor(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Resolves to all that came, once the other side has ended the connection or reset it. */
  ended: Promise<string>;
}

/** A connection on which a test writes what it likes. It stays half open when the other side ends it. */
export async function openWire(port: number, host = '127.0.0.1'): Promise<Wire> {
  const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
  let text = '';
  let over = false;
  const watchers = new Set<() => void>();
  const ended = new Promise<string>((resolve) => {
    const finish = () => {
      over = true;
      for (const watch of [...watchers]) watch();
      resolve(text);
    };
    socket.on('end', finish);
    socket.on('close', finish);
  });
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    for (const watch of [...watchers]) watch();
  });
  await once(socket, 'connect');
  socket.on('error', () => {});
  return {
    socket,
    ended,
    write: (bytes) => void socket.write(bytes),
    received: () => text,
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          const match = text.match(pattern);
          if (match === null && !over) return;
          watchers.delete(watch);
          if (match !== null) resolve(match);
          else
            reject(
              new Error(`The connection ended without ${pattern}: ${JSON.stringify(text.slice(0, 500))}`),
            );
        };
        watchers.add(watch);
        watch();
      }),
  };
}

/** Writes this on a connection of its own and resolves to all that came back before the other side ended it. */
export async function exchange(port: number, bytes: string | Uint8Array, host?: string): Promise<string> {
  const wire = await openWire(port, host);
  wire.write(bytes);
  const text = await wire.ended;
  wire.socket.destroy();
  return text;
}

/** Sends a delivery on a connection of its own, its headers exactly as they are given. */
export async function post(
  port: number,
  { headers, body }: Delivery,
  { path = '/', host = '127.0.0.1' } = {},
): Promise<RawAnswer> {
  return parseAnswer(
    await exchange(port, request({ headers: ['Connection', 'close', ...headers], body }, path), host),
  );
}

/** The bytes of a POST with these headers, `Host` and `Content-Length`. */
export function request({ headers, body }: Delivery, path = '/'): Buffer {
  const lines = [`POST ${path} HTTP/1.1`, 'Host: 127.0.0.1', `Content-Length: ${body.length}`];
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

/** The first answer in what came back. Throws where there is none. */
export function parseAnswer(text: string): RawAnswer {
  const match = /^HTTP\/1\.1 (\d{3})[^\r]*\r\n([\s\S]*?)\r\n\r\n([\s\S]*)$/.exec(text);
  if (match === null) throw new Error(`No answer in ${JSON.stringify(text.slice(0, 200))}`);
  const [, status, head, body] = match as unknown as [string, string, string, string];
  const headers = head.split('\r\n').map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { status: Number(status), headers: Object.fromEntries(headers), body };
}
