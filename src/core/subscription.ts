import { UsageError } from './errors.ts';
import type { CallEvent } from './event.ts';

/** What an endpoint wants to be told of; an absent list wants everything. */
export interface Subscription {
  events?: readonly string[] | undefined;
  /** Calls from or to one of these. */
  numbers?: readonly string[] | undefined;
  queues?: readonly string[] | undefined;
}

/** A phone number as people write it: digits, a + in front, and spaces, hyphens, dots or brackets in between. */
export const NUMBER = /^[\s().-]*(?:\+[\s().-]*)?\d(?:[\s().-]*\d){0,14}[\s().-]*$/;
/** Fewer digits are an extension, which many longer numbers end with. */
const LEAST_DIGITS = 7;

/** `+91 98765-43210` -> `+919876543210`. Throws UsageError for what is no number. */
export function parseNumber(text: string, what: string): string {
  if (NUMBER.test(text)) return plain(text);
  throw new UsageError(
    `${what}: '${text}' is not a phone number. Write up to 15 digits, with + and the country code or without: +919876543210, 98765-43210.`,
  );
}

/** Why an event is not for this endpoint, in words; null where it is. */
export function unwantedBecause(event: CallEvent, { events, numbers, queues }: Subscription): string | null {
  if (events !== undefined && !events.includes(event.event)) return `it subscribes to ${events.join(', ')}`;
  const called = [event.caller_number, event.receiver_number].filter((number) => number !== undefined);
  if (numbers !== undefined && !called.some((number) => numbers.some((wanted) => isSame(number, wanted))))
    return 'its numbers do not match';
  const queue = event.metadata?.queue;
  if (queues !== undefined && (queue === undefined || !queues.includes(queue)))
    return `its queues are ${queues.join(', ')}`;
  return null;
}

/** With a + a number is meant to the digit; without one, any country code may stand in front of it. */
function isSame(number: string, wanted: string): boolean {
  const [has, wants] = [plain(number), plain(wanted)];
  if (has === wants) return true;
  return /^\d+$/.test(wants) && wants.length >= LEAST_DIGITS && /^\+?\d+$/.test(has) && has.endsWith(wants);
}

const plain = (number: string) => number.replaceAll(/[\s().-]/g, '');
