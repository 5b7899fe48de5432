import { shownHeaders } from '../core/credentials.ts';
import { parsePayload } from '../core/payload.ts';
import { isCut, type LogRecord, type RecordKind, recordTime } from '../core/record.ts';
import type { LogEntry, Store } from '../core/store.ts';
import { mergeByTime } from '../logs/merge-log.ts';
import { type DeliveryFilter, matchesDelivery } from './delivery-filter.ts';
import { deliveryRow, numbersOf } from './rows.ts';
import type { DeliveryPage, DeliveryRow, Inspection } from './wire.ts';

// Answers to what a page asks about the log. A receiver may be at work in the same process, so what takes long is done
// in pieces, and looks at so much of a long log and no more.

const MOST_SCANNED = 20_000;
/** Records of one event lie close together, but no index leads to them. */
const SLICE = 10_000;
const MOST_SLICES = 30;
/** Of each kind. */
const MOST_RELATED = 100;

/** A page of the log, the latest first. `cursor` is where an earlier page ended: a seq of each kind, 0 for the end. */
export async function readPage(
  store: Store,
  filter: DeliveryFilter,
  cursor: Record<RecordKind, number>,
  limit: number,
): Promise<DeliveryPage> {
  // What comes from now on is on none of the pages that follow, be this one without a record of its kind.
  const reached = {
    attempt: cursor.attempt || (await store.last('attempt')) + 1,
    receipt: cursor.receipt || (await store.last('receipt')) + 1,
  };
  const from = { ...reached };
  const records: DeliveryRow[] = [];
  let scanned = 0;
  const read = (kind: RecordKind) => {
    if (filter.kind !== null && filter.kind !== kind) return none();
    const event = filter.event === null ? {} : { event: filter.event };
    return store.entries(kind, event, { newestFirst: true, bodies: true, after: from[kind] });
  };
  for await (const entry of mergeByTime(read('attempt'), read('receipt'), 'newest first')) {
    if (records.length === limit || scanned === MOST_SCANNED)
      return { records, cursor: `${reached.attempt}.${reached.receipt}`, scanned };
    scanned += 1;
    reached[entry.record.kind] = entry.seq;
    const row = rowOf(entry);
    if (matchesDelivery(row, filter)) records.push(row);
  }
  return { records, cursor: null, scanned };
}

/**
 * The record at this place with its headers and body; null where there is none. `credentials` are for sending it again
 * alone.
 */
export async function readEntry(
  store: Store,
  kind: RecordKind,
  seq: number,
  { credentials = false } = {},
): Promise<LogEntry | null> {
  const at = { after: seq - 1, through: seq };
  for await (const entry of store.entries(kind, {}, { ...at, bodies: true, credentials })) return entry;
  return null;
}

/** All that is known of a delivery. `explain` says why a signature does not match. */
export async function inspect(
  store: Store,
  entry: LogEntry,
  explain: (record: LogRecord) => string | null,
): Promise<Inspection> {
  const { record } = entry;
  const { eventId } = record.kind === 'attempt' ? record.attempt : record.receipt;
  const { found, cut } =
    eventId === null ? { found: [], cut: false } : await findRelated(store, entry, eventId);
  const row = rowOf(entry);
  const others = found.filter((one) => one.row.kind !== row.kind || one.row.seq !== row.seq);
  const related = [...others, { at: recordTime(record), row, body: null }].sort((a, b) => a.at - b.at);
  const body = record.body ?? found.find((one) => one.body !== null)?.body ?? null;
  return {
    row,
    headers: record.headers === null ? null : shownHeaders(record.headers),
    body_base64: body === null ? null : Buffer.from(body).toString('base64'),
    body_cut: isCut(record),
    explanation: explain(record),
    answer: record.kind === 'receipt' ? (record.answer ?? null) : null,
    related: related.map((one) => one.row),
    related_cut: cut,
  };
}

/** A record of the same event; with its body where that is the asked one's, too. */
interface Related {
  at: number;
  row: DeliveryRow;
  body: Uint8Array | null;
}

async function findRelated(
  store: Store,
  asked: LogEntry,
  eventId: string,
): Promise<{ found: Related[]; cut: boolean }> {
  const found: Related[] = [];
  let cut = false;
  for (const kind of ['attempt', 'receipt'] as const) {
    const full = found.length + MOST_RELATED;
    let through = await store.last(kind);
    for (let slice = 0; through > 0; slice++, through -= SLICE) {
      if (slice === MOST_SLICES || found.length === full) {
        cut = true;
        break;
      }
      const span = { after: Math.max(0, through - SLICE), through, bodies: true };
      for await (const entry of store.entries(kind, { eventId }, span)) {
        if (found.length === full) {
          cut = true;
          break;
        }
        const body = isRetry(asked.record, entry.record) ? entry.record.body : null;
        found.push({ at: recordTime(entry.record), row: rowOf(entry), body });
      }
    }
  }
  return { found, cut };
}

/** Whether both are attempts of one delivery, of which the first alone has the body on record. */
function isRetry(one: LogRecord, other: LogRecord): boolean {
  if (one.kind !== 'attempt' || other.kind !== 'attempt') return false;
  return one.attempt.run === other.attempt.run && one.attempt.replayOf === other.attempt.replayOf;
}

function rowOf({ seq, record }: LogEntry): DeliveryRow {
  return deliveryRow(seq, record, numbersOf(record.body === null ? null : parsePayload(record.body)));
}

async function* none(): AsyncIterable<LogEntry> {}
