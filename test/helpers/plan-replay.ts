import { onTestFinished } from 'vitest';
import type { ReplayState, Store } from '../../src/core/store.ts';
import type { EarlierRun } from '../../src/sender/earlier-run.ts';
import type { Planned } from '../../src/sender/plan.ts';
import type { Recorded } from '../../src/sender/recorded.ts';
import { planReplay, type ReplayOptions } from '../../src/sender/replay.ts';
import { openStore } from '../../src/store/open.ts';
import { START } from './fake-clock.ts';
import { AT } from './records.ts';

export const RUN = 'run_1';

/** A delivery on record, the nth. */
export function nthRecorded(n: number, about: Partial<Recorded> = {}): Recorded {
  return {
    id: `at_${n}`,
    at: AT + n * 1000,
    eventId: `ev_${n}`,
    event: 'call_connected',
    callId: `MO${n}`,
    body: Buffer.from(`{"n":${n}}`),
    signature: `sha256=${n}`,
    headers: [],
    asked: '',
    ...about,
  };
}

/** So many deliveries, one after another; `about` changes each of them. */
export async function* recordedOnes(
  count: number,
  about: (n: number) => Partial<Recorded> = () => ({}),
): AsyncIterable<Recorded> {
  for (let n = 0; n < count; n++) yield nthRecorded(n, about(n));
}

export async function memoryStore(): Promise<Store> {
  const store = await openStore('sqlite::memory:');
  onTestFinished(() => store.close());
  return store;
}

/** A store of which some methods are others. */
export function changedStore(store: Store, changes: Partial<Store>): Store {
  return { ...store, ...changes };
}

export function replayOptions(store: Store, changes: Partial<ReplayOptions> = {}): ReplayOptions {
  return {
    run: RUN,
    plan: '{"to":"3000"}',
    store,
    secret: null,
    newIds: false,
    asAsked: true,
    retime: null,
    speed: null,
    rate: null,
    earlier: null,
    endpoint: 'crm',
    url: 'http://127.0.0.1:1/notify',
    now: () => START,
    ...changes,
  };
}

/** The deliveries that are planned, all made at the same moment. */
export async function planned(recorded: AsyncIterable<Recorded>, options: ReplayOptions) {
  // What an earlier process left behind.
  if (options.earlier !== null) await options.store.saveReplay(options.earlier.state);
  const all: (Omit<Planned, 'make'> & ReturnType<Planned['make']>)[] = [];
  for await (const { afterMs, make } of planReplay(recorded, options)) all.push({ afterMs, ...make(START) });
  return all;
}

/** What an earlier process made of the run: `known` says of each delivery whether it is done, else its attempts. */
export function earlierRun(
  state: Pick<ReplayState, 'state' | 'reached'>,
  known: Record<string, 'done' | number> = {},
): EarlierRun {
  return {
    state: { run: RUN, plan: '{}', settled: state.state === 'running' ? 0 : state.reached, ...state },
    done: Object.values(known).filter((value) => value === 'done').length,
    of(id) {
      const value = known[id];
      if (value === undefined) return null;
      return value === 'done'
        ? { done: true, attempts: 0, dueAt: 0 }
        : { done: false, attempts: value, dueAt: AT };
    },
  };
}
