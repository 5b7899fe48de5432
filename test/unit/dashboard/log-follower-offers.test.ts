import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { parsePayload } from '../../../src/core/payload.ts';
import type { Store } from '../../../src/core/store.ts';
import { openStore } from '../../../src/store/open.ts';
import { eventBody } from '../../helpers/delivery.ts';
import { follow, MINUTE, offered, PAYLOAD, POLL_MS } from '../../helpers/log-follow.ts';
import { memoryLog } from '../../helpers/memory-log.ts';
import { AT, newAttempt, newReceipt } from '../../helpers/records.ts';
import { tempFolder } from '../../helpers/spawn-cli.ts';

// Looks are asked for here; by itself nothing looks.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('what this process has stored', () => {
  test('in order is not read again', async () => {
    const { store, received, asked } = memoryLog();
    received();
    const { follower, news } = await follow(store);
    asked.length = 0;
    for (const seq of [2, 3, 4]) {
      received();
      follower.offer(seq, offered(seq), PAYLOAD);
    }
    expect(news()).toBe('+r1 +r2 +r3 +r4');
    await follower.poll();
    expect(news()).toBe('');
    expect(asked).toEqual([]);
  });

  test('comes with what its body says, without its being read', async () => {
    const { store } = memoryLog();
    const { follower, added } = await follow(store);
    follower.offer(1, offered(1), parsePayload(Buffer.from(eventBody({ caller_number: '+913' }))));
    expect(added).toEqual([{ seq: 1, caller: '+913' }]);
  });

  test('out of order is told of once each, in order', async () => {
    const { store, received } = memoryLog();
    const { follower, news } = await follow(store);
    for (let i = 0; i < 4; i++) received();
    for (const seq of [2, 4, 1, 3]) follower.offer(seq, offered(seq), PAYLOAD);
    await follower.poll();
    await turn();
    const seen = news().split(' ');
    expect(seen.filter((one) => one.startsWith('+'))).toEqual(['+r1', '+r2', '+r3', '+r4']);
  });

  test('after what another process has stored: that is read first', async () => {
    const { store, received } = memoryLog();
    const { follower, news } = await follow(store);
    received({ id: 'another' });
    received();
    follower.offer(2, offered(2), PAYLOAD);
    expect(news()).toBe('');
    // At once: no look is due before.
    await turn();
    expect(news()).toBe('+r1 +r2');
    received();
    follower.offer(3, offered(3), PAYLOAD);
    expect(news()).toBe('+r3');
  });

  test('and was read before it was offered is not added again, but told as it is now', async () => {
    const { store, received } = memoryLog();
    const { follower, news, settled } = await follow(store);
    received();
    await follower.poll();
    const receipt = offered(1, { status: 503 });
    follower.offer(1, receipt, PAYLOAD);
    expect(news()).toBe('+r1 =r1');
    expect(settled).toEqual([receipt]);
  });

  test('while the log is read for the first time is told of once', async () => {
    const { store, received } = memoryLog();
    for (let i = 0; i < 5; i++) received();
    const { follower, news } = await follow(store, { start: false });
    const started = follower.start();
    received();
    follower.offer(6, offered(6), PAYLOAD);
    received();
    follower.offer(7, offered(7), PAYLOAD);
    await started;
    await turn();
    expect(news()).toBe('+r1 +r2 +r3 +r4 +r5 +r6 +r7');
  });

  test('while the first look waits for the store does not have all of the log read', async () => {
    const { store, received, hold, asked } = memoryLog();
    for (let i = 0; i < 30_000; i++) received({ body: null });
    let open = () => {};
    hold(
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    const { follower, added } = await follow(store, { start: false });
    const started = follower.start();
    received({ body: null });
    follower.offer(30_001, offered(30_001), PAYLOAD);
    open();
    await started;
    await follower.poll();
    for (const { kind, after } of asked) if (kind === 'receipt') expect(after).toBeGreaterThanOrEqual(10_000);
    expect(added.map(({ seq }) => seq)).toEqual(
      Array.from({ length: added.length }, (_, i) => 30_002 - added.length + i),
    );
    expect(added.length).toBeLessThanOrEqual(20_001);
  });

  test('as the very first of a log, while that is looked at, is told of once', async () => {
    const { store, received, hold } = memoryLog();
    let open = () => {};
    hold(
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    const { follower, news } = await follow(store, { start: false });
    const started = follower.start();
    await turn();
    follower.offer(1, offered(1), PAYLOAD);
    open();
    await started;
    received();
    await follower.poll();
    expect(news()).toBe('+r1');
  });

  test('and is just being read is told of once', async () => {
    const { store, received } = memoryLog();
    const { follower, news } = await follow(store);
    for (let i = 0; i < 3; i++) received();
    const { entries } = store;
    store.entries = async function* (...asked) {
      for await (const entry of entries(...asked)) {
        // After the first of them comes the offer of the second.
        if (entry.seq === 2) follower.offer(2, offered(2), PAYLOAD);
        yield entry;
      }
    };
    await follower.poll();
    expect(news()).toBe('+r1 +r2 +r3');
  });

  test('goes on after places of which the log has nothing to read', async () => {
    const { store, received, asked } = memoryLog();
    received();
    const { follower, news } = await follow(store);
    const { last } = store;
    // Of pruned receipts a key may be left, which is no record.
    store.last = async (kind) => Math.max(await last(kind), kind === 'receipt' ? 4 : 0);
    await follower.poll();
    asked.length = 0;
    await follower.poll();
    expect(asked).toEqual([]);
    received({ seq: 5 });
    follower.offer(5, offered(5), PAYLOAD);
    expect(news()).toBe('+r1 +r5');
  });

  test('after it was stopped is nobody’s business', async () => {
    const { store } = memoryLog();
    const { follower, news } = await follow(store);
    follower.stop();
    follower.offer(1, offered(1), PAYLOAD);
    follower.offer(5, offered(5), PAYLOAD);
    await turn();
    expect(news()).toBe('');
  });
});

describe('of a real store', () => {
  /** Two connections to one file, as two processes have them. */
  async function pair(): Promise<[Store, Store]> {
    const path = join(tempFolder(), 'deliveries.db');
    const stores = [await openStore(path), await openStore(path)] as [Store, Store];
    onTestFinished(async () => {
      vi.useRealTimers();
      for (const store of stores) await store.close();
    });
    return stores;
  }

  const add = (store: Store, id: string) =>
    store.addReceipt(newReceipt({ id, eventId: id, body: eventBody({ call_id: id }) }));

  test('what another connection writes between offers is read, each once and in order', async () => {
    const [ours, theirs] = await pair();
    const { follower, news } = await follow(ours);
    const offer = async (id: string) => {
      const { seq } = await add(ours, id);
      follower.offer(seq, offered(seq), PAYLOAD);
    };
    await offer('a');
    await add(theirs, 'b');
    await add(theirs, 'c');
    await offer('d');
    await offer('e');
    await add(theirs, 'f');
    await follower.poll();
    await follower.poll();
    const seen = news().split(' ');
    expect(seen.filter((one) => one.startsWith('+'))).toEqual(['+r1', '+r2', '+r3', '+r4', '+r5', '+r6']);
  });

  test('what another connection settles and sends is told', async () => {
    const [ours, theirs] = await pair();
    const { seq } = await theirs.addReceipt(
      newReceipt({ status: null, forwarding: true, receivedAt: AT + MINUTE }),
    );
    const { follower, news } = await follow(ours);
    await theirs.settleForward({
      seqs: [seq],
      forward: { status: 201, durationMs: 1, error: null },
      status: 201,
      owed: false,
    });
    vi.useRealTimers();
    await theirs.addAttempt(newAttempt(), null);
    await follower.poll();
    expect(news()).toBe('+r1 +a1 =r1');
  });

  test('a prune of the newest is noticed', async () => {
    const [ours, theirs] = await pair();
    for (const id of ['a', 'b', 'c']) await add(theirs, id);
    const { follower, news } = await follow(ours);
    news();
    await theirs.prune(AT + 10 * MINUTE, AT + 10 * MINUTE, { dryRun: false });
    await follower.poll();
    expect(news()).toBe('reset');
  });
});

describe('a flood from the receiver of this process', () => {
  const FLOOD = 1000;
  const PIECE_OF_A_FLOOD = 100;

  test('is told of as far as it costs little, the rest bit by bit, and all of it in the end, once and in order', async () => {
    const { store, received } = memoryLog();
    const { follower, added, news } = await follow(store);
    const seqs = (count: number) =>
      added
        .splice(0)
        .map(({ seq }) => seq)
        .slice(0, count);
    const offer = (count: number) => {
      for (let i = 0; i < count; i++) follower.offer(received(), offered(0), PAYLOAD);
    };
    const look = async () => {
      await vi.advanceTimersByTimeAsync(POLL_MS);
      await follower.poll();
    };
    offer(3 * FLOOD);
    expect(seqs(Number.POSITIVE_INFINITY)).toEqual(Array.from({ length: FLOOD }, (_, i) => i + 1));
    news();
    await vi.advanceTimersByTimeAsync(POLL_MS);
    await turn();
    expect(added.length).toBe(PIECE_OF_A_FLOOD);
    expect(news()).toMatch(new RegExp(`behind ${2 * FLOOD - PIECE_OF_A_FLOOD}$`));
    await look();
    await look();
    const all = seqs(Number.POSITIVE_INFINITY);
    expect(all).toEqual(Array.from({ length: 2 * FLOOD }, (_, i) => FLOOD + i + 1));
    // And then as before: nothing is read that is offered.
    offer(1);
    expect(seqs(1)).toEqual([3 * FLOOD + 1]);
  });
});
