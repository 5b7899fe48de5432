import type { RecordKind } from '../core/record.ts';
import type { RateStep, RecordFilter } from '../core/store.ts';
import { inTurn } from './read-ahead.ts';
import { type Reader, seqBounds } from './sqlite-read.ts';
import { forgotten, REFUSED } from './sqlite-refused.ts';
import { matchesNone, where } from './sqlite-where.ts';

/** So many rows are counted at a time, so that others have a turn between. */
const WINDOW = 20_000;

/** What is counted of a kind, and by which of its times. */
interface Layout {
  time: 'sent_at' | 'received_at';
  conditions: readonly string[];
  counts: readonly (readonly [name: Exclude<keyof RateStep, 'at'>, sql: string])[];
}

const LAYOUTS: Record<RecordKind, Layout> = {
  receipt: {
    time: 'received_at',
    conditions: [],
    counts: [
      ['received', 'count(*)'],
      ['duplicates', "count(*) FILTER (WHERE duplicate = 'duplicate')"],
      ['refused', `count(*) FILTER (WHERE ${REFUSED})`],
    ],
  },
  attempt: {
    time: 'sent_at',
    conditions: ['fault IS NULL'],
    counts: [
      ['sent', 'count(*)'],
      ['failed', "count(*) FILTER (WHERE outcome <> 'delivered')"],
    ],
  },
};

/** See Store.rates. */
export async function countRates(read: Reader, filter: RecordFilter, stepMs: number): Promise<RateStep[]> {
  const steps = new Map<number, RateStep>();
  const size = Math.round(stepMs);
  const stepAt = (at: number) => {
    const step = steps.get(at) ?? { at, received: 0, duplicates: 0, refused: 0, sent: 0, failed: 0 };
    steps.set(at, step);
    return step;
  };
  for (const kind of ['receipt', 'attempt'] as const) {
    if (matchesNone(kind, filter)) continue;
    const { counts } = LAYOUTS[kind];
    for await (const rows of countKind(read, kind, filter, size)) {
      for (const [at, ...numbers] of rows) {
        const step = stepAt(at);
        for (const [i, [name]] of counts.entries()) step[name] += numbers[i] as number;
      }
    }
  }
  // Of those that are not on record any more the hour is known, and when the last of it came.
  for (const { lastAt, count } of await read((db) => forgotten(db, filter))) {
    const step = stepAt(Math.floor(lastAt / size) * size);
    step.received += count;
    step.refused += count;
  }
  return [...steps.values()].sort((a, b) => a.at - b.at);
}

type Row = [at: number, ...counts: number[]];

/** The counts of each window of rows, of which several may have the same step. */
async function* countKind(
  read: Reader,
  kind: RecordKind,
  filter: RecordFilter,
  step: number,
): AsyncIterable<Row[]> {
  const { time, conditions, counts } = LAYOUTS[kind];
  const { sql: condition, values } = where(kind, filter, conditions);
  // Rounded down, before 1970 too.
  const sql = `SELECT ${time} - (${time} % ${step} + ${step}) % ${step}, ${counts.map(([, count]) => count).join(', ')}
    FROM ${kind}s ${condition === '' ? 'WHERE' : `${condition} AND`} seq >= ? AND seq < ? GROUP BY 1`;
  const [first, last] = await read((db) => seqBounds(db, kind));
  const starts = Array.from({ length: Math.ceil((last - first + 1) / WINDOW) }, (_, i) => first + i * WINDOW);
  yield* inTurn(starts, (start) =>
    read(
      (db) =>
        db
          .prepare(sql)
          .raw()
          .all([...values, start, Math.min(last + 1, start + WINDOW)]) as Row[],
    ),
  );
}
