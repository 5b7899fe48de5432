import net, { isIP, type LookupFunction, type Socket } from 'node:net';
import tls from 'node:tls';

/** Begins a connection and calls back, once, with it or with why there is none. Answers with how to give it up. */
export type OpenSocket = (done: Done) => () => void;
export type Done = (error: Error | null, socket?: Socket) => void;

export interface OpenOptions {
  /** Accept any TLS certificate. */
  insecure?: boolean;
  /** Replaces the system's resolver. */
  lookup?: LookupFunction;
  /** A connection that leads there already, through a proxy. */
  through?: Socket;
}

/** Connects to where a URL leads, by TLS where it says so. */
export function openSocket(
  url: URL,
  { insecure = false, lookup, through }: OpenOptions,
  done: Done,
): () => void {
  const host = hostOf(url);
  const to = {
    host,
    port: portOf(url),
    autoSelectFamily: true,
    noDelay: true,
    ...(lookup === undefined ? {} : { lookup }),
  };
  if (!isSecure(url)) return whenOpen(net.connect(to), 'connect', done);
  const socket = tls.connect({
    ...(through === undefined ? to : { socket: through }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: !insecure,
  });
  return whenOpen(socket, 'secureConnect', done);
}

/** The name or address that a URL leads to. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

export function portOf(url: URL): number {
  return Number(url.port) || (isSecure(url) ? 443 : 80);
}

export function isSecure({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'wss:';
}

function whenOpen(socket: Socket, event: 'connect' | 'secureConnect', done: Done): () => void {
  const settle = (error: Error | null) => {
    socket.off(event, opened).off('error', settle).off('close', closed);
    if (error === null) return done(null, socket);
    // What a connection that is given up has still to say interests nobody.
    socket.on('error', () => {}).destroy();
    done(error);
  };
  const opened = () => settle(null);
  const closed = () => settle(new Error('it was closed while being made'));
  socket.on(event, opened).on('error', settle).on('close', closed);
  return () => socket.destroy();
}
