import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import { refusal } from './guard.ts';

export interface ConnectOptions {
  timeoutMs: number;
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

/**
 * Makes connections, but none to a forbidden address: what a name resolves to is judged in the very look-up that the
 * connection uses, so that neither a name nor a rebinding resolver gets round it (fault D11).
 */
export function guardedConnector(options: ConnectOptions): buildConnector.connector {
  const allowPrivate = options.allowPrivate ?? true;
  const connect = buildConnector({
    rejectUnauthorized: options.insecure !== true,
    timeout: options.timeoutMs,
    autoSelectFamily: true,
    lookup: guardedLookup(options.lookup ?? (dnsLookup as LookupFunction), allowPrivate),
  });
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const reason = refusal(host, isIP(host) === 0 ? '127.0.0.1' : host, isIP(host) === 0 || allowPrivate);
    if (reason !== null) return callback(new BlockedError(reason), null);
    connect(target, (error: Error | null, socket: Socket | null) => {
      if (error !== null) return callback(error, null);
      socket?.setNoDelay(true);
      callback(null, socket as Socket);
    });
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
