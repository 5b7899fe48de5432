import { hashBytes } from '../core/byte-hash.ts';
import { EventTable } from '../core/event-table.ts';
import { parsePayload } from '../core/payload.ts';
import { isSuccess, type LogRecord, type RecordKind } from '../core/record.ts';
import { hasFailed, matchesFilter } from '../core/record-filter.ts';
import type { RecordFilter, StatusFilter, Store } from '../core/store.ts';
import { type Subscription, unwantedBecause } from '../core/subscription.ts';
import { FIELD } from '../logs/attempt-line.ts';
import { readLog } from '../logs/log-file.ts';
import { scanNdjson } from '../logs/ndjson-log.ts';
import { Skips } from '../logs/skips.ts';
import { lineMatches } from '../logs/tally-log.ts';
import { type Recorded, standsForDelivery, toRecorded } from '../sender/recorded.ts';
import type { LogSource } from './log-source.ts';

/** Which deliveries are meant. */
export interface Selection {
  filter: Omit<RecordFilter, 'status'>;
  status: StatusFilter | null;
  /** Null has the receipts where there are any, else the attempts. */
  kind: RecordKind | null;
  limit: number | null;
  /** What the endpoint wants; null for everything. */
  subscription: Subscription | null;
}

/** What a log holds of what is meant. */
export interface Survey {
  kind: RecordKind;
  /** Deliveries that can be sent. */
  deliveries: number;
  /** Deliveries that are meant and cannot be sent, because their body is not on record, or masked. */
  bodiless: number;
  /** Deliveries that the endpoint does not subscribe to. */
  unwanted: number;
  /** The first of those that can be sent. */
  first: Recorded[];
  skips: Skips;
}

/** Where deliveries are taken from: looked through first, then read in the same order to be sent. */
export interface ReplaySource {
  name: string;
  survey(selection: Selection): Promise<Survey>;
  deliveries(selection: Selection, kind: RecordKind): AsyncIterable<Recorded>;
}

type Found = { record: LogRecord; hasBody: boolean };

const SHOWN = 5;

/** The store as it is now: what the replay itself puts into it is not replayed. */
export function storeSource(store: Store, through: Record<RecordKind, number>): ReplaySource {
  const read = (kind: RecordKind, filter: RecordFilter, bodies: boolean): AsyncIterable<Found> =>
    store.entries(kind, filter, { through: through[kind], bodies });
  const states = async ({ status }: Selection, kind: RecordKind) =>
    status === null || kind === 'receipt' ? null : lastAnswers(read('attempt', {}, false));
  return {
    name: store.location,
    async survey(selection) {
      const kinds: RecordKind[] = selection.kind === null ? ['receipt', 'attempt'] : [selection.kind];
      let found: Survey | null = null;
      for (const kind of kinds) {
        const bodies = selection.subscription !== null;
        const survey = new Surveyor(selection, kind, await states(selection, kind));
        for await (const { record, hasBody } of read(kind, selection.filter, bodies)) {
          survey.add(record, hasBody);
          if (survey.full) break;
        }
        found = survey.result();
        if (found.deliveries + found.bodiless + found.unwanted > 0) break;
      }
      const survey = found as Survey;
      for await (const one of this.deliveries({ ...selection, limit: SHOWN }, survey.kind))
        survey.first.push(one);
      return survey;
    },
    async *deliveries(selection, kind) {
      yield* select(read(kind, selection.filter, true), selection, kind, await states(selection, kind));
    },
  };
}

export function fileSource({ file, format, columns }: LogSource): ReplaySource {
  async function* records(): AsyncIterable<Found> {
    for await (const item of readLog(file, format, columns))
      if ('record' in item) yield { record: item.record, hasBody: item.record.body !== null };
  }
  const states = async ({ status }: Selection, kind: RecordKind) =>
    status === null || kind === 'receipt' ? null : lastAnswers(records());
  return {
    name: file.name,
    async survey(selection) {
      const kinds = ['receipt', 'attempt'] as const;
      const [receipts, attempts] = await Promise.all(
        kinds.map(async (kind) => new Surveyor(selection, kind, await states(selection, kind))),
      );
      const surveys = { receipt: receipts as Surveyor, attempt: attempts as Surveyor };
      const skips = new Skips();
      const add = (record: LogRecord) => surveys[record.kind].add(record, record.body !== null);
      if (format === 'ndjson' && selection.status === null && selection.subscription === null) {
        await scanNdjson(file.open(), {
          attempt: (line) => surveys.attempt.addLine(line),
          item: (item) => ('record' in item ? add(item.record) : skips.add(item)),
        });
      } else {
        for await (const item of readLog(file, format, columns)) {
          if ('record' in item) add(item.record);
          else skips.add(item);
        }
      }
      const kind = selection.kind ?? (surveys.receipt.seen > 0 ? 'receipt' : 'attempt');
      const survey = { ...surveys[kind].result(), skips };
      if (survey.deliveries > 0) {
        for await (const one of this.deliveries({ ...selection, limit: SHOWN }, kind)) survey.first.push(one);
      }
      return survey;
    },
    async *deliveries(selection, kind) {
      yield* select(records(), selection, kind, await states(selection, kind));
    },
  };
}

/** Counts what is meant. */
class Surveyor {
  readonly #selection: Selection;
  readonly #kind: RecordKind;
  readonly #states: Answers | null;
  readonly #counts = { deliveries: 0, bodiless: 0, unwanted: 0 };
  seen = 0;

  constructor(selection: Selection, kind: RecordKind, states: Answers | null) {
    this.#selection = selection;
    this.#kind = kind;
    this.#states = states;
  }

  /** True once the limit is reached: nothing that follows is sent. */
  get full(): boolean {
    return this.#selection.limit !== null && this.#counts.deliveries >= this.#selection.limit;
  }

  add(record: LogRecord, hasBody: boolean): void {
    if (!isMeant(record, hasBody, this.#selection, this.#states)) return;
    this.seen += 1;
    if (this.full) return;
    if (!hasBody) this.#counts.bodiless += 1;
    else if (!isWanted(record, this.#selection)) this.#counts.unwanted += 1;
    else this.#counts.deliveries += 1;
  }

  /** The same of a line that no record is made of. */
  addLine(line: Parameters<typeof lineMatches>[0]): boolean {
    if (line.has(FIELD.body_masked) || line.has(FIELD.fault) || line.has(FIELD.replay_of))
      return line.has(FIELD.fault) || line.has(FIELD.replay_of);
    const hasBody = line.has(FIELD.body_base64);
    if (!hasBody && line.attempt !== 1) return true;
    if (!lineMatches(line, this.#selection.filter)) return true;
    this.seen += 1;
    if (this.full) return true;
    if (hasBody) this.#counts.deliveries += 1;
    else this.#counts.bodiless += 1;
    return true;
  }

  result(): Survey {
    return { kind: this.#kind, ...this.#counts, first: [], skips: new Skips() };
  }
}

async function* select(
  records: AsyncIterable<Found>,
  selection: Selection,
  kind: RecordKind,
  states: Answers | null,
): AsyncIterable<Recorded> {
  let count = 0;
  for await (const { record, hasBody } of records) {
    if (selection.limit !== null && count >= selection.limit) return;
    if (record.kind !== kind || !isMeant(record, hasBody, selection, states)) continue;
    const recorded = toRecorded(record);
    if (recorded === null || !isWanted(record, selection)) continue;
    count += 1;
    yield recorded;
  }
}

function isMeant(
  record: LogRecord,
  hasBody: boolean,
  { filter, status }: Selection,
  states: Answers | null,
): boolean {
  if (!standsForDelivery(record, hasBody) || !matchesFilter(record, filter)) return false;
  if (status === null) return true;
  if (record.kind === 'receipt' || states === null) return matchesFilter(record, { status });
  const answer = states.of(record.attempt.eventId);
  if (status === 'failed') return answer === null || !isSuccess(answer);
  return answer !== null && answer >= status.least && answer <= status.most;
}

function isWanted({ body }: LogRecord, { subscription }: Selection): boolean {
  if (subscription === null) return true;
  const event = body === null ? null : parsePayload(body).data;
  return event !== null && unwantedBecause(event, subscription) === null;
}

interface Answers {
  /** The 2xx that an event got in the end, else its last status; null where there was none. */
  of(eventId: string): number | null;
}

/** How each event ended, over all its attempts; 16 bytes an event. */
async function lastAnswers(records: AsyncIterable<Found>): Promise<Answers> {
  const table = new EventTable();
  const hash = { low: 0, high: 0 };
  const look = (id: string) => {
    const bytes = Buffer.from(id);
    hashBytes(bytes, 0, bytes.length, hash);
  };
  for await (const { record } of records) {
    if (record.kind !== 'attempt' || record.attempt.fault !== null) continue;
    look(record.attempt.eventId);
    const slot = table.find(hash, 0, 0);
    if (isSuccess(table.valueAt(slot)) && hasFailed(record)) continue;
    table.setAt(slot, record.attempt.status ?? 0);
  }
  return {
    of(eventId) {
      look(eventId);
      return table.get(hash, 0) || null;
    },
  };
}
