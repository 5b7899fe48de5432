import { timingSafeEqual } from 'node:crypto';
import { UsageError } from './errors.ts';
import { hmacSha256 } from './hmac.ts';

/** A signing secret with the name it is known by; the name may be shown, the value never. */
export interface Secret {
  name: string;
  value: string;
  /** When it ends, ms since the epoch: the old secret of a rotation does (contract §2). */
  until?: number;
}

/** The secrets that are valid at a time; the current one stays first. */
export function liveSecrets(secrets: readonly Secret[], at: number): readonly Secret[] {
  const isLive = ({ until }: Secret) => until === undefined || at < until;
  return secrets.every(isLive) ? secrets : secrets.filter(isLive);
}

/** What became of a signature (contract §2). `secret` is the name of the secret that matched. */
export type Verdict =
  | { result: 'valid'; secret: string; old: boolean }
  | { result: 'missing' }
  | { result: 'malformed'; reason: MalformedReason; digestMatches: boolean }
  | { result: 'mismatch' };

export type MalformedReason =
  | 'prefix missing'
  | 'upper-case hex'
  | 'unsupported scheme'
  | 'wrong length'
  | 'not hex'
  | 'body not bytes'
  | 'empty';

const WELL_FORMED = /^sha256=[0-9a-f]{64}$/;
const MAX_CANDIDATES = 5;

/** `sha256=` + HMAC-SHA256 of the raw body in lower-case hex: the value of `X-MO-Signature` (contract §1). */
export function signPayload(body: Uint8Array | string, secret: string): string {
  return `sha256=${hmacSha256(secret, typeof body === 'string' ? Buffer.from(body) : body)}`;
}

/**
 * Judges `X-MO-Signature` against the body's raw bytes. Never throws, whatever the header holds; compares in
 * constant time. Several secrets serve a rotation: the first is the current one. A comma-separated list of up to
 * five signatures is accepted when any of them is right (contract §2).
 */
export function verifySignature(
  body: Uint8Array,
  header: string | null | undefined,
  secrets: readonly Secret[],
): Verdict {
  if (header === undefined || header === null) return { result: 'missing' };
  // What JavaScript callers pass is not always what the types ask for: the parsed body is the classic.
  if (!(body instanceof Uint8Array))
    return { result: 'malformed', reason: 'body not bytes', digestMatches: false };
  if (typeof header !== 'string') return verifySignature(body, [header].flat().join(','), secrets);
  if (WELL_FORMED.test(header)) return compare(body, [header], secrets) ?? { result: 'mismatch' };
  const candidates = header
    .split(',', MAX_CANDIDATES)
    .map((candidate) => candidate.trim())
    .filter((candidate) => WELL_FORMED.test(candidate));
  if (candidates.length > 0) return compare(body, candidates, secrets) ?? { result: 'mismatch' };
  return malformed(body, header.trim(), secrets);
}

/** Throws UsageError for a secret that no sender can mean: empty, or with white space around it. */
export function checkSecret({ name, value }: Secret): void {
  if (value === '')
    throw new UsageError(`The secret from ${name} is empty. Set it to the endpoint's secret.`);
  if (value !== value.trim()) {
    throw new UsageError(
      `The secret from ${name} has white space around it (a trailing newline, perhaps). Remove it there.`,
    );
  }
}

function compare(body: Uint8Array, candidates: string[], secrets: readonly Secret[]): Verdict | null {
  let matched: number | null = null;
  for (const [index, secret] of secrets.entries()) {
    const expected = Buffer.from(signPayload(body, secret.value), 'latin1');
    for (const candidate of candidates) {
      if (timingSafeEqual(expected, Buffer.from(candidate, 'latin1'))) matched ??= index;
    }
  }
  const secret = matched === null ? undefined : secrets[matched];
  return secret ? { result: 'valid', secret: secret.name, old: matched !== 0 } : null;
}

function malformed(body: Uint8Array, header: string, secrets: readonly Secret[]): Verdict {
  const reason = malformedReason(header);
  const hex = /^(?:sha256=)?([0-9a-f]{64})$/i.exec(header)?.[1];
  const digestMatches = hex !== undefined && compare(body, [`sha256=${hex.toLowerCase()}`], secrets) !== null;
  return { result: 'malformed', reason, digestMatches };
}

function malformedReason(header: string): MalformedReason {
  if (header === '') return 'empty';
  const scheme = /^([A-Za-z0-9_-]{1,16})=/.exec(header)?.[1];
  if (scheme === undefined) return 'prefix missing';
  if (scheme !== 'sha256') return scheme.toLowerCase() === 'sha256' ? 'upper-case hex' : 'unsupported scheme';
  const digest = header.slice('sha256='.length);
  if (/[^0-9a-fA-F]/.test(digest)) return 'not hex';
  return digest.length === 64 ? 'upper-case hex' : 'wrong length';
}
