import { headerPairs } from '../core/headers.ts';
import { parsePayload } from '../core/payload.ts';
import { type LogRecord, type RecordKind, recordTime } from '../core/record.ts';
import type { LogEntry, RecordFilter, Store } from '../core/store.ts';
import { mergeByTime } from '../logs/merge-log.ts';
import { type DeliveryFilter, matchesDelivery } from './delivery-filter.ts';
import { deliveryRow } from './rows.ts';
import type { DeliveryPage, DeliveryRow, Inspection } from './wire.ts';

// Answers to what a page asks about the log. A receiver may be at work in the same process, so what takes long is done
// in pieces, and looks at so much of a long log and no more.

const MOST_SCANNED = 20_000;
/** Records of one event lie close together, but no index leads to them. */
const SLICE = 10_000;
const MOST_SLICES = 30;
const MOST_RELATED = 200;

/** A page of the log, the latest first. `cursor` is where an earlier page ended: a seq of each kind, 0 for the end. */
export async function readPage(
  store: Store,
  filter: DeliveryFilter,
  cursor: Record<RecordKind, number>,
  limit: number,
): Promise<DeliveryPage> {
  const reached = { ...cursor };
  const records: DeliveryRow[] = [];
  let scanned = 0;
  const read = (kind: RecordKind) => {
    if (filter.kind !== null && filter.kind !== kind) return none();
    const after = cursor[kind] === 0 ? {} : { after: cursor[kind] };
    const event = filter.event === null ? {} : { event: filter.event };
    return store.entries(kind, event, { newestFirst: true, bodies: true, ...after });
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

/** The record at this place with its headers and body; null where there is none. */
export async function readEntry(store: Store, kind: RecordKind, seq: number): Promise<LogEntry | null> {
  for await (const entry of store.entries(kind, {}, { after: seq - 1, through: seq, bodies: true }))
    return entry;
  return null;
}

/** All that is known of a delivery. `explain` says why a signature does not match. */
export async function inspect(
  store: Store,
  entry: LogEntry,
  explain: (record: LogRecord) => string | null,
): Promise<Inspection> {
  const { record, seq } = entry;
  const { eventId } = record.kind === 'attempt' ? record.attempt : record.receipt;
  const { found, cut } =
    eventId === null ? { found: [entry], cut: false } : await findRelated(store, { eventId });
  const rows = found.map(rowOf);
  // Attempts after the first have the first one's body.
  const body =
    record.body ?? found.find((one) => one.record.kind === record.kind && one.hasBody)?.record.body;
  return {
    row: rowOf(entry),
    headers: record.headers === null ? null : headerPairs(record.headers),
    body_base64: body === null || body === undefined ? null : Buffer.from(body).toString('base64'),
    explanation: explain(record),
    answer: record.kind === 'receipt' ? (record.answer ?? null) : null,
    related: rows.some((row) => row.kind === record.kind && row.seq === seq) ? rows : [...rows, rowOf(entry)],
    related_cut: cut,
  };
}

async function findRelated(store: Store, filter: RecordFilter): Promise<{ found: LogEntry[]; cut: boolean }> {
  const found: LogEntry[] = [];
  let cut = false;
  for (const kind of ['attempt', 'receipt'] as const) {
    let through = await store.last(kind);
    for (let slice = 0; through > 0; slice++, through -= SLICE) {
      if (slice === MOST_SLICES || found.length >= MOST_RELATED) {
        cut = true;
        break;
      }
      const span = { after: Math.max(0, through - SLICE), through, bodies: true };
      for await (const entry of store.entries(kind, filter, span)) found.push(entry);
    }
  }
  found.sort((a, b) => recordTime(a.record) - recordTime(b.record));
  return { found: found.slice(0, MOST_RELATED), cut: cut || found.length > MOST_RELATED };
}

function rowOf({ seq, record }: LogEntry): DeliveryRow {
  return deliveryRow(seq, record, record.body === null ? null : parsePayload(record.body));
}

async function* none(): AsyncIterable<LogEntry> {}
