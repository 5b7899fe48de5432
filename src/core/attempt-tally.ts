import type { ByteHash } from './byte-hash.ts';
import { EventTable } from './event-table.ts';
import type { Attempt } from './record.ts';
import { type EndpointTally, emptyEndpointTally } from './tally.ts';

/** Attempts that differ only in their event and times. */
export interface AttemptGroup extends Pick<Attempt, 'endpoint' | 'url' | 'event' | 'status' | 'outcome'> {
  replay: boolean;
}

/** A group's place in the tally. */
export interface GroupTally {
  endpoint: OpenTally;
  event: string;
  delivered: boolean;
  status: string | null;
  outcome: string;
  replay: boolean;
  attempts: number;
}

interface OpenTally {
  index: number;
  tally: EndpointTally;
  /** How many events had each latency, in tenths of ms: the short ones by number, the others in a map. */
  short: Uint32Array;
  long: Map<number, number>;
}

const SHORT = 2 ** 16;

/** What is known of an event's latency, in its slot: else it is the latency in tenths of ms. */
const UNDELIVERED = -1;
const UNTIMED = -2;

/**
 * Adds attempts up to what reports are made of. An event counts once an endpoint, however often it was attempted; its
 * latency is that of its first 2xx, replays left out (contract §4). Negative tests are the caller's to leave out.
 */
export class AttemptTally {
  readonly #endpoints = new Map<string, OpenTally>();
  readonly #groups: GroupTally[] = [];
  readonly #events: EventTable;

  /** `expected` attempts, as far as that is known. */
  constructor(expected = 0) {
    this.#events = new EventTable(expected);
  }

  group({ endpoint, url, event, status, outcome, replay }: AttemptGroup): GroupTally {
    const name = `${endpoint}\0${url}`;
    let open = this.#endpoints.get(name);
    if (open === undefined) {
      open = {
        index: this.#endpoints.size,
        tally: emptyEndpointTally(endpoint, url),
        short: new Uint32Array(SHORT),
        long: new Map(),
      };
      this.#endpoints.set(name, open);
    }
    const group: GroupTally = {
      endpoint: open,
      event: event ?? 'unknown',
      delivered: outcome === 'delivered',
      status: status === null ? null : String(status),
      outcome,
      replay,
      attempts: 0,
    };
    this.#groups.push(group);
    return group;
  }

  /** `eventId` is the id's hash; `latencyTenths` from due to answered, in tenths of ms. */
  add(group: GroupTally, eventId: ByteHash, latencyTenths: number): void {
    group.attempts += 1;
    const { endpoint } = group;
    const { tally } = endpoint;
    const events = this.#events;
    const slot = events.find(eventId, endpoint.index, UNDELIVERED);
    if (events.added) {
      tally.events += 1;
      tally.eventsByType[group.event] = (tally.eventsByType[group.event] ?? 0) + 1;
    }
    if (!group.delivered) return;
    const known = events.valueAt(slot);
    if (known === UNDELIVERED) {
      tally.delivered += 1;
      events.setAt(slot, UNTIMED);
    }
    // No answer takes no time at all: a log that does not say how long it took has nought there.
    if (group.replay || latencyTenths === 0) return;
    if (latencyTenths < 0) {
      tally.skewed += 1;
      return;
    }
    if (known >= 0) {
      if (known <= latencyTenths) return;
      countLatency(endpoint, known, -1);
    }
    events.setAt(slot, latencyTenths);
    countLatency(endpoint, latencyTenths, 1);
  }

  /** By name, then URL. */
  endpoints(): EndpointTally[] {
    for (const group of this.#groups) {
      const { tally } = group.endpoint;
      tally.attempts += group.attempts;
      if (group.delivered) tally.successes += group.attempts;
      if (group.status !== null) count(tally.statuses, group.status, group.attempts);
      count(tally.outcomes, group.outcome, group.attempts);
      group.attempts = 0;
    }
    for (const { tally, short, long } of this.#endpoints.values()) {
      for (const [tenths, n] of short.entries()) if (n > 0) tally.latency.record(tenths / 10, n);
      for (const [tenths, n] of long) if (n > 0) tally.latency.record(tenths / 10, n);
      short.fill(0);
      long.clear();
    }
    return [...this.#endpoints.values()].map(({ tally }) => tally).sort(byName);
  }
}

function countLatency({ short, long }: OpenTally, tenths: number, n: number): void {
  if (tenths < SHORT) short[tenths] = (short[tenths] as number) + n;
  else long.set(tenths, (long.get(tenths) ?? 0) + n);
}

function count(counts: Record<string, number>, key: string, n: number): void {
  if (n > 0) counts[key] = (counts[key] ?? 0) + n;
}

function byName(a: EndpointTally, b: EndpointTally): number {
  const [one, other] = a.name === b.name ? [a.url, b.url] : [a.name, b.name];
  return one < other ? -1 : 1;
}
