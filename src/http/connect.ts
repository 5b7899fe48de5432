import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import net, { isIP, type LookupFunction, type Socket } from 'node:net';
import tls from 'node:tls';
import type { RawHeaders } from '../core/headers.ts';
import { refusal } from './guard.ts';

export interface ConnectOptions {
  /** Accept any TLS certificate. */
  insecure?: boolean;
  /** False where the address did not come from the user: then private addresses are refused too. */
  allowPrivate?: boolean;
  /** Replaces the system's resolver in tests. */
  lookup?: LookupFunction;
}

/** A connection that was not made, because of where it would have led. */
export class BlockedError extends Error {
  readonly code = 'BLOCKED';
}

/** Begins a connection and calls back, once, with it or with why there is none. Answers with how to give it up. */
export type OpenSocket = (done: (error: Error | null, socket?: Socket) => void) => () => void;

/** The way to an endpoint. */
export interface Route {
  open: OpenSocket;
  /** What stands before a request's path. */
  prefix: string;
  /** What the way itself asks for in each request. */
  headers: RawHeaders;
}

/**
 * The way to one endpoint, but to no forbidden address: what a name resolves to is judged in the very look-up that the
 * connection uses, so that neither a name nor a rebinding resolver gets round it (fault D11).
 */
export function routeTo(url: URL, options: ConnectOptions): Route {
  const { insecure = false, allowPrivate = true } = options;
  const host = hostOf(url);
  const named = isIP(host) === 0;
  const reason = refusal(host, named ? '127.0.0.1' : host, named || allowPrivate);
  const lookup = guardedLookup(options.lookup ?? (dnsLookup as LookupFunction), allowPrivate);
  const to = { host, port: portOf(url), autoSelectFamily: true, noDelay: true, lookup };
  const open: OpenSocket = (done) => {
    if (reason !== null) return later(done, new BlockedError(reason));
    return isSecure(url)
      ? whenOpen(tls.connect({ ...to, ...tlsOptions(url, insecure) }), 'secureConnect', done)
      : whenOpen(net.connect(to), 'connect', done);
  };
  return { open, prefix: '', headers: [] };
}

/** The name or address that a URL leads to. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

export function portOf(url: URL): number {
  return Number(url.port) || (isSecure(url) ? 443 : 80);
}

function isSecure({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'wss:';
}

function tlsOptions(url: URL, insecure: boolean): tls.ConnectionOptions {
  const host = hostOf(url);
  return {
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: !insecure,
  };
}

/** Calls back once a socket stands, or will not. */
function whenOpen(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  done: Parameters<OpenSocket>[0],
): () => void {
  const settle = (error: Error | null) => {
    socket.off(event, connected).off('error', settle).off('close', closed);
    if (error === null) done(null, socket);
    else {
      // What a connection that is given up has still to say interests nobody.
      socket.on('error', () => {}).destroy();
      done(error);
    }
  };
  const connected = () => settle(null);
  const closed = () => settle(new Error('it was closed while being made'));
  socket.on(event, connected).on('error', settle).on('close', closed);
  return () => socket.destroy();
}

function later(done: Parameters<OpenSocket>[0], error: Error): () => void {
  process.nextTick(done, error);
  return () => {};
}

/** A resolver that hands out permitted addresses alone; where none is left the connection is blocked. */
function guardedLookup(lookup: LookupFunction, allowPrivate: boolean): LookupFunction {
  return (host, lookupOptions, callback) => {
    lookup(host, { ...lookupOptions, all: true }, (error, found) => {
      if (error) return callback(error, '', 0);
      const addresses = (Array.isArray(found) ? found : []) as LookupAddress[];
      const reasons = addresses.map(({ address }) => refusal(host, address, allowPrivate));
      const allowed = addresses.filter((_, index) => reasons[index] === null);
      const first = allowed[0];
      if (first === undefined)
        return callback(new BlockedError(reasons[0] ?? `${host} has no address`), '', 0);
      if (lookupOptions.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
