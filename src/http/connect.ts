import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import net, { isIP, type LookupFunction, type Socket } from 'node:net';
import tls from 'node:tls';
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

/** Where a connection's bytes go, and who is told that it stands. */
export interface SocketUser {
  buffer: Buffer;
  callback: (bytes: number, buffer: Uint8Array) => boolean;
  onConnected: () => void;
}

/** Begins a connection. Throws BlockedError where the address alone forbids it. */
export type OpenSocket = (user: SocketUser) => Socket;

/**
 * Makes connections to one endpoint, but none to a forbidden address: what a name resolves to is judged in the very
 * look-up that the connection uses, so that neither a name nor a rebinding resolver gets round it (fault D11).
 */
export function guardedConnector(url: URL, options: ConnectOptions): OpenSocket {
  const allowPrivate = options.allowPrivate ?? true;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'https:';
  const named = isIP(host) === 0;
  const reason = refusal(host, named ? '127.0.0.1' : host, named || allowPrivate);
  const lookup = guardedLookup(options.lookup ?? (dnsLookup as LookupFunction), allowPrivate);
  return ({ buffer, callback, onConnected }) => {
    if (reason !== null) throw new BlockedError(reason);
    const common = {
      host,
      port: Number(url.port) || (secure ? 443 : 80),
      autoSelectFamily: true,
      noDelay: true,
      lookup,
      onread: { buffer, callback },
    };
    if (!secure) return net.connect(common).once('connect', onConnected);
    const socket = tls.connect({
      ...common,
      ...(named ? { servername: host } : {}),
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: options.insecure !== true,
    });
    return socket.once('secureConnect', onConnected);
  };
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
