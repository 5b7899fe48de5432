import { recordTime } from '../core/record.ts';
import type { LogEntry } from '../core/store.ts';

/** Two logs as one, in order of time; each of them is in that order itself, as nearly as its records came. */
export async function* mergeByTime(
  one: AsyncIterable<LogEntry>,
  other: AsyncIterable<LogEntry>,
  order: 'oldest first' | 'newest first',
): AsyncIterable<LogEntry> {
  const [left, right] = [one[Symbol.asyncIterator](), other[Symbol.asyncIterator]()];
  try {
    let [a, b] = await Promise.all([left.next(), right.next()]);
    while (a.done !== true || b.done !== true) {
      if (b.done === true || (a.done !== true && isFirst(a.value, b.value, order))) {
        yield a.value;
        a = await left.next();
      } else {
        yield b.value;
        b = await right.next();
      }
    }
  } finally {
    await Promise.all([left.return?.(), right.return?.()]);
  }
}

function isFirst(a: LogEntry, b: LogEntry, order: 'oldest first' | 'newest first'): boolean {
  const earlier = recordTime(a.record) - recordTime(b.record);
  return order === 'oldest first' ? earlier <= 0 : earlier >= 0;
}
