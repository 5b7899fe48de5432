import { hashText } from '../core/byte-hash.ts';
import { isSamePlace, type Place } from '../core/endpoint-identity.ts';
import { EventTable } from '../core/event-table.ts';
import { parsePayload } from '../core/payload.ts';
import { isSuccess, type LogRecord, type RecordKind } from '../core/record.ts';
import { matchesFilter } from '../core/record-filter.ts';
import type { RecordFilter, StatusFilter } from '../core/store.ts';
import { type Subscription, unwantedBecause } from '../core/subscription.ts';
import type { Skips } from '../logs/skips.ts';
import type { EarlierRun } from '../sender/earlier-run.ts';
import { type Recorded, type Refusal, refusalOf, standsForDelivery, toRecorded } from '../sender/recorded.ts';

/** Which deliveries are meant. */
export interface Selection {
  filter: Omit<RecordFilter, 'status'>;
  status: StatusFilter | null;
  /** Where they are to be sent: what an earlier replay brought there has not failed any more. */
  target: Place;
  /** Null has the receipts where there are any, else the attempts. */
  kind: RecordKind | null;
  limit: number | null;
  /** What the endpoint wants; null for everything. */
  subscription: Subscription | null;
  /** With new ids. */
  copies: boolean;
  /** With the signatures on record. */
  asSigned: boolean;
}

/** What a log holds of what is meant. */
export interface Survey {
  kind: RecordKind;
  /** Deliveries that are still to be sent. */
  deliveries: number;
  /** Deliveries that are meant and cannot be sent, by the reason. */
  refused: Record<Refusal, number>;
  /** Deliveries that the endpoint does not subscribe to. */
  unwanted: number;
  /** The first of those that can be sent. */
  first: Recorded[];
  skips: Skips;
}

export type Found = { record: LogRecord; hasBody: boolean; cut: boolean };

/** Tells the records that stand for what is to be sent. One serves for one reading of a log. */
export class Selector {
  readonly selection: Selection;
  readonly #answers: Answers | null;
  readonly #firsts: Firsts | null;

  /** `answers` are needed where a status is asked for; `foreign` logs may give each attempt a body. */
  constructor(selection: Selection, answers: Answers | null, foreign: boolean) {
    this.selection = selection;
    this.#answers = answers;
    this.#firsts = foreign ? new Firsts() : null;
  }

  isMeant({ record, hasBody }: Found): boolean {
    const { filter, status } = this.selection;
    if (this.#firsts?.isLater(record) === true) return false;
    if (!standsForDelivery(record, hasBody) || !matchesFilter(record, filter)) return false;
    if (status === null) return true;
    if (record.kind === 'receipt' || this.#answers === null) return matchesFilter(record, { status });
    const answer = this.#answers.of(record);
    if (status === 'failed') return answer === null || !isSuccess(answer);
    return answer !== null && answer >= status.least && answer <= status.most;
  }

  isWanted({ body }: LogRecord): boolean {
    const { subscription } = this.selection;
    if (subscription === null) return true;
    const event = body === null ? null : parsePayload(body).data;
    return event !== null && unwantedBecause(event, subscription) === null;
  }
}

/** Counts what is meant of one kind. */
export class Surveyor {
  readonly #selector: Selector;
  readonly #earlier: EarlierRun | null;
  readonly #counts = {
    deliveries: 0,
    unwanted: 0,
    refused: { bodiless: 0, cut: 0, bad_id: 0, unsigned: 0 } satisfies Survey['refused'],
  };
  /** How many records were meant, whatever became of them. */
  seen = 0;
  #chosen = 0;

  constructor(selector: Selector, earlier: EarlierRun | null) {
    this.#selector = selector;
    this.#earlier = earlier;
  }

  /** True once the limit is reached: nothing that follows is sent. */
  get full(): boolean {
    const { limit } = this.#selector.selection;
    return limit !== null && this.#chosen >= limit;
  }

  add(found: Found): void {
    if (!this.#selector.isMeant(found)) return;
    this.seen += 1;
    if (this.full) return;
    const refusal = refusalOf(found, this.#selector.selection);
    if (refusal !== null) this.#counts.refused[refusal] += 1;
    else if (!this.#selector.isWanted(found.record)) this.#counts.unwanted += 1;
    else this.#choose(idOf(found.record));
  }

  /** The same of a line of which no record is made: one that stands for a delivery, of the id that `id` reads. */
  addPlain(hasBody: boolean, id: () => string): void {
    this.seen += 1;
    if (this.full) return;
    if (hasBody) this.#choose(this.#earlier === null ? '' : id());
    else this.#counts.refused.bodiless += 1;
  }

  #choose(id: string): void {
    this.#chosen += 1;
    if (this.#earlier?.of(id)?.done !== true) this.#counts.deliveries += 1;
  }

  result(): Pick<Survey, 'deliveries' | 'unwanted' | 'refused'> {
    return this.#counts;
  }
}

/** What is to be sent, in the order of the log; what an earlier run has done is among it. */
export async function* choose(
  records: AsyncIterable<Found>,
  selector: Selector,
  kind: RecordKind,
): AsyncIterable<Recorded> {
  const { selection } = selector;
  let count = 0;
  for await (const found of records) {
    if (selection.limit !== null && count >= selection.limit) return;
    const { record } = found;
    if (record.kind !== kind || !selector.isMeant(found) || refusalOf(found, selection) !== null) continue;
    const recorded = toRecorded(record);
    if (recorded === null || !selector.isWanted(record)) continue;
    count += 1;
    yield recorded;
  }
}

function idOf(record: LogRecord): string {
  return record.kind === 'attempt' ? record.attempt.id : record.receipt.id;
}

/** Another tool's log may have a body with each attempt of an event: the first one seen stands for them all. */
class Firsts {
  readonly #seen = new EventTable();
  readonly #places = new Places();

  isLater(record: LogRecord): boolean {
    if (record.kind !== 'attempt' || record.body === null) return false;
    const { eventId, attempt } = record.attempt;
    this.#seen.find(hashOf(eventId), this.#places.of(record.attempt), 0);
    return !this.#seen.added && attempt > 1;
  }
}

export interface Answers {
  /** The 2xx that a delivery got in the end, else its last status; null where there was none. */
  of(record: Extract<LogRecord, { kind: 'attempt' }>): number | null;
}

/** How each delivery ended at its endpoint, over all its attempts, replays to `target` included; 16 bytes each. */
export async function lastAnswers(records: AsyncIterable<Found>, target: Place): Promise<Answers> {
  const table = new EventTable();
  const places = new Places();
  const note = (id: string, place: number, status: number | null) => {
    const slot = table.find(hashOf(id), place, 0);
    if (!isSuccess(table.valueAt(slot))) table.setAt(slot, status ?? 0);
  };
  for await (const { record } of records) {
    if (record.kind !== 'attempt' || record.attempt.fault !== null) continue;
    const { eventId, status, replayOf } = record.attempt;
    note(eventId, places.of(record.attempt), status);
    if (replayOf !== null && isSamePlace(record.attempt, target)) note(replayOf, REPLAYED, status);
  }
  return {
    of({ attempt }) {
      const { id, eventId } = attempt;
      const replayed = table.get(hashOf(id), REPLAYED) || null;
      return isSuccess(replayed) ? replayed : table.get(hashOf(eventId), places.of(attempt)) || null;
    },
  };
}

/** Where no endpoint's number is. */
const REPLAYED = 0;

/** A number for each endpoint: two of one name may be at different URLs. */
class Places {
  readonly #numbers = new Map<string, number>();

  of({ endpoint, url }: Place): number {
    const key = `${endpoint}\0${url}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#numbers.size + 1);
    return this.#numbers.size;
  }
}

const hash = { low: 0, high: 0 };

/** Good until the next call. */
function hashOf(id: string): typeof hash {
  hashText(id, hash);
  return hash;
}
