import { describe, expect, test } from 'vitest';
import { isCopyId } from '../../../src/core/id.ts';
import { KILLED } from '../../../src/core/record.ts';
import { signPayload } from '../../../src/core/signature.ts';
import type { ReplayState } from '../../../src/core/store.ts';
import { planReplay } from '../../../src/sender/replay.ts';
import { START } from '../../helpers/fake-clock.ts';
import {
  changedStore,
  earlierRun,
  memoryStore,
  planned,
  RUN,
  recordedOnes,
  replayOptions,
} from '../../helpers/plan-replay.ts';
import { collect } from '../../helpers/records.ts';

const ids = (all: { replayOf: string | null }[]) => all.map(({ replayOf }) => replayOf);
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a delivery as it is planned', () => {
  test('has the id, bytes and headers on record, and says what it is a replay of', async () => {
    const store = await memoryStore();
    const headers = ['Content-Encoding', 'gzip'];
    const [only] = await planned(
      recordedOnes(1, () => ({ headers })),
      replayOptions(store),
    );
    expect(only).toEqual({
      afterMs: null,
      eventId: 'ev_0',
      event: 'call_connected',
      callId: 'MO0',
      body: Buffer.from('{"n":0}'),
      signature: 'sha256=0',
      fault: null,
      replayOf: 'at_0',
      attemptsBefore: 0,
      headers,
      asked: '',
    });
  });

  test.each([
    [true, '/crm?key=1'],
    [false, ''],
  ])('asks for what its sender asked for, where the target takes that (%s)', async (asAsked, asked) => {
    const recorded = recordedOnes(1, () => ({ asked: '/crm?key=1' }));
    const [only] = await planned(recorded, replayOptions(await memoryStore(), { asAsked }));
    expect(only?.asked).toBe(asked);
  });

  test('is signed anew where there is a secret', async () => {
    const [only] = await planned(recordedOnes(1), replayOptions(await memoryStore(), { secret: 's' }));
    expect(only?.signature).toBe(signPayload(Buffer.from('{"n":0}'), 's'));
  });

  test('gets an id of its own where that is asked for, or where it has none: always the same in a run', async () => {
    const store = await memoryStore();
    const eventIds = async (newIds: boolean, run = RUN) => {
      const recorded = recordedOnes(3, (n) => (n === 1 ? { eventId: null } : {}));
      return (await planned(recorded, replayOptions(store, { newIds, run }))).map(({ eventId }) => eventId);
    };
    const copies = await eventIds(true);
    expect(new Set(copies).size).toBe(3);
    for (const id of copies) expect(isCopyId(id)).toBe(true);
    expect(await eventIds(false)).toEqual(['ev_0', copies[1], 'ev_2']);
    expect(await eventIds(true)).toEqual(copies);
    expect(await eventIds(true, 'run_2')).not.toContain(copies[0]);
  });

  test('has the time of its sending where that is asked for, and is signed for that', async () => {
    const retime = (body: Uint8Array, at: number) => Buffer.concat([body, Buffer.from(` at ${at}`)]);
    const options = replayOptions(await memoryStore(), { retime, secret: 's' });
    const [only] = await planned(recordedOnes(1), options);
    const body = Buffer.from(`{"n":0} at ${START}`);
    expect(only).toMatchObject({ body, signature: signPayload(body, 's') });
  });
});

describe('a run that goes on', () => {
  test('after a stop: what is done is left out, the rest has its attempts counted on; nothing is in the dark', async () => {
    const store = await memoryStore();
    const earlier = earlierRun({ state: 'stopped', reached: 4 }, { at_0: 'done', at_1: 2, at_3: 'done' });
    const all = await planned(recordedOnes(6), replayOptions(store, { earlier }));
    expect(all.map(({ replayOf, attemptsBefore }) => [replayOf, attemptsBefore])).toEqual([
      ['at_1', 2],
      ['at_2', 0],
      ['at_4', 0],
      ['at_5', 0],
    ]);
    expect(await collect(store.attempts({}))).toEqual([]);
  });

  test('D18 after a kill: what it may have begun and is not done is on record as unknown, once each', async () => {
    const store = await memoryStore();
    const earlier = earlierRun({ state: 'running', reached: 4 }, { at_0: 'done', at_1: 2 });
    const all = await planned(recordedOnes(6), replayOptions(store, { earlier }));
    expect(ids(all)).toEqual(['at_1', 'at_2', 'at_3', 'at_4', 'at_5']);
    const unknown = await collect(store.attempts({}));
    expect(unknown.map(({ replayOf, attempt, eventId }) => [replayOf, attempt, eventId])).toEqual([
      ['at_1', 3, 'ev_1'],
      ['at_2', 1, 'ev_2'],
      ['at_3', 1, 'ev_3'],
    ]);
    for (const one of unknown)
      expect(one).toMatchObject({
        run: RUN,
        endpoint: 'crm',
        url: 'http://127.0.0.1:1/notify',
        event: 'call_connected',
        status: null,
        outcome: 'aborted',
        fault: KILLED,
        final: false,
        sentAt: START,
        dueAt: START,
        error: expect.stringContaining('unknown outcome'),
      });
  });

  test.each(['stopped', 'running'] as const)(
    'after it was %s: a kill may leave things in the dark again',
    async (state) => {
      const store = await memoryStore();
      const earlier = earlierRun({ state, reached: 300 });
      await store.saveReplay(earlier.state);
      const plan = planReplay(recordedOnes(3), replayOptions(store, { earlier }))[Symbol.asyncIterator]();
      await plan.next();
      const saved = await store.replay(RUN);
      expect(saved).toMatchObject({ state: 'running', plan: '{"to":"3000"}' });
      expect(saved?.reached).toBeGreaterThanOrEqual(300);
      await plan.return?.();
    },
  );
});

test('a run that somebody else has gone on with meanwhile is left to them', async () => {
  const store = await memoryStore();
  const earlier = earlierRun({ state: 'stopped', reached: 3 });
  await store.saveReplay({ ...earlier.state, plan: 'theirs', state: 'running' });
  const plan = planReplay(recordedOnes(3), replayOptions(store, { earlier }))[Symbol.asyncIterator]();
  await expect(plan.next()).rejects.toThrow(`another process has gone on with the replay ${RUN}`);
  expect(await store.replay(RUN)).toMatchObject({ plan: 'theirs' });
});

describe('how far a run may have come', () => {
  /** Keeps what is saved, and lets the store's own hand do it. */
  async function watched() {
    const store = await memoryStore();
    const saves: ReplayState[] = [];
    const saveReplay = async (state: ReplayState) => {
      saves.push(state);
      return store.saveReplay(state);
    };
    return { store: changedStore(store, { saveReplay }), saves };
  }

  test('is on record before it comes there, a little ahead, without a save for each delivery', async () => {
    const { store, saves } = await watched();
    let place = 0;
    for await (const _ of planReplay(recordedOnes(3000), replayOptions(store))) {
      place += 1;
      const reached = saves.at(-1)?.reached ?? 0;
      expect(reached).toBeGreaterThanOrEqual(place);
      expect(reached).toBeLessThanOrEqual(place + 128);
      if (place % 7 === 0) await turn();
    }
    expect(place).toBe(3000);
    expect(saves.length).toBeLessThanOrEqual(50);
    expect(saves.every(({ run, state }) => run === RUN && state === 'running')).toBe(true);
  });

  test('counts what is left out because it is done', async () => {
    const { store, saves } = await watched();
    const known = Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`at_${n}`, 'done' as const]));
    const earlier = earlierRun({ state: 'stopped', reached: 900 }, known);
    const all = await planned(recordedOnes(1001), replayOptions(store, { earlier }));
    expect(ids(all)[0]).toBe('at_900');
    expect(saves.at(-1)?.reached).toBeGreaterThanOrEqual(1001);
  });

  test('a store that takes its time holds back the first, and later ones only where it falls behind', async () => {
    const memory = await memoryStore();
    const waiting: (() => void)[] = [];
    const saveReplay = () => new Promise<boolean>((resolve) => waiting.push(() => resolve(true)));
    const store = changedStore(memory, { saveReplay });
    const plan = planReplay(recordedOnes(1000), replayOptions(store))[Symbol.asyncIterator]();
    let count = 0;
    const reading = (async () => {
      while ((await plan.next()).done !== true) count += 1;
    })();
    await turn();
    expect([count, waiting.length]).toEqual([0, 1]);
    waiting.shift()?.();
    for (let i = 0; i < 50; i++) await turn();
    expect(count).toBeGreaterThan(30);
    expect(count).toBeLessThan(129);
    while (waiting.length > 0) {
      waiting.shift()?.();
      for (let i = 0; i < 50; i++) await turn();
    }
    await reading;
    expect(count).toBe(1000);
  });
});
