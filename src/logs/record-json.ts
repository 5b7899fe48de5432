import { Buffer } from 'node:buffer';
import { recordedPlace } from '../core/endpoint-identity.ts';
import { type Attempt, type LogRecord, OUTCOMES, type Receipt } from '../core/record.ts';
import { parseTimestamp } from '../core/time.ts';

/** Why a value is no record, in words that fit after `line 7: `. */
export class RecordProblem extends Error {
  override readonly name = 'RecordProblem';
}

type Json = Record<string, unknown>;

/** Beyond this, sums of durations are no longer exact, nor the same wherever they are added up. */
export const LONGEST_MS = 1e15;

/**
 * A record out of a line of NDJSON (contract §3): of an export, or of a command's `--json`. Null for the lines that
 * such streams have besides (`ready`, `summary`, …). Throws RecordProblem.
 */
export function recordFromJson(value: unknown): LogRecord | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RecordProblem('not an object');
  const json = value as Json;
  if (json.kind === 'attempt')
    return { kind: 'attempt', attempt: attempt(json), headers: null, body: body(json) };
  if (json.kind === 'receipt')
    return { kind: 'receipt', receipt: receipt(json), headers: headers(json), body: body(json) };
  if (json.kind === undefined && typeof json.type === 'string') return null;
  throw new RecordProblem(
    json.kind === undefined
      ? 'no record: it has no kind'
      : `kind: ${shown(json.kind)} is not attempt or receipt`,
  );
}

function attempt(json: Json): Attempt {
  const sentAt = moment(json, 'sent_at');
  return {
    id: text(json, 'id'),
    eventId: text(json, 'event_id'),
    event: textOrNull(json, 'event'),
    callId: textOrNull(json, 'call_id'),
    ...recordedPlace(text(json, 'endpoint'), text(json, 'url')),
    attempt: count(json, 'attempt'),
    dueAt: json.due_at === undefined ? sentAt : moment(json, 'due_at'),
    sentAt,
    status: status(json),
    outcome: oneOf(json, 'outcome', OUTCOMES),
    durationMs: duration(json, 'duration_ms'),
    final: json.final !== false,
    run: typeof json.run === 'string' ? json.run : '',
    replayOf: textOrNull(json, 'replay_of'),
    error: textOrNull(json, 'error'),
    fault: textOrNull(json, 'fault'),
  };
}

function receipt(json: Json): Receipt {
  return {
    id: text(json, 'id'),
    eventId: textOrNull(json, 'event_id'),
    event: textOrNull(json, 'event'),
    callId: textOrNull(json, 'call_id'),
    attempt: json.attempt === null || json.attempt === undefined ? null : count(json, 'attempt'),
    receivedAt: moment(json, 'received_at'),
    signature: oneOf(json, 'signature', ['valid', 'missing', 'malformed', 'mismatch', 'unchecked'] as const),
    secret: textOrNull(json, 'secret'),
    duplicate:
      json.duplicate === null || json.duplicate === undefined
        ? null
        : oneOf(json, 'duplicate', ['duplicate', 'conflict', 'suspected_replay'] as const),
    latencyMs: wholeOrNull(json, 'latency_ms'),
    transitMs: wholeOrNull(json, 'transit_ms'),
    status: status(json),
    forward: forward(json.forward),
    bodyBytes: json.body_bytes === undefined ? 0 : count(json, 'body_bytes'),
    flags: flags(json),
    shownAt: json.shown_at === undefined || json.shown_at === null ? null : moment(json, 'shown_at'),
    ...evidence(json),
  };
}

function evidence(json: Json): Pick<Receipt, 'evidence'> {
  const { body_sha256: sha256 } = json;
  if (sha256 === undefined || sha256 === null) return {};
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    throw new RecordProblem(`body_sha256: ${shown(sha256)} is not a SHA-256 in hex`);
  return { evidence: { sha256, cause: textOrNull(json, 'cause') } };
}

function flags({ flags: names }: Json): string[] {
  if (names === null || names === undefined) return [];
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw new RecordProblem('flags: not a list of texts');
}

function forward(value: unknown): Receipt['forward'] {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'object') throw new RecordProblem('forward: not an object');
  const json = value as Json;
  return {
    status: status(json),
    durationMs: duration(json, 'duration_ms'),
    error: textOrNull(json, 'error'),
  };
}

/** The delivery's exact bytes. One whose numbers were masked is not what was delivered, so it counts as none. */
function body({ body_base64: encoded, body_masked: masked }: Json): Buffer | null {
  if (encoded === undefined || encoded === null || masked === true) return null;
  if (typeof encoded !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded))
    throw new RecordProblem('body_base64: not base64');
  return Buffer.from(encoded, 'base64');
}

function headers({ headers: pairs }: Json): string[] | null {
  if (!Array.isArray(pairs)) return null;
  const flat = pairs.flat();
  return flat.length % 2 === 0 && flat.every(isHeaderText) ? flat : null;
}

/** Of one line and whole: HTTP cannot carry anything else, nor can a store keep it. */
function isHeaderText(part: unknown): part is string {
  return typeof part === 'string' && !/[\0\n\p{Cs}]/u.test(part);
}

function text(json: Json, key: string): string {
  const value = json[key];
  if (typeof value === 'string') return value;
  throw new RecordProblem(
    value === undefined ? `${key} is missing` : `${key}: ${shown(value)} is not a text`,
  );
}

function textOrNull(json: Json, key: string): string | null {
  return json[key] === null || json[key] === undefined ? null : text(json, key);
}

function moment(json: Json, key: string): number {
  const ms = parseTimestamp(json[key]);
  if (ms !== null) return ms;
  throw new RecordProblem(
    json[key] === undefined ? `${key} is missing` : `${key}: ${shown(json[key])} is not a time`,
  );
}

function count(json: Json, key: string): number {
  const value = json[key];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RecordProblem(
    value === undefined ? `${key} is missing` : `${key}: ${shown(value)} is not a count`,
  );
}

function duration(json: Json, key: string): number {
  const value = json[key];
  if (typeof value === 'number' && value >= 0 && value < LONGEST_MS) return value;
  throw new RecordProblem(
    value === undefined ? `${key} is missing` : `${key}: ${shown(value)} is not a duration in ms`,
  );
}

function wholeOrNull(json: Json, key: string): number | null {
  const value = json[key];
  if (value === null || value === undefined) return null;
  if (Number.isSafeInteger(value)) return value as number;
  throw new RecordProblem(`${key}: ${shown(value)} is not a whole number`);
}

function status({ status: value }: Json): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 100 && value <= 999) return value;
  throw new RecordProblem(`status: ${shown(value)} is not an HTTP status`);
}

function oneOf<Name extends string>(json: Json, key: string, names: readonly Name[]): Name {
  const value = json[key];
  if (names.includes(value as Name)) return value as Name;
  throw new RecordProblem(
    value === undefined ? `${key} is missing` : `${key}: ${shown(value)} is not one of ${names.join(', ')}`,
  );
}

function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '[…]' : '{…}';
  const json = JSON.stringify(value);
  return json.length > 40 ? `${json.slice(0, 40)}…` : json;
}
