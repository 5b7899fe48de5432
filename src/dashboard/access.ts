import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIPv6 } from 'node:net';
import type { TimeSource } from '../core/time-source.ts';
import { sameToken } from '../core/token.ts';

/** How long a one-time link may be used, ms. */
const ONCE_MS = 60_000;
const MOST_SESSIONS = 1000;

/** Who may see the dashboard: whoever has this run's token, or a one-time link, and then has the cookie. */
export class Access {
  /** What the printed link carries in its fragment, which no request ever does. */
  readonly token: string;
  readonly #cookie: string;
  readonly #elapsed: () => number;
  readonly #once = new Map<string, number>();
  readonly #sessions = new Set<string>();

  /** `port` goes into the cookie's name, because a browser has one set of cookies for all ports of a host. */
  constructor({ port, elapsed, token }: { port: number; token?: string } & Pick<TimeSource, 'elapsed'>) {
    this.token = token ?? randomBytes(24).toString('base64url');
    this.#cookie = `mo_notify_${port}`;
    this.#elapsed = elapsed;
  }

  /** A token that is good once, within a minute: for a link that other programs get to see. */
  once(): string {
    const token = randomBytes(24).toString('base64url');
    this.#once.set(token, this.#elapsed() + ONCE_MS);
    return token;
  }

  /** The cookie for whoever shows a token; null where it is not one. */
  redeem(authorization: string | undefined): string | null {
    const token = /^Bearer ([\w-]{1,200})$/.exec(authorization ?? '')?.[1];
    if (token === undefined || !(sameToken(token, this.token) || this.#useUp(token))) return null;
    const session = randomBytes(32).toString('base64url');
    this.#sessions.add(session);
    const [oldest] = this.#sessions;
    if (this.#sessions.size > MOST_SESSIONS) this.#sessions.delete(oldest as string);
    return `${this.#cookie}=${session}; HttpOnly; SameSite=Strict; Path=/`;
  }

  /** Whether a request carries the cookie. */
  admits(cookies: string | undefined): boolean {
    return (cookies ?? '').split(';').some((pair) => {
      const [name, value] = pair.trim().split('=', 2);
      return name === this.#cookie && value !== undefined && this.#sessions.has(value);
    });
  }

  #useUp(token: string): boolean {
    const until = this.#once.get(token);
    this.#once.delete(token);
    return until !== undefined && this.#elapsed() <= until;
  }
}

/**
 * Why a request is not from the dashboard's own page, whatever it carries: a name that leads here by DNS rebinding, a
 * page of another origin, a frame or form elsewhere (faults C4, C5, F9). Null where nothing is wrong. The page itself,
 * which holds no data, may be linked to from anywhere.
 */
export function strangeOrigin(
  headers: IncomingHttpHeaders,
  hosts: ReadonlySet<string>,
  { linked }: { linked: boolean },
): string | null {
  const { host, origin, 'sec-fetch-site': site } = headers;
  if (host === undefined || !hosts.has(host.toLowerCase())) return 'Host not allowed';
  if (origin !== undefined && origin !== `http://${host.toLowerCase()}`) return 'Origin not allowed';
  if (site === undefined || site === 'same-origin' || site === 'none' || linked) return null;
  return 'Origin not allowed';
}

/** Every name and port under which the page may be asked for, as `Host` has it; a name may bring a port of its own. */
export function hostNames(names: readonly string[], port: number): Set<string> {
  return new Set(
    names.flatMap((name) => {
      // A browser writes an IPv6 address in its shortest form, however it was given.
      const host = isIPv6(name) ? new URL(`http://[${name.split('%')[0]}]`).hostname : name.toLowerCase();
      if (/:\d+$/.test(host)) return [host];
      return port === 80 ? [host, `${host}:80`] : [`${host}:${port}`];
    }),
  );
}
