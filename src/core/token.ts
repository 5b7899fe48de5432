import { createHash, timingSafeEqual } from 'node:crypto';

/** A token's SHA-256: what is kept where the token itself must not be. */
export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Whether two tokens are the same, in a time that does not tell how much of them is. */
export function sameToken(one: string, other: string): boolean {
  return timingSafeEqual(tokenHash(one), tokenHash(other));
}
