import type { CallEvent } from './event.ts';

/** What an endpoint wants to be told of; an absent list wants everything. */
export interface Subscription {
  events?: readonly string[] | undefined;
  /** Calls from or to one of these. */
  numbers?: readonly string[] | undefined;
  queues?: readonly string[] | undefined;
}

/** Why an event is not for this endpoint, in words; null where it is. */
export function unwantedBecause(event: CallEvent, { events, numbers, queues }: Subscription): string | null {
  if (events !== undefined && !events.includes(event.event)) return `it subscribes to ${events.join(', ')}`;
  const called = [event.caller_number, event.receiver_number];
  if (numbers !== undefined && !called.some((number) => number !== undefined && numbers.includes(number)))
    return 'its numbers do not match';
  const queue = event.metadata?.queue;
  if (queues !== undefined && (queue === undefined || !queues.includes(queue)))
    return `its queues are ${queues.join(', ')}`;
  return null;
}
