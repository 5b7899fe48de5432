import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StoreError } from '../../../src/core/errors.ts';
import { eventBody } from '../../helpers/delivery.ts';
import { follow, MINUTE, offered, PAYLOAD, POLL_MS } from '../../helpers/log-follow.ts';
import { memoryLog } from '../../helpers/memory-log.ts';
import { AT } from '../../helpers/records.ts';

// Looks are asked for here; by itself nothing looks.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('to begin with', () => {
  test('it tells of what is on record, in order of time, with what bodies say', async () => {
    const { store, received, sent } = memoryLog();
    received({ receivedAt: AT + 1, body: eventBody({ caller_number: '+911' }) });
    received({ receivedAt: AT + 3, body: null });
    sent({ sentAt: AT + 2, body: eventBody({ caller_number: '+912' }) });
    sent({ sentAt: AT + 4 });
    const { news, added } = await follow(store);
    expect(news()).toBe('+r1 +a1 +r2 +a2');
    expect(added.map(({ caller }) => caller)).toEqual(['+911', '+912', undefined, undefined]);
  });

  test('of an empty log it tells nothing, and of the first record later', async () => {
    const { store, received } = memoryLog();
    const { follower, news } = await follow(store);
    await follower.poll();
    expect(news()).toBe('');
    received();
    await follower.poll();
    expect(news()).toBe('+r1');
  });

  test('it reads so much of a long log and no more', async () => {
    const { store, received, sent } = memoryLog();
    for (let i = 0; i < 21_000; i++) received({ body: null });
    for (let i = 0; i < 1000; i++) sent();
    const { added } = await follow(store);
    expect(added.length).toBeLessThanOrEqual(20_200);
    expect(added.map(({ seq }) => seq)).toContain(21_000);
    expect(added.map(({ seq }) => seq)).not.toContain(1);
  });

  test('it rejects where the log cannot be read', async () => {
    const { store, fail } = memoryLog();
    fail(new StoreError('The store is locked.', 'busy'));
    const { follower, news } = await follow(store, { start: false });
    await expect(follower.start()).rejects.toThrow('The store is locked.');
    expect(news()).toBe('');
  });

  test('it looks again every quarter of a second until it is stopped', async () => {
    const { store, received } = memoryLog();
    const { follower, news } = await follow(store);
    for (const seq of [1, 2]) {
      received();
      await vi.advanceTimersByTimeAsync(POLL_MS);
      expect(news()).toBe(`+r${seq}`);
    }
    received();
    follower.stop();
    await vi.advanceTimersByTimeAsync(10 * POLL_MS);
    expect(news()).toBe('');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('answers that another process notes', () => {
  test('are asked after until they are there', async () => {
    const { store, received, settle } = memoryLog();
    received({ status: null, receivedAt: AT + MINUTE });
    received();
    const { follower, news, settled } = await follow(store);
    await follower.poll();
    expect(news()).toBe('+r1 +r2');
    settle(1, { status: 502, forward: { status: null, durationMs: 5, error: 'refused' } });
    await follower.poll();
    expect(news()).toBe('=r1');
    expect(settled).toMatchObject([{ id: 'rc_1', status: 502, forward: { error: 'refused' } }]);
    settle(1, { status: 200 });
    await follower.poll();
    expect(news()).toBe('');
  });

  test.each([
    ['', 0],
    [', though the clock is set back by a day (G18)', -86_400_000],
  ])('are not asked after for ever%s', async (_, set) => {
    const { store, received, settle, asked } = memoryLog();
    received({ status: null, receivedAt: AT + MINUTE });
    const { follower, news, clock } = await follow(store);
    clock.set = set;
    clock.now += 120_001;
    await follower.poll();
    asked.length = 0;
    await follower.poll();
    expect(asked).toEqual([]);
    settle(1, { status: 200 });
    await follower.poll();
    expect(news()).toBe('+r1');
  });

  test('that were never given, long ago, are in nobody’s way', async () => {
    const { store, received, settle } = memoryLog();
    for (let i = 0; i < 1000; i++) received({ status: null, receivedAt: AT - 10 * MINUTE, body: null });
    received({ status: null, receivedAt: AT + MINUTE });
    const { follower, news } = await follow(store);
    news();
    settle(1001, { status: 200 });
    await follower.poll();
    expect(news()).toBe('=r1001');
  });

  test('of a receipt that is gone are given up', async () => {
    const { store, received, cutFrom, asked } = memoryLog();
    received({ status: null, receivedAt: AT + MINUTE });
    received();
    const { follower, news } = await follow(store);
    news();
    cutFrom('receipt', 1);
    received({ seq: 2 });
    await follower.poll();
    asked.length = 0;
    await follower.poll();
    expect([news(), asked]).toEqual(['', []]);
  });
});

describe('many attempts at once', () => {
  test('are told of one by one as long as somebody could look at them', async () => {
    const { store, sent } = memoryLog();
    const { follower, added } = await follow(store);
    for (let i = 0; i < 2000; i++) sent();
    await follower.poll();
    expect(added).toHaveLength(2000);
  });

  test('are left out but for the latest', async () => {
    const { store, sent } = memoryLog();
    const { follower, news, added } = await follow(store);
    for (let i = 0; i < 5000; i++) sent();
    await follower.poll();
    expect(news()).toMatch(/^skipped 4800 \+a4801 /);
    expect(added.map(({ seq }) => seq)).toEqual(Array.from({ length: 200 }, (_, i) => 4801 + i));
  });
});

describe('the newest records are removed', () => {
  test.each(['receipt', 'attempt'] as const)('%ss: what was told is no longer so', async (kind) => {
    const { store, received, sent, cutFrom } = memoryLog();
    for (let i = 0; i < 3; i++) {
      received();
      sent();
    }
    const { follower, news } = await follow(store);
    news();
    cutFrom(kind, 3);
    await follower.poll();
    expect(news()).toBe('reset');
  });

  test('the oldest: nothing is told', async () => {
    const { store, received, cutFrom } = memoryLog();
    received();
    received();
    const { follower, news } = await follow(store);
    news();
    cutFrom('receipt', 1);
    received({ seq: 2 });
    await follower.poll();
    expect(news()).toBe('');
  });

  test('what was offered while the log was being asked is no removal', async () => {
    const { store, received, hold } = memoryLog();
    received();
    const { follower, news } = await follow(store);
    news();
    const { last } = store;
    let answer = () => {};
    // A store that answers late, with what was so when it was asked.
    store.last = async (kind) => {
      const found = await last(kind);
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return found;
    };
    hold(Promise.resolve());
    const looked = follower.poll();
    await turn();
    follower.offer(2, offered(2), PAYLOAD);
    store.last = last;
    answer();
    received();
    await looked;
    expect(news()).toBe('+r2');
  });
});

describe('a store that cannot be read', () => {
  test('is said to be in trouble, and that it is well again', async () => {
    const { store, received, fail } = memoryLog();
    const { follower, news } = await follow(store);
    received();
    fail(new StoreError('The disk is gone.', 'unavailable'));
    await follower.poll();
    await follower.poll();
    expect(news()).toBe('trouble: The disk is gone. trouble: The disk is gone.');
    fail(null);
    await follower.poll();
    expect(news()).toBe('+r1 well');
    await follower.poll();
    expect(news()).toBe('');
  });

  test('goes on being looked at', async () => {
    const { store, received, fail } = memoryLog();
    const { news } = await follow(store);
    fail(new Error('no'));
    await vi.advanceTimersByTimeAsync(POLL_MS);
    expect(news()).toBe('trouble: no');
    fail(null);
    received();
    await vi.advanceTimersByTimeAsync(POLL_MS);
    expect(news()).toBe('+r1 well');
  });

  test('once nobody follows it any more is nobody’s business', async () => {
    const { store, fail, hold, cutFrom, received } = memoryLog();
    received();
    const { follower, news } = await follow(store);
    news();
    let open = () => {};
    hold(
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    const looked = follower.poll();
    follower.stop();
    fail(new Error('closed'));
    open();
    await looked;
    fail(null);
    cutFrom('receipt', 1);
    await follower.poll();
    expect(news()).toBe('');
  });
});
