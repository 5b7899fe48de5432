import { AttemptTally, type GroupTally } from '../core/attempt-tally.ts';
import { type ByteHash, hashBytes, hashText } from '../core/byte-hash.ts';
import { Interner } from '../core/interner.ts';
import { ReceiptCounter } from '../core/receipt-tally.ts';
import { type Attempt, isAccepted, type LogRecord, type Outcome, recordTime } from '../core/record.ts';
import { matchesFilter } from '../core/record-filter.ts';
import type { RecordFilter } from '../core/store.ts';
import { countedType, type Tally, TYPE_LENGTH } from '../core/tally.ts';
import { type AttemptLine, FIELD } from './attempt-line.ts';
import { readLog } from './log-file.ts';
import type { LogFormat } from './log-format.ts';
import type { ColumnMap, LogFile } from './log-item.ts';
import { scanNdjson } from './ndjson-log.ts';
import { Skips } from './skips.ts';

/** About what a line of an export takes, bytes: a guess at how many there are. */
const LINE_BYTES = 360;
const MOST_TYPES = 2 ** 16 - 1;
const MOST_PLACES = 2 ** 20;

/** What a report is made of, out of a file, and which of its lines could not be read. */
export async function tallyLog(
  file: LogFile,
  format: LogFormat,
  columns: ColumnMap,
  filter: RecordFilter,
): Promise<{ tally: Tally; skips: Skips }> {
  const counter = new LogCounter(filter, file.size / LINE_BYTES);
  const skips = new Skips();
  if (format === 'ndjson') {
    await scanNdjson(file.open(), {
      attempt: (line) => counter.addLine(line),
      item: (item) => ('record' in item ? counter.addRecord(item.record) : skips.add(item)),
    });
  } else {
    for await (const item of readLog(file, format, columns, ['event_id', 'status'])) {
      if ('record' in item) counter.addRecord(item.record);
      else skips.add(item);
    }
  }
  return { tally: counter.end(), skips };
}

/** Adds up records, and lines of which no record is made. */
class LogCounter {
  readonly #filter: RecordFilter;
  readonly #attempts: AttemptTally;
  readonly #receipts = new ReceiptCounter();
  readonly #hash: ByteHash = { low: 0, high: 0 };
  readonly #places = new Interner<number>();
  readonly #types = new Interner<number>();
  readonly #outcomes = new Interner<number>();
  /** By place, type, outcome, status and replay in one number. */
  readonly #groups = new Map<number, GroupTally>();
  readonly #groupsByText = new Map<string, GroupTally>();
  #from: number | null = null;
  #to: number | null = null;

  constructor(filter: RecordFilter, expected: number) {
    this.#filter = filter;
    this.#attempts = new AttemptTally(expected);
  }

  /** False where the line has to be read in full. */
  addLine(line: AttemptLine): boolean {
    const { bytes, start, end, sentAt, dueAt } = line;
    if (!this.#takes(line)) return true;
    const placeStart = start[FIELD.endpoint] as number;
    const placeEnd = end[FIELD.url] as number;
    // The two stand side by side in an export, and are looked up as one.
    if ((start[FIELD.url] as number) - (end[FIELD.endpoint] as number) !== BETWEEN) return false;
    if (line.has(FIELD.fault)) return true;
    const eventStart = start[FIELD.event] as number;
    const eventEnd = end[FIELD.event] as number;
    if (eventEnd - eventStart > TYPE_LENGTH) return false;
    const place = this.#places.get(bytes, placeStart, placeEnd, () => this.#counted++);
    const type = line.has(FIELD.event)
      ? this.#types.get(bytes, eventStart, eventEnd, () => this.#counted++)
      : 0;
    // Beyond these the numbers below would run into one another.
    if (type > MOST_TYPES || place > MOST_PLACES) return false;
    const outcome = this.#outcomes.get(
      bytes,
      start[FIELD.outcome] as number,
      end[FIELD.outcome] as number,
      () => this.#outcomesCounted++,
    );
    const replay = line.has(FIELD.replay_of) ? 1 : 0;
    const key = ((place * 65_536 + type) * 16 + outcome) * 2048 + (line.status ?? 0) * 2 + replay;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = this.#group({
        endpoint: line.text(FIELD.endpoint) as string,
        url: line.text(FIELD.url) as string,
        event: line.text(FIELD.event),
        status: line.status,
        outcome: line.text(FIELD.outcome) as Outcome,
        replayOf: replay === 1 ? '' : null,
      });
      this.#groups.set(key, group);
    }
    hashBytes(bytes, start[FIELD.event_id] as number, end[FIELD.event_id] as number, this.#hash);
    this.#see(sentAt);
    this.#attempts.add(group, this.#hash, tenths(sentAt, dueAt, line.durationMs));
    return true;
  }

  addRecord(record: LogRecord): void {
    if (!matchesFilter(record, this.#filter)) return;
    if (record.kind === 'attempt' && record.attempt.fault !== null) return;
    this.#see(recordTime(record));
    if (record.kind === 'attempt') {
      const { attempt } = record;
      hashText(attempt.eventId, this.#hash);
      const latency = tenths(attempt.sentAt, attempt.dueAt, attempt.durationMs);
      this.#attempts.add(this.#group(attempt), this.#hash, latency);
      return;
    }
    const { receipt } = record;
    const { event, signature, duplicate, flags, forward, latencyMs, shownAt, receivedAt } = receipt;
    const redelivery = flags.includes('redelivery');
    const facts = {
      event: countedType(event),
      signature,
      duplicate,
      accepted: isAccepted(receipt),
      redelivery,
      forwarded: forward !== null,
    };
    const widget = shownAt === null || latencyMs === null ? null : shownAt - receivedAt + latencyMs;
    this.#receipts.add(facts, latencyMs, widget);
  }

  end(): Tally {
    return {
      endpoints: this.#attempts.endpoints(),
      received: this.#receipts.end(),
      from: this.#from,
      to: this.#to,
    };
  }

  /** Numbers for places, types and outcomes; 0 stands for none. */
  #counted = 1;
  #outcomesCounted = 0;

  #group(about: Pick<Attempt, 'endpoint' | 'url' | 'event' | 'status' | 'outcome' | 'replayOf'>): GroupTally {
    const { endpoint, url, status, outcome } = about;
    const event = countedType(about.event);
    const replay = about.replayOf !== null;
    const key = JSON.stringify([endpoint, url, event, status, outcome, replay]);
    let group = this.#groupsByText.get(key);
    if (group === undefined) {
      group = this.#attempts.group({ endpoint, url, event, status, outcome, replay });
      this.#groupsByText.set(key, group);
    }
    return group;
  }

  #see(at: number): void {
    if (this.#from === null || at < this.#from) this.#from = at;
    if (this.#to === null || at > this.#to) this.#to = at;
  }

  #takes(line: AttemptLine): boolean {
    return lineMatches(line, this.#filter);
  }
}

/** What stands between the endpoint's last byte and the URL's first: `","url":"`. */
const BETWEEN = 9;

/** The same as `matchesFilter` of the line's record. */
export function lineMatches(line: AttemptLine, filter: RecordFilter): boolean {
  const { since, until, event, eventId, callId, status, endpoint, run } = filter;
  if ((since !== undefined && line.sentAt < since) || (until !== undefined && line.sentAt >= until))
    return false;
  if (event !== undefined && line.text(FIELD.event) !== event) return false;
  if (eventId !== undefined && line.text(FIELD.event_id) !== eventId) return false;
  if (callId !== undefined && line.text(FIELD.call_id) !== callId) return false;
  if (run !== undefined && (line.text(FIELD.run) ?? '') !== run) return false;
  if (endpoint !== undefined && line.text(FIELD.endpoint) !== endpoint && line.text(FIELD.url) !== endpoint)
    return false;
  if (status === undefined) return true;
  if (status === 'failed') return line.text(FIELD.outcome) !== 'delivered';
  return line.status !== null && line.status >= status.least && line.status <= status.most;
}

/** From due to answered in tenths of ms, rounded as the store's tally rounds it. */
function tenths(sentAt: number, dueAt: number, durationMs: number): number {
  return Math.trunc(10 * (sentAt - dueAt + durationMs) + 0.5);
}
