import { maskCredentials } from '../core/credentials.ts';
import type { RawHeaders } from '../core/headers.ts';
import type { Attempt, Evidence, ForwardResult } from '../core/record.ts';
import type { FirstReceipt, NewReceipt, StoredReceipt } from '../core/store.ts';
import { parseJson, toText, Unreadable } from './sqlite-text.ts';

/** What a column takes. */
export type Value = string | number | Uint8Array | null;

/**
 * Values of `owed`: the app has not answered with a 2xx; it has yet to answer, to nobody, since an earlier version. Above
 * these the app has yet to answer to the run of that number (see sqlite-lease.ts).
 */
export const OWED = { failed: 2, abandoned: 3 } as const;

/** So much of what an app said is kept, in characters: it is for people, who look for an error's first lines. */
const ANSWER_LENGTH = 2048;

/** The columns of a row, in the order that its values are pushed in. */
export const RECEIPT_COLUMNS =
  'id, event_id, event, call_id, received_at, signature, duplicate, latency_ms, status, owed, flags, detail, body_key, body';
export const ATTEMPT_COLUMNS =
  'id, event_id, event, call_id, endpoint, url, attempt, due_at, sent_at, status, outcome, duration_ms, final, run, replay_of, error, fault, body';

/**
 * Adds a receipt's values to those of its statement. `bodyKey` is what it is found by from now on, `run` who forwards it.
 * Returns the detail in full where the record has it masked and the app has yet to get it (see credentials.ts), else null.
 */
export function pushReceipt(
  values: Value[],
  receipt: Omit<NewReceipt, 'body'> & { body: Uint8Array | null },
  found: { duplicate: StoredReceipt['duplicate']; redelivery: boolean; bodyKey: Buffer | null },
  run: number,
): string | null {
  const { duplicate, redelivery, bodyKey } = found;
  const flags = redelivery ? [...receipt.flags, 'redelivery'] : receipt.flags;
  const { attempt, secret, transitMs, bodyBytes, body, evidence } = receipt;
  const detail: Detail = [attempt, secret, transitMs];
  // How long a whole body is, it says itself.
  const told = body === null || body.length < bodyBytes || evidence !== undefined;
  if (told || receipt.asked !== '') detail.push(told ? bodyBytes : null);
  if (receipt.asked !== '' || evidence !== undefined) detail.push(receipt.asked);
  if (evidence !== undefined) detail.push(evidence.sha256, evidence.cause);
  const known = JSON.stringify(detail);
  const headers = maskCredentials(receipt.headers);
  const masked = withHeaders(known, headers);
  const whole = headers === receipt.headers ? masked : withHeaders(known, receipt.headers);
  const owed = receipt.forwarding && duplicate !== 'duplicate' ? run : null;
  values.push(
    toText(receipt.id),
    toText(receipt.eventId),
    toText(receipt.event),
    toText(receipt.callId),
    receipt.receivedAt,
    receipt.signature,
    redelivery ? null : duplicate,
    duplicate === 'duplicate' ? null : receipt.latencyMs,
    receipt.status,
    owed,
    flags.length === 0 ? null : JSON.stringify(flags),
    masked,
    bodyKey,
    body,
  );
  return owed === null || whole === masked ? null : whole;
}

function withHeaders(known: string, headers: RawHeaders): string {
  return headers.length === 0 ? known : `${known}\n${headers.join('\n')}`;
}

/** The first line of a receipt's `detail`; its headers follow, a line each. */
type Detail = [
  attempt: number | null,
  secret: string | null,
  transitMs: number | null,
  bodyBytes?: number | null,
  asked?: string,
  sha256?: string,
  cause?: string | null,
];

/** What `pushReceipt` made of these; the headers only where the text is whole. Throws Unreadable. */
export function readDetail(text: string) {
  const [first, ...headers] = text.split('\n') as [string, ...string[]];
  const [attempt, secret, transitMs, bodyBytes = null, asked = '', sha256, cause = null] = listOf(
    first,
  ) as Detail;
  const numbers = [attempt, transitMs, bodyBytes].every(isNumber);
  if (!numbers || ![secret, asked, sha256 ?? null, cause].every(isText)) throw new Unreadable();
  const evidence: Evidence | undefined = sha256 === undefined ? undefined : { sha256, cause };
  return { attempt, secret, transitMs, bodyBytes, asked, evidence, headers };
}

/** Adds an attempt's values to those of its statement. */
export function pushAttempt(values: Value[], a: Attempt, body: Uint8Array | null): void {
  values.push(
    toText(a.id),
    toText(a.eventId),
    toText(a.event),
    toText(a.callId),
    toText(a.endpoint),
    toText(a.url),
    a.attempt,
    a.dueAt,
    a.sentAt,
    a.status,
    a.outcome,
    a.durationMs,
    a.final ? 1 : 0,
    toText(a.run),
    toText(a.replayOf),
    toText(a.error),
    toText(a.fault),
    body,
  );
}

/** A forward as its column has it; what the app said comes last, where there is any. */
export function forwardText({ status, durationMs, error }: ForwardResult, answer?: string): string {
  // What is cut off may be the second half of a character.
  const kept = answer?.slice(0, ANSWER_LENGTH).replace(/[\ud800-\udbff]$/, '');
  return JSON.stringify([status, durationMs, error, ...(kept ? [kept] : [])]);
}

/** What `forwardText` was given. Throws Unreadable. */
export function readForward(text: string): { forward: ForwardResult; answer: string | undefined } {
  const [status, durationMs, error, answer] = listOf(text) as ForwardRow;
  if (!isNumber(status) || typeof durationMs !== 'number' || !isText(error) || !isText(answer ?? null))
    throw new Unreadable();
  return { forward: { status, durationMs, error }, answer };
}

type ForwardRow = [status: number | null, durationMs: number, error: string | null, answer?: string];

/** What `pushReceipt` made of flags. Throws Unreadable. */
export function readFlags(text: string | null): string[] {
  const flags = text === null ? [] : listOf(text);
  if (!flags.every((flag) => typeof flag === 'string')) throw new Unreadable();
  return flags;
}

function listOf(json: string): unknown[] {
  const list = parseJson(json);
  if (!Array.isArray(list)) throw new Unreadable();
  return list;
}

function isNumber(value: unknown): value is number | null {
  return value === null || typeof value === 'number';
}

function isText(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

export function forwardState(owed: number | null): FirstReceipt['forward'] {
  if (owed === null) return 'none';
  return owed === OWED.failed ? 'failed' : 'pending';
}
