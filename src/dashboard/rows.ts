import type { Payload } from '../core/payload.ts';
import { attemptToJson, type LogRecord, receiptToJson } from '../core/record.ts';
import type { DeliveryRow } from './wire.ts';

/** As much of a text from outside as a list shows: it may be as long as a body. */
export const LONGEST = 200;

/** Whose call it is about: what a row has of the body. */
export type Numbers = Pick<DeliveryRow, 'caller_number' | 'receiver_number'>;

/** `payload` is what the body says; null where that is not known. */
export function numbersOf(payload: Payload | null): Numbers {
  const { caller_number: caller, receiver_number: receiver } = payload?.data ?? {};
  return { caller_number: textOf(caller), receiver_number: textOf(receiver) };
}

/** A record as the page lists it. */
export function deliveryRow(seq: number, record: LogRecord, numbers: Numbers): DeliveryRow {
  const json = record.kind === 'attempt' ? attemptToJson(record.attempt) : receiptToJson(record.receipt);
  return { ...(clipAll(json) as typeof json), seq, ...numbers };
}

/** Of a long text the beginning. */
export function clip(text: string): string {
  if (text.length <= LONGEST) return text;
  // What is cut off may be the second half of a character.
  return copy(`${text.slice(0, LONGEST).replace(/[\ud800-\udbff]$/, '')}…`);
}

/** The same text in memory of its own: a slice keeps the whole that it is of, a header's its request. */
export function copy(text: string): string {
  const encoding = /^[\x20-\x7e]*$/.test(text) ? 'latin1' : 'utf16le';
  return Buffer.from(text, encoding).toString(encoding);
}

/** What should be a text, as a list shows it; null for anything else. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? clip(value) : null;
}

function clipAll(value: unknown): unknown {
  if (typeof value === 'string') return clip(value);
  if (Array.isArray(value)) return value.slice(0, 20).map(clipAll);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clipAll(inner)]));
}
