import { describe, expect, test } from 'vitest';
import { type Attempt, KILLED } from '../../../src/core/record.ts';
import type { ReplayState } from '../../../src/core/store.ts';
import { readEarlierRun } from '../../../src/sender/earlier-run.ts';
import { memoryStore, RUN } from '../../helpers/plan-replay.ts';
import { AT, newAttempt } from '../../helpers/records.ts';

describe('what an earlier process made of a run', () => {
  async function earlierOf(attempts: Partial<Attempt>[]) {
    const store = await memoryStore();
    for (const [i, about] of attempts.entries())
      await store.addAttempt(newAttempt({ id: `r_${i}`, run: RUN, replayOf: 'at_0', ...about }), null);
    const state: ReplayState = { run: RUN, plan: '{}', reached: 1, settled: 0, state: 'running' };
    return readEarlierRun(store, state);
  }
  const failed = { status: 503, outcome: 'rejected' } as const;
  const dark = { status: null, outcome: 'aborted', fault: KILLED, final: false } as const;

  test.each<[string, Partial<Attempt>[], { done: boolean; attempts: number } | null]>([
    ['nothing on record', [{ replayOf: 'at_1' }], null],
    ['delivered', [{}], { done: true, attempts: 0 }],
    ['failed in the end', [{ ...failed, attempt: 4 }], { done: true, attempts: 0 }],
    ['to be retried', [{ ...failed, final: false }], { done: false, attempts: 1 }],
    [
      'to be retried again',
      [
        { ...failed, final: false },
        { ...failed, final: false, attempt: 2 },
      ],
      { done: false, attempts: 2 },
    ],
    ['delivered after a retry', [{ ...failed, final: false }, { attempt: 2 }], { done: true, attempts: 0 }],
    [
      'cut off by the run’s end',
      [{ status: null, outcome: 'aborted', final: true }],
      { done: false, attempts: 0 },
    ],
    [
      'cut off at its second attempt',
      [
        { ...failed, final: false },
        { status: null, outcome: 'aborted', attempt: 2 },
      ],
      { done: false, attempts: 1 },
    ],
    ['in the dark', [dark], null],
    ['in the dark, then delivered', [dark, {}], { done: true, attempts: 0 }],
    [
      'in the dark after its first attempt',
      [
        { ...failed, final: false },
        { ...dark, attempt: 2 },
      ],
      { done: false, attempts: 1 },
    ],
    ['blocked', [{ status: null, outcome: 'blocked' }], { done: true, attempts: 0 }],
    ['another run’s', [{ run: 'run_2' }], null],
    ['no replay', [{ replayOf: null }], null],
  ])('%s', async (_, attempts, expected) => {
    const earlier = await earlierOf(attempts);
    const found = earlier.of('at_0');
    expect(found === null ? null : { done: found.done, attempts: found.attempts }).toEqual(expected);
    if (found !== null && found.attempts > 0) expect(found.dueAt).toBe(AT);
    const others = attempts.some(({ replayOf }) => replayOf === 'at_1') ? 1 : 0;
    expect(earlier.done).toBe(others + (expected?.done === true ? 1 : 0));
  });

  test('tells very many apart', async () => {
    const store = await memoryStore();
    const all = Array.from({ length: 3000 }, (_, n) => n);
    await Promise.all(
      all.map((n) =>
        store.addAttempt(
          newAttempt({ id: `r_${n}`, run: RUN, replayOf: `at_${n}`, final: n % 3 === 0 }),
          null,
        ),
      ),
    );
    const earlier = await readEarlierRun(store, {
      run: RUN,
      plan: '',
      reached: 0,
      settled: 0,
      state: 'stopped',
    });
    expect(earlier.done).toBe(1000);
    expect(all.filter((n) => earlier.of(`at_${n}`)?.done === true)).toEqual(all.filter((n) => n % 3 === 0));
  });
});
