import { isAscii, isUtf8 } from 'node:buffer';
import { type CallEvent, isEventType } from './event.ts';
import { schemaProblems } from './event-schema.ts';
import { parseTimestamp } from './time.ts';

const MAX_DEPTH = 64;

/**
 * What a body turned out to be. `problem` says why it is no event at all; `flags` name what is odd about one that
 * is: none of these is a reason to drop it, because the sender cannot mend it by retrying (contract §2).
 */
export interface Payload {
  problem: PayloadProblem | null;
  event: string | null;
  callId: string | null;
  timestampMs: number | null;
  flags: string[];
  data: CallEvent | null;
}

export type PayloadProblem =
  | 'empty_body'
  | 'invalid_utf8'
  | 'byte_order_mark'
  | 'too_deep'
  | 'not_json'
  | 'not_event';

/** Reads a delivery's body. Never throws. Of a key that occurs twice the last one counts, and it is flagged. */
export function parsePayload(body: Uint8Array): Payload {
  if (body.length === 0) return broken('empty_body');
  const ascii = isAscii(body);
  if (!ascii && !isUtf8(body)) return broken('invalid_utf8');
  if (body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf) return broken('byte_order_mark');
  const shape = scan(body);
  if (shape.depth > MAX_DEPTH) return broken('too_deep');
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString(ascii ? 'latin1' : 'utf8'));
  } catch {
    return broken('not_json');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return broken('not_event');
  const data = value as Record<string, unknown>;
  if (!('event' in data) && !('call_id' in data)) return broken('not_event');
  return describe(data, shape.colons, bytes.includes('\\u'));
}

function describe(data: Record<string, unknown>, colons: number, escapes: boolean): Payload {
  const flags = schemaProblems(data).map((path) => `schema:${path}`);
  if (typeof data.event === 'string' && !isEventType(data.event)) flags.push('unknown_event');
  const timestampMs = parseTimestamp(data.timestamp);
  if (timestampMs === null && typeof data.timestamp === 'string') flags.push('bad_timestamp');
  if (countKeys(data) < colons) flags.push('duplicate_keys');
  if (escapes && hasOddText(data)) flags.push('odd_text');
  return {
    problem: null,
    event: typeof data.event === 'string' ? data.event : null,
    callId: typeof data.call_id === 'string' ? data.call_id : null,
    timestampMs,
    flags,
    data: data as CallEvent,
  };
}

function broken(problem: PayloadProblem): Payload {
  return { problem, event: null, callId: null, timestampMs: null, flags: [problem], data: null };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** One pass over the bytes outside strings: how deep they nest, and how many keys the source text writes. */
function scan(body: Uint8Array): { depth: number; colons: number } {
  let depth = 0;
  let deepest = 0;
  let colons = 0;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (byte === QUOTE) {
      for (i++; i < body.length && body[i] !== QUOTE; i++) if (body[i] === BACKSLASH) i++;
    } else if (byte === 0x3a) colons++;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return { depth: deepest, colons };
}

/** Whether a key or a text holds U+0000 or half of a surrogate pair, which not every database can keep (fault B6). */
function hasOddText(value: unknown): boolean {
  if (typeof value === 'string') return /[\0\p{Cs}]/u.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, item]) => hasOddText(key) || hasOddText(item));
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item);
    return count;
  }
  for (const key in value) count += 1 + countKeys((value as Record<string, unknown>)[key]);
  return count;
}
