import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { StoreError } from '../../../src/core/errors.ts';
import { eventBody } from '../../helpers/delivery.ts';
import { fakeResponse } from '../../helpers/fake-response.ts';
import { ABOUT, bench, GATHER_MS, HEARTBEAT_MS, stopClock } from '../../helpers/feed-bench.ts';
import { AT } from '../../helpers/records.ts';

stopClock();

describe('a page that joins', () => {
  test('G18 after the clock was set back gets a snapshot of then, not one from before', async () => {
    const { join, pass, set } = bench();
    expect((await join()).news()).toMatchObject([{ data: { now_ms: AT } }]);
    set(-86_400_000);
    await pass(1001);
    expect((await join()).news()).toMatchObject([{ data: { now_ms: AT + 1001 - 86_400_000 } }]);
  });

  test('gets all there is, then what changes', async () => {
    const { join, receive, received, pass } = bench();
    received({ callId: 'before', body: eventBody({ call_id: 'before' }) });
    const page = await join();
    const [snapshot, ...more] = page.news();
    expect(more).toEqual([]);
    expect(snapshot).toMatchObject({
      event: 'snapshot',
      data: {
        now_ms: AT,
        calls: [{ call_id: 'before' }],
        records: [{ seq: 1 }],
        trouble: null,
        about: ABOUT,
      },
    });
    expect(snapshot?.id).toMatch(/^\d+$/);
    receive('MO2');
    await pass(0);
    const [changes] = page.news();
    expect(changes).toMatchObject({
      event: 'changes',
      data: {
        calls: [{ call_id: 'MO2', status: 'Connected' }],
        gone: [],
        records: [{ seq: 2 }],
        skipped: 0,
        trouble: null,
      },
    });
    expect(Number(changes?.id)).toBeGreaterThan(Number(snapshot?.id));
    await pass(10 * GATHER_MS);
    expect(page.news()).toEqual([]);
  });

  test('to an empty log gets that', async () => {
    const page = await bench().join();
    expect(page.news()).toMatchObject([{ event: 'snapshot', data: { calls: [], records: [] } }]);
  });

  test('gets what another process stores, too', async () => {
    const { join, received, pass } = bench();
    const page = await join();
    page.news();
    received({ body: eventBody() });
    await pass(250);
    await pass(GATHER_MS);
    expect(page.news()).toMatchObject([{ data: { calls: [{ call_id: 'MO1' }], records: [{ seq: 1 }] } }]);
  });

  test('gets it at once where it asks for a look', async () => {
    const { feed, join, sent, pass } = bench();
    const page = await join();
    page.news();
    sent();
    feed.poll();
    await turn();
    await pass(0);
    expect(page.news()).toMatchObject([{ data: { records: [{ kind: 'attempt', seq: 1 }] } }]);
  });

  test('and went away meanwhile is forgotten', async () => {
    const { feed } = bench();
    const page = fakeResponse();
    await feed.open();
    expect(feed.clients).toBe(1);
    page.leave();
    feed.join(page.response, null);
    expect(feed.clients).toBe(0);
    expect(page.bytes()).toBe(0);
  });

  test('where the log cannot be read is told why, and the next one has it read', async () => {
    const { feed, fail, join } = bench();
    fail(new StoreError('The store is locked.', 'busy'));
    await expect(feed.open()).rejects.toThrow('The store is locked.');
    expect(feed.clients).toBe(0);
    fail(null);
    expect((await join()).words()).toBe('snapshot 0');
  });

  test('while the log is being read waits for all of it', async () => {
    const { feed, received, receive, hold } = bench();
    for (let i = 0; i < 5; i++) received();
    let open = () => {};
    hold(
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    const pages = Array.from({ length: 3 }, () => fakeResponse());
    const joined = pages.map(async (page) => {
      await feed.open();
      feed.join(page.response, null);
    });
    receive();
    await turn();
    expect(pages.map((page) => page.bytes())).toEqual([0, 0, 0]);
    expect(feed.clients).toBe(3);
    open();
    await Promise.all(joined);
    for (const page of pages) expect(page.words()).toMatch(/^snapshot 6/);
  });
});

describe('changes', () => {
  test('that come alone go out at once, more of them together a moment later', async () => {
    const { join, receive, pass } = bench();
    const page = await join();
    page.news();
    await pass(GATHER_MS);
    receive('A');
    await pass(0);
    expect(page.words()).toBe('changes 1');
    receive('A');
    receive('B');
    await pass(GATHER_MS - 1);
    expect(page.news()).toEqual([]);
    receive('A');
    await pass(1);
    const [changes, ...more] = page.news();
    expect(more).toEqual([]);
    expect(changes?.data.records).toHaveLength(3);
    expect(
      changes?.data.calls.map((row: { call_id: string; events: number }) => [row.call_id, row.events]),
    ).toEqual([
      ['A', 3],
      ['B', 1],
    ]);
  });

  test('go to every page, each in its own time', async () => {
    const { join, receive, pass } = bench();
    const [one, other] = [await join(), await join()];
    receive();
    await pass(GATHER_MS);
    const late = await join();
    receive();
    await pass(GATHER_MS);
    expect(one.words()).toBe('snapshot 0, changes 1, changes 1');
    expect(other.words()).toBe('snapshot 0, changes 1, changes 1');
    expect(late.words()).toMatch(/^snapshot [01], .*changes 1$/);
  });

  test('of a flood of calls come bit by bit, until all are told', async () => {
    const { join, receive, pass } = bench();
    const page = await join();
    page.news();
    for (let i = 0; i < 2000; i++) receive(`C${i}`);
    const told: string[] = [];
    const sizes: number[] = [];
    for (let i = 0; i < 40 && told.length < 2000; i++) {
      await pass(GATHER_MS);
      for (const { data } of page.news()) {
        sizes.push(data.calls.length);
        told.push(...data.calls.map((row: { call_id: string }) => row.call_id));
      }
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
    expect([...told].sort()).toEqual(Array.from({ length: 2000 }, (_, i) => `C${i}`).sort());
    await pass(10 * GATHER_MS);
    expect(page.news()).toEqual([]);
  });

  test('are an answer that becomes known, of this process and of another', async () => {
    const { feed, join, receive, received, settle, pass } = bench();
    const page = await join();
    const receipt = receive('MO1', { status: null });
    await pass(GATHER_MS);
    received({ status: null, receivedAt: AT });
    await pass(250);
    page.news();
    receipt.status = 502;
    feed.answered(receipt);
    await pass(GATHER_MS);
    expect(page.news()).toMatchObject([{ data: { records: [{ seq: 1, status: 502 }], calls: [] } }]);
    settle(2, { status: 201 });
    await pass(500);
    expect(page.news()).toMatchObject([{ data: { records: [{ seq: 2, status: 201 }] } }]);
  });

  test('that are none by the time they would go out do not', async () => {
    const { feed, join, receive, fail, pass } = bench();
    const page = await join();
    receive();
    await pass(0);
    page.news();
    for (const error of [new Error('for a moment'), null]) {
      fail(error);
      feed.poll();
      await turn();
    }
    await pass(2 * GATHER_MS);
    expect(page.news()).toEqual([]);
  });

  test('tell of a store in trouble, and of its recovery', async () => {
    const { join, fail, pass } = bench();
    const page = await join();
    page.news();
    fail(new StoreError('The disk is gone.', 'unavailable'));
    await pass(2000);
    expect(page.news()).toMatchObject([{ data: { trouble: 'The disk is gone.', records: [] } }]);
    expect((await join()).news()[0]?.data.trouble).toBe('The disk is gone.');
    fail(null);
    await pass(2000);
    expect(page.news()).toMatchObject([{ data: { trouble: null } }]);
  });

  test('are calls whose end was lost', async () => {
    const { join, receive, pass } = bench();
    const page = await join();
    receive('lost');
    await pass(GATHER_MS);
    page.news();
    await pass(4 * 3_600_000 - HEARTBEAT_MS);
    expect(page.news()).toEqual([]);
    await pass(3 * HEARTBEAT_MS);
    expect(page.news()).toMatchObject([{ data: { calls: [{ call_id: 'lost', ended: true }] } }]);
  });
});

describe('a snapshot', () => {
  test('serves those who come within a second; the messages since bring them up to date', async () => {
    const { join, receive, pass } = bench();
    const first = await join();
    const [snapshot] = first.news();
    receive();
    await pass(GATHER_MS);
    const second = await join();
    const [same, ...since] = second.news();
    expect(same).toEqual(snapshot);
    expect(since).toEqual(first.news());
    await pass(1000);
    const [later, ...nothing] = (await join()).news();
    expect(later?.data.records).toHaveLength(1);
    expect(nothing).toEqual([]);
  });

  test('serves nobody once what came after it is not kept any more', async () => {
    const { join, receive, pass } = bench();
    const first = await join();
    first.news();
    const long = '€'.repeat(200);
    const more = { caller_number: long, receiver_number: long, direction: long, metadata: { queue: long } };
    for (let i = 0; i < 1200; i++) receive(`C${i}`, { more });
    for (let i = 0; i < 9; i++) await pass(GATHER_MS);
    expect(first.bytes()).toBeGreaterThan(2 * 1024 ** 2);
    const [snapshot, ...since] = (await join()).news();
    expect(since).toEqual([]);
    expect(snapshot?.data.calls).toHaveLength(1200);
  });

  test('is as new as the changes that wait to go out: nobody gets them twice or never', async () => {
    const { join, receive, pass } = bench();
    const early = await join();
    early.news();
    await pass(2000);
    receive('A');
    await pass(0);
    receive('B');
    const late = await join();
    const [snapshot] = late.news();
    expect(snapshot?.data.records).toHaveLength(2);
    await pass(GATHER_MS);
    expect(late.news()).toEqual([]);
    expect(early.words()).toBe('changes 1, changes 1');
  });
});

describe('the newest records are removed', () => {
  test('every page gets a marker and what is left', async () => {
    const { join, received, cutFrom, pass, receive } = bench();
    for (let i = 0; i < 5; i++) received();
    const [one, other] = [await join(), await join()];
    expect([one.words(), other.words()]).toEqual(['snapshot 5', 'snapshot 5']);
    cutFrom('receipt', 3);
    await pass(500);
    expect([one.words(), other.words()]).toEqual(['missed, snapshot 2', 'missed, snapshot 2']);
    receive();
    await pass(GATHER_MS);
    expect([one.words(), other.words()]).toEqual(['changes 1', 'changes 1']);
  });

  test('no page gets a part of it while the rest is being read', async () => {
    const { join, store, received, cutFrom, pass } = bench();
    for (let i = 0; i < 5; i++) received();
    const [page, slow] = [await join(), await join()];
    slow.block();
    received();
    await pass(500);
    page.news();
    slow.news();
    cutFrom('receipt', 3);
    // The look that finds it goes through; what is read after it waits.
    const { entries } = store;
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    store.entries = async function* (...asked) {
      await gate;
      yield* entries(...asked);
    };
    await pass(500);
    slow.drain();
    expect([page.bytes(), slow.bytes()].map((bytes) => bytes > 0)).toEqual([true, true]);
    expect([page.words(), slow.words()]).toEqual(['', '']);
    open();
    await turn();
    expect([page.words(), slow.words()]).toEqual(['missed, snapshot 2', 'missed, snapshot 2']);
  });

  test('and cannot be read again: every stream ends, for the pages to ask anew', async () => {
    const { feed, join, store, received, cutFrom, pass } = bench();
    for (let i = 0; i < 5; i++) received();
    const page = await join();
    cutFrom('receipt', 3);
    const { entries } = store;
    store.entries = () => {
      throw new StoreError('The disk is gone.', 'unavailable');
    };
    await pass(500);
    expect([page.ended(), feed.clients]).toEqual([true, 0]);
    store.entries = entries;
    expect((await join()).words()).toBe('snapshot 2');
  });
});

test('closing ends every page’s stream and all that was following', async () => {
  const { feed, join, receive } = bench();
  const pages = [await join(), await join()];
  receive();
  feed.close();
  expect(pages.map((page) => page.ended())).toEqual([true, true]);
  expect(feed.clients).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  await turn();
});

test('the story of a call that pages list is there', async () => {
  const { feed, join, receive, pass } = bench();
  const page = await join();
  receive('MO9');
  await pass(GATHER_MS);
  const [, changes] = page.news();
  const [{ key }] = changes?.data.calls ?? [];
  expect(feed.call(key)).toMatchObject({ row: { call_id: 'MO9' }, events: [{ event: 'call_connected' }] });
  expect(feed.call(key + 1)).toBeNull();
});
