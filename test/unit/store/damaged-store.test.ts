import { statSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/core/errors.ts';
import type { Store } from '../../../src/core/store.ts';
import { openStore } from '../../../src/store/open.ts';
import { damagedCopy, filledStore, PAGE_SIZE, spoilText } from '../../helpers/damaged-store.ts';
import { AT, collect, newAttempt, newReceipt, refusedReceipt } from '../../helpers/records.ts';

let sound: string;
beforeAll(async () => {
  sound = await filledStore();
});

const DONE = { status: 200, durationMs: 1, error: null };
const imported = () => {
  const { body, headers, timestampMs, accepted, forwarding, ...about } = newReceipt({
    id: 'rc_i',
    eventId: 'i',
  });
  const receipt = { ...about, duplicate: null, forward: null, shownAt: null };
  return { kind: 'receipt', receipt, headers, body } as const;
};

/** All that is done with a store. */
const USES: Record<string, (store: Store) => Promise<unknown>> = {
  receipts: (store) => collect(store.entries('receipt', {}, { bodies: true })),
  attempts: (store) => collect(store.entries('attempt', {}, { bodies: true })),
  'receipts without bodies': (store) => collect(store.receipts({})),
  'attempts without bodies': (store) => collect(store.attempts({})),
  'the newest that failed': (store) =>
    collect(store.entries('receipt', { status: 'failed' }, { newestFirst: true })),
  count: (store) => store.count('receipt', { event: 'call_connected' }),
  last: (store) => store.last('receipt'),
  tally: (store) => store.tally({}),
  rates: (store) => store.rates({}, 1000),
  replay: (store) => store.replay('run_1'),
  take: (store) => store.takeUnforwarded(),
  'a new receipt': (store) =>
    store.addReceipt(newReceipt({ id: 'rc_new', eventId: 'new', forwarding: true })),
  'a known receipt': (store) => store.addReceipt(newReceipt({ id: 'rc_again', eventId: 'ev-3' })),
  'a conflict': (store) => store.addReceipt(newReceipt({ id: 'rc_other', eventId: 'ev-4', body: 'other' })),
  'a refused receipt': (store) => store.addReceipt(refusedReceipt({ id: 'rc_bad' })),
  'an attempt': (store) => store.addAttempt(newAttempt(), null),
  'a record of another log': (store) => store.addRecord(imported()),
  settle: (store) => store.settleForward({ seqs: [1, 6], forward: DONE, status: 200, owed: false }),
  shown: (store) => store.noteShown([{ seq: 3, at: AT }]),
  'a replay': (store) =>
    store.saveReplay({ run: 'run_1', plan: '{}', reached: 2, settled: 0, state: 'done' }),
  'a prune that is tried': (store) => store.prune(AT + 60, AT + 30, { dryRun: true }),
  'a prune': (store) => store.prune(AT + 60, AT + 30, { dryRun: false }),
};

/** Which uses fail, each of them as it should. */
async function useAll(path: string): Promise<string[]> {
  const failing: string[] = [];
  const check = (name: string, error: unknown) => {
    // What flipped its mark or its version is said to be another's.
    expect({ name, error }).toEqual({ name, error: expect.any(StoreError) });
    expect((error as StoreError).exitCode).toBe(3);
    if (name !== 'open')
      expect([name, (error as StoreError).message]).toEqual([name, expect.stringMatching(DAMAGED)]);
    failing.push(name);
  };
  let store: Store;
  try {
    store = await openStore(path, { lease: { isAlive: () => false } });
  } catch (error) {
    check('open', error);
    return failing;
  }
  for (const [name, use] of Object.entries(USES)) await use(store).catch((error) => check(name, error));
  await store.close().catch((error) => check('close', error));
  return failing;
}

const DAMAGED = /is damaged: .*It was left as it is\. Recover what can be read with: sqlite3 .* \.recover/;

test('a sound store serves all of it', async () => {
  expect(await useAll(damagedCopy(sound, () => {}))).toEqual([]);
});

describe('G8 a text that is not UTF-8 any more is said to be damage, and ends no process', () => {
  test.each<[string, string[]]>([
    ['rc-3', ['receipts', 'receipts without bodies']],
    ['call-3', ['receipts', 'receipts without bodies']],
    ['header-3', ['receipts']],
    ['said-the-error', ['receipts', 'the newest that failed']],
    ['the-cause', ['receipts', 'receipts without bodies']],
    ['endpoint-3', ['attempts', 'attempts without bodies']],
    ['at-error', ['attempts', 'attempts without bodies']],
    ['the-plan', ['replay']],
  ])('in %s', async (text, uses) => {
    expect(await useAll(damagedCopy(sound, spoilText(text)))).toEqual(expect.arrayContaining(uses));
  });
});

test('G8 bytes that are flipped anywhere are said to be damage, where anything shows it, and end no process', async () => {
  const pages = statSync(sound).size / PAGE_SIZE;
  const random = seeded(20_260_131);
  let seen = 0;
  for (let page = 0; page < pages; page++) {
    const flips = page % 2 === 0 ? 30 : 3;
    const path = damagedCopy(sound, (bytes) => {
      for (let i = 0; i < flips; i++) bytes[page * PAGE_SIZE + random(PAGE_SIZE)] = random(256);
    });
    if ((await useAll(path)).length > 0) seen += 1;
  }
  expect(seen).toBeGreaterThan(pages / 4);
}, 60_000);

/** The same numbers below a limit in each run. */
function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
