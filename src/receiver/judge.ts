import { HEADER, headerValue, isEventId, parseAttempt, type RawHeaders } from '../core/headers.ts';
import { type Payload, parsePayload } from '../core/payload.ts';
import { liveSecrets, type Secret, type Verdict, verifySignature } from '../core/signature.ts';
import { parseTimestamp } from '../core/time.ts';
import { decodeContent } from './content.ts';

const DAY_MS = 86_400_000;

/** All that can be said of a request before the store is asked. */
export interface Judgement {
  verdict: Verdict | { result: 'unchecked' };
  /** The id as it came, where it is one; null where it is absent or unusable. */
  eventId: string | null;
  badEventId: boolean;
  unsupportedEncoding: boolean;
  attempt: number | null;
  payload: Payload;
  /** The timestamp in the bytes as they came: equal bytes have equal ones, whatever Content-Encoding claims. */
  bodyTimestampMs: number | null;
  latencyMs: number | null;
  transitMs: number | null;
  stale: boolean;
  flags: string[];
}

export interface JudgeOptions {
  /** The live secrets, the current one first; null takes anything as it is (`--no-verify`). */
  secrets: readonly Secret[] | null;
  maxAgeMs: number | null;
  /** What a compressed body may expand to, bytes. */
  maxBody: number;
}

/** Verifies and reads one delivery. Never throws. */
export function judge(
  request: { headers: RawHeaders; body: Uint8Array; receivedAt: number },
  { secrets, maxAgeMs, maxBody }: JudgeOptions,
): Judgement {
  const { headers, body, receivedAt } = request;
  const verdict =
    secrets === null
      ? ({ result: 'unchecked' } as const)
      : verifySignature(body, headerValue(headers, HEADER.signature), liveSecrets(secrets, receivedAt));
  const trusted = verdict.result === 'valid' || verdict.result === 'unchecked';
  const content = decodeContent(
    body,
    trusted ? headerValue(headers, 'Content-Encoding') : undefined,
    maxBody,
  );
  const payload = parsePayload('bytes' in content ? content.bytes : body);
  const flags = 'problem' in content ? [content.problem, ...payload.flags] : [...payload.flags];
  if (verdict.result === 'valid' && verdict.old) flags.push('old_secret');
  checkContent(headers, flags);
  const id = headerValue(headers, HEADER.eventId);
  const badEventId = id !== undefined && id !== '' && !isEventId(id);
  if (id === undefined || id === '') flags.push('no_event_id');
  if (badEventId) flags.push('bad_event_id');
  const attemptText = headerValue(headers, HEADER.attempt);
  const attempt = parseAttempt(attemptText);
  if (attempt === null && attemptText !== undefined) flags.push('bad_attempt');
  const replay = headerValue(headers, HEADER.replay) !== undefined;
  if (replay) flags.push('replay');
  const latencyMs = latency(payload.timestampMs, receivedAt, flags);
  const stale =
    maxAgeMs !== null && (payload.timestampMs === null || receivedAt - payload.timestampMs > maxAgeMs);
  if (stale) flags.push('stale');
  const sentAt = parseTimestamp(headerValue(headers, HEADER.sentAt));
  return {
    verdict,
    eventId: badEventId || id === undefined || id === '' ? null : id,
    badEventId,
    unsupportedEncoding: 'problem' in content && content.problem === 'unsupported_encoding',
    attempt,
    payload,
    bodyTimestampMs: 'bytes' in content && content.bytes !== body ? null : payload.timestampMs,
    latencyMs: replay ? null : latencyMs,
    transitMs: sentAt === null ? null : receivedAt - sentAt,
    stale,
    flags,
  };
}

/** Receipt − timestamp, ms. Beyond a day either way the timestamp is no evidence of anything (contract §4). */
function latency(timestampMs: number | null, receivedAt: number, flags: string[]): number | null {
  if (timestampMs === null) return null;
  const latencyMs = receivedAt - timestampMs;
  if (latencyMs < 0) flags.push('clock_skew');
  if (Math.abs(latencyMs) <= DAY_MS) return latencyMs;
  if (latencyMs > 0) flags.push('old_timestamp');
  return null;
}

function checkContent(headers: RawHeaders, flags: string[]): void {
  const type = headerValue(headers, HEADER.contentType);
  if (type === undefined || !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type))
    flags.push('content_type');
}
