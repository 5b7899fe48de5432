import { Histogram } from './histogram.ts';

/** How much of an event's type it is counted by, in characters: one from outside may be as long as a body. */
export const TYPE_LENGTH = 256;

/** An event's type as far as it is counted by. */
export function countedType<Type extends string | null>(event: Type): Type {
  if (event === null || event.length <= TYPE_LENGTH) return event;
  return [...event.slice(0, 2 * TYPE_LENGTH)].slice(0, TYPE_LENGTH).join('') as Type;
}

/** What attempts at one endpoint add up to. Negative tests (`fault`) are left out. */
export interface EndpointTally {
  name: string;
  url: string;
  attempts: number;
  /** Attempts answered 2xx. */
  successes: number;
  events: number;
  /** Events with a 2xx in the end. */
  delivered: number;
  /** Deliveries that seem to end before they were due: clock skew in an imported log, left out of `latency`. */
  skewed: number;
  /** Per event: first 2xx − due, ms. Replays are left out. */
  latency: Histogram;
  statuses: Record<string, number>;
  outcomes: Record<string, number>;
  eventsByType: Record<string, number>;
}

/** What receipts add up to. */
export interface ReceiptTally {
  receipts: number;
  /** First receipts of an event. */
  events: number;
  duplicates: number;
  /** Duplicates that were not handed on a second time. */
  dropped: number;
  conflicts: number;
  suspectedReplays: number;
  /** Requests not answered with a 2xx for their signature's sake. */
  refused: number;
  /** First receipts that seem to come before their event: clock skew, left out of `latency`. */
  skewed: number;
  /** Per event: first valid receipt − the event's timestamp, ms. Replays are left out. */
  latency: Histogram;
  /** Of those whose latency counts: shown on the page − the event's timestamp, ms. */
  widget: Histogram;
  eventsByType: Record<string, number>;
}

/** Counts and distributions over a set of records: all that a report is made of. */
export interface Tally {
  endpoints: EndpointTally[];
  received: ReceiptTally;
  /** Time of the first and the last record, ms since the epoch; null without any. */
  from: number | null;
  to: number | null;
}

export function emptyReceiptTally(): ReceiptTally {
  return {
    receipts: 0,
    events: 0,
    duplicates: 0,
    dropped: 0,
    conflicts: 0,
    suspectedReplays: 0,
    refused: 0,
    skewed: 0,
    latency: new Histogram(),
    widget: new Histogram(),
    eventsByType: counts(),
  };
}

export function emptyEndpointTally(name: string, url: string): EndpointTally {
  return {
    name,
    url,
    attempts: 0,
    successes: 0,
    events: 0,
    delivered: 0,
    skewed: 0,
    latency: new Histogram(),
    statuses: counts(),
    outcomes: counts(),
    eventsByType: counts(),
  };
}

/** Without a prototype: an event's name comes from outside and may be `constructor` or `__proto__` (fault B5). */
function counts(): Record<string, number> {
  return Object.create(null) as Record<string, number>;
}
