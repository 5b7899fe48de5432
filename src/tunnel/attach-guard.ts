import { timingSafeEqual } from 'node:crypto';
import type { Channel } from '../core/relay-store.ts';
import { tokenHash } from '../core/token.ts';

/** So many wrong tokens are an accident; with each further one the pause doubles. */
const FREE = 5;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 300_000;
const FORGET_MS = 600_000;
const ADDRESSES = 10_000;
const NO_HASH = Buffer.alloc(32);

/**
 * Checks tokens in a time that tells nothing, and has an address that guesses wait longer and longer (fault F12). The right
 * token never waits: others may share the address, and 256 random bits are not guessed however often somebody tries (G15).
 */
export class AttachGuard {
  /** The addresses that have shown wrong tokens, the latest last. */
  readonly #failures = new Map<string, { count: number; at: number; until: number }>();

  /**
   * True where the token is the channel's; else how long this address must not show another wrong one, ms. `now` is of a
   * clock that never goes back.
   */
  check(channel: Channel | null, token: string | null, address: string, now: number): true | number {
    const hash = tokenHash(token ?? '');
    // For a channel that is not there the same is done as for one that is.
    const right = timingSafeEqual(hash, channel?.tokenHash ?? NO_HASH);
    if (right && channel !== null && token !== null) {
      this.#failures.delete(address);
      return true;
    }
    const failed = this.#failures.get(address);
    if (failed !== undefined && now < failed.until) return failed.until - now;
    const count = failed === undefined || now - failed.at > FORGET_MS ? 1 : failed.count + 1;
    const pause = count < FREE ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (count - FREE));
    this.#failures.delete(address);
    this.#failures.set(address, { count, at: now, until: now + pause });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
    return 0;
  }
}

/** What stands in `Authorization: Bearer`; null without one. */
export function bearerToken(authorization: string | undefined): string | null {
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1] ?? null;
}
