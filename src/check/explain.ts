import { createHmac } from 'node:crypto';
import { escapeJson } from '../core/event.ts';
import { type Secret, type Verdict, verifySignature } from '../core/signature.ts';

/** Why a signature does not match, as far as trying found out. `remedy` is what to do about it. */
export interface Explanation {
  cause: string;
  remedy: string;
}

/** Over a larger body nothing is tried, bytes. */
export const MOST_SEARCHED = 256 * 1024;
const RAW_BYTES =
  'Verify over the raw body, before any JSON parser: the bytes that arrived are the bytes that were signed.';

/** Tries what commonly goes wrong, likeliest first; null where nothing matches. Bounded in tries and size. */
export function explainSignature(
  body: Uint8Array,
  header: string | null | undefined,
  secrets: readonly Secret[],
  verdict: Verdict = verifySignature(body, header, secrets),
): Explanation | null {
  if (verdict.result === 'valid') return null;
  if (verdict.result === 'missing') {
    return {
      cause: 'there is no X-MO-Signature',
      remedy: 'See that the sender signs, and that no proxy drops X-MO-* headers.',
    };
  }
  if (verdict.result === 'malformed') {
    const rest = verdict.digestMatches ? ' (the digest itself is right)' : '';
    return {
      cause: `the signature is malformed: ${verdict.reason}${rest}`,
      remedy: 'Send sha256= and 64 lower-case hex digits.',
    };
  }
  if (body.length > MOST_SEARCHED) return null;
  const given = new Set(
    (header ?? '').split(',', 5).map((candidate) => candidate.trim().replace(/^sha256=/, '')),
  );
  const matches = (bytes: Uint8Array | string, key: string | Uint8Array) =>
    given.has(createHmac('sha256', key).update(bytes).digest('hex'));
  for (const { value } of secrets) {
    for (const [what, key] of secretVariants(value)) {
      if (matches(body, key))
        return { cause: `it was made with ${what}`, remedy: 'Give both sides the very same secret.' };
    }
    for (const [what, bytes] of bodyVariants(body)) {
      if (matches(bytes, value)) return { cause: `it was made over ${what}`, remedy: RAW_BYTES };
    }
  }
  return null;
}

function* secretVariants(secret: string): Iterable<[string, string | Uint8Array]> {
  yield ['the secret and a trailing newline', `${secret}\n`];
  yield ['the secret and a trailing CRLF', `${secret}\r\n`];
  yield ['the secret and a trailing space', `${secret} `];
  yield ['the secret in double quotes', `"${secret}"`];
  yield ['the secret in single quotes', `'${secret}'`];
  if (/^(?:[0-9a-f]{2})+$/i.test(secret)) yield ['the secret decoded from hex', Buffer.from(secret, 'hex')];
  if (/^[A-Za-z0-9+/_-]{8,}={0,2}$/.test(secret))
    yield ['the secret decoded from base64', Buffer.from(secret, 'base64')];
}

function* bodyVariants(body: Uint8Array): Iterable<[string, Uint8Array | string]> {
  const text = Buffer.from(body).toString('utf8');
  yield ['the body without its trailing newline', text.replace(/\r?\n$/, '')];
  yield ['the body and a trailing newline', `${text}\n`];
  yield ['the body with CRLF line ends', text.replaceAll(/\r?\n/g, '\r\n')];
  yield ['the body with LF line ends', text.replaceAll('\r\n', '\n')];
  yield ['the body behind a byte order mark', `\ufeff${text}`];
  yield ['the body without its byte order mark', text.replace(/^\ufeff/, '')];
  yield ['an empty body', ''];
  let value: unknown;
  try {
    value = JSON.parse(text);
    const compact = JSON.stringify(value);
    yield ['the body re-serialised without spaces', compact];
    yield ['the body pretty-printed with 2 spaces', JSON.stringify(value, null, 2)];
    yield ['the body pretty-printed with 4 spaces', JSON.stringify(value, null, 4)];
    yield ['the body re-serialised with escaped slashes and \\u escapes (PHP)', escapeJson(compact)];
    yield ['the body re-serialised with escaped slashes', compact.replaceAll('/', '\\/')];
    yield ['the body re-serialised with spaces after separators (Python)', spaced(value)];
  } catch {
    // Not JSON, or nested too deep to write again: nothing was re-serialised.
  }
}

/** JSON as Python's json.dumps writes it. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return escapeUnicode(JSON.stringify(value));
  const members = Object.entries(value).map(
    ([key, item]) => `${escapeUnicode(JSON.stringify(key))}: ${spaced(item)}`,
  );
  return `{${members.join(', ')}}`;
}

function escapeUnicode(json: string): string {
  return escapeJson(json).replaceAll('\\/', '/');
}
