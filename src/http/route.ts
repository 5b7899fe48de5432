import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { RawHeaders } from '../core/headers.ts';
import { hostOf, isSecure, type OpenSocket, openSocket } from './connect.ts';
import { refusal } from './guard.ts';
import { plainHttpBehindProxy, plainHttpRefusal } from './plain-http.ts';
import { openThrough, proxyHeaders } from './proxy.ts';

export interface RouteOptions {
  /** Accept any TLS certificate. */
  insecure?: boolean;
  /** False where the address did not come from the user: then private addresses are refused too. */
  allowPrivate?: boolean;
  /** Plain http to a public address too. */
  allowHttp?: boolean;
  /** Goes through this proxy, which then resolves the name. */
  proxy?: URL | null;
  /** Replaces the system's resolver in tests. */
  lookup?: LookupFunction;
}

/** A connection that was not made, because of where it would have led. */
export class BlockedError extends Error {
  readonly code = 'BLOCKED';
}

/** The way to an endpoint. */
export interface Route {
  open: OpenSocket;
  /** What stands before a request's path. */
  prefix: string;
  /** What the way itself asks for in each request; names and values in turn. */
  headers: RawHeaders;
}

/**
 * The way to one endpoint, but to no forbidden address: what a name resolves to is judged in the very look-up that the
 * connection uses, so that neither a name nor a rebinding resolver gets round it (fault D11). Before a proxy, which
 * resolves names itself, only what the URL says can be judged.
 */
export function routeTo(url: URL, options: RouteOptions): Route {
  const { insecure = false, allowPrivate = true, allowHttp = false, proxy = null } = options;
  const host = hostOf(url);
  const named = isIP(host) === 0;
  const reason =
    refusal(host, named ? '127.0.0.1' : host, named || allowPrivate) ??
    (proxy === null || allowPrivate ? null : unknownBehind(proxy, host)) ??
    (named ? proxy && plainHttpBehindProxy(url, proxy, allowHttp) : plainHttpRefusal(url, host, allowHttp));
  const open: OpenSocket = (done) => {
    if (reason === null) return connect(done);
    process.nextTick(done, new BlockedError(reason));
    return () => {};
  };
  const lookup = guardedLookup(
    options.lookup ?? (dnsLookup as LookupFunction),
    (address) => refusal(host, address, allowPrivate) ?? plainHttpRefusal(url, address, allowHttp),
  );
  const connect: OpenSocket =
    proxy === null
      ? (done) => openSocket(url, { insecure, lookup }, done)
      : openThrough(proxy, url, insecure);
  // Plain http goes to a proxy with its whole URL, since many connect to port 443 alone.
  return proxy === null || isSecure(url)
    ? { open, prefix: '', headers: [] }
    : { open, prefix: url.origin, headers: proxyHeaders(proxy) };
}

function unknownBehind(proxy: URL, host: string): string {
  return `where ${host} leads is not known here, because the proxy ${proxy.host} resolves it; --allow-private permits it`;
}

/** A resolver that hands out permitted addresses alone; where none is left the connection is blocked. */
function guardedLookup(
  lookup: LookupFunction,
  refusalOf: (address: string) => string | null,
): LookupFunction {
  return (host, lookupOptions, callback) => {
    lookup(host, { ...lookupOptions, all: true }, (error, found) => {
      if (error) return callback(error, '', 0);
      const addresses = (Array.isArray(found) ? found : []) as LookupAddress[];
      const reasons = addresses.map(({ address }) => refusalOf(address));
      const allowed = addresses.filter((_, index) => reasons[index] === null);
      const first = allowed[0];
      if (first === undefined)
        return callback(new BlockedError(reasons[0] ?? `${host} has no address`), '', 0);
      if (lookupOptions.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
