import type { Payload } from '../core/payload.ts';
import { attemptToJson, type LogRecord, receiptToJson } from '../core/record.ts';
import type { DeliveryRow } from './wire.ts';

/** As much of a text from outside as a list shows: it may be as long as a body. */
const LONGEST = 200;

/** A record as the page lists it. `payload` is what its body says, where that is known. */
export function deliveryRow(seq: number, record: LogRecord, payload: Payload | null): DeliveryRow {
  const json = record.kind === 'attempt' ? attemptToJson(record.attempt) : receiptToJson(record.receipt);
  const { caller_number: caller, receiver_number: receiver } = payload?.data ?? {};
  return {
    ...(clipAll(json) as typeof json),
    seq,
    caller_number: textOf(caller),
    receiver_number: textOf(receiver),
  };
}

export function clip(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
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
