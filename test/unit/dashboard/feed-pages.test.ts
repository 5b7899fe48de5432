import { describe, expect, test, vi } from 'vitest';
import { fakeResponse } from '../../helpers/fake-response.ts';
import {
  bench,
  GATHER_MS,
  HEARTBEAT_MS,
  LINGER_MS,
  PATIENCE_MS,
  stopClock,
} from '../../helpers/feed-bench.ts';

stopClock();

describe('F7 a page that comes again', () => {
  test('gets exactly what it has missed', async () => {
    const { join, receive, pass } = bench();
    const page = await join();
    const [snapshot] = page.news();
    for (const call of ['A', 'B', 'C']) {
      receive(call);
      await pass(GATHER_MS);
    }
    const told = page.news();
    page.leave();
    expect((await join(Number(snapshot?.id))).news()).toEqual(told);
    expect((await join(Number(told[1]?.id))).news()).toEqual(told.slice(2));
    const current = await join(Number(told[2]?.id));
    expect(current.news()).toEqual([]);
    receive('D');
    await pass(GATHER_MS);
    expect(current.words()).toBe('changes 1');
  });

  test.each([
    ['garbage', () => -1],
    ['another run’s', (id: number) => id - 10_000_000],
    ['one from the future', (id: number) => id + 1],
  ])('with an id that is %s gets a marker and all there is', async (_, made) => {
    const { join, receive, pass } = bench();
    const [snapshot] = (await join()).news();
    receive();
    await pass(2000);
    const page = await join(made(Number(snapshot?.id) + 1));
    expect(page.words()).toBe('missed, snapshot 1');
    receive();
    await pass(GATHER_MS);
    expect(page.words()).toMatch(/changes 1$/);
  });

  test('too late for the messages gets a marker and all there is', async () => {
    const { join, receive, pass } = bench();
    const page = await join();
    const [snapshot] = page.news();
    for (let i = 0; i < 1100; i++) {
      receive();
      await pass(GATHER_MS);
    }
    expect((await join(Number(snapshot?.id))).words()).toBe('missed, snapshot 200');
  });

  test('after nobody looked for long gets a marker and all there is', async () => {
    const { join, receive, pass, feed } = bench();
    const page = await join();
    const [snapshot] = page.news();
    page.leave();
    await pass(LINGER_MS);
    receive();
    expect(feed.clients).toBe(0);
    expect((await join(Number(snapshot?.id))).words()).toBe('missed, snapshot 1');
  });
});

describe('F6 a page that does not read', () => {
  test('is not buffered for, and gets every message once it reads again', async () => {
    const { join, receive, pass } = bench();
    const [reader, slow] = [await join(), await join()];
    reader.news();
    slow.news();
    slow.block();
    receive();
    await pass(GATHER_MS);
    const before = slow.bytes();
    for (let i = 0; i < 50; i++) {
      receive(`C${i}`);
      await pass(GATHER_MS);
    }
    expect(slow.bytes()).toBe(before);
    slow.drain();
    expect(slow.news()).toEqual(reader.news());
    receive();
    await pass(GATHER_MS);
    expect(slow.words()).toBe('changes 1');
  });

  test('for so long that its messages are gone gets a marker and all there is', async () => {
    const { join, receive, pass } = bench();
    const [reader, slow] = [await join(), await join()];
    slow.news();
    slow.block();
    // Within its patience, and more than is kept of them.
    for (let i = 0; i < 80; i++) {
      for (let j = 0; j < 60; j++) receive(`C${i}-${j}`);
      await pass(GATHER_MS);
    }
    reader.news();
    slow.news();
    slow.drain();
    expect(slow.words()).toBe('missed, snapshot 200');
    receive();
    await pass(GATHER_MS);
    expect(slow.words()).toBe('changes 1');
  });

  test('is cut off in the end, and is nobody any more', async () => {
    const { feed, join, receive, pass } = bench();
    const [reader, slow] = [await join(), await join()];
    slow.block();
    receive();
    await pass(GATHER_MS);
    await pass(PATIENCE_MS - HEARTBEAT_MS);
    expect([slow.response.destroyed, feed.clients]).toEqual([false, 2]);
    await pass(2 * HEARTBEAT_MS);
    expect([slow.response.destroyed, feed.clients]).toEqual([true, 1]);
    expect(reader.response.destroyed).toBe(false);
  });

  test('for a while, but reads, is not cut off', async () => {
    const { feed, join, receive, pass } = bench();
    const slow = await join();
    for (let i = 0; i < 4; i++) {
      slow.block();
      receive();
      await pass(PATIENCE_MS - 2 * HEARTBEAT_MS);
      slow.drain();
    }
    expect(feed.clients).toBe(1);
  });

  test('gets no heartbeats; others do, every five seconds', async () => {
    const { join, receive, pass } = bench();
    const [reader, slow] = [await join(), await join()];
    slow.block();
    receive();
    await pass(GATHER_MS);
    reader.news();
    slow.news();
    await pass(3 * HEARTBEAT_MS);
    expect([reader.heartbeats(), slow.heartbeats()]).toEqual([3, 0]);
  });
});

describe('once the last page has gone', () => {
  test('their count is 0, and after a while nothing is followed any more', async () => {
    const { feed, join, asked, received, pass } = bench();
    const pages = [];
    for (let i = 0; i < 20; i++) pages.push(await join());
    expect(feed.clients).toBe(20);
    for (const page of pages) page.leave();
    expect(feed.clients).toBe(0);
    await pass(LINGER_MS - 1);
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    await pass(1);
    expect(vi.getTimerCount()).toBe(0);
    asked.length = 0;
    received();
    await pass(10 * LINGER_MS);
    expect(asked).toEqual([]);
    expect(feed.call(1)).toBeNull();
  });

  test('as long as another stays, that one is served', async () => {
    const { join, receive, pass } = bench();
    const [stays, ...others] = [await join(), await join(), await join()];
    stays.news();
    for (const page of others) page.leave();
    await pass(3 * LINGER_MS);
    stays.news();
    receive();
    await pass(GATHER_MS);
    expect(stays.words()).toBe('changes 1');
  });

  test('whoever comes before that finds all as it was', async () => {
    const { join, receive, pass, asked } = bench();
    const page = await join();
    page.leave();
    await pass(LINGER_MS - 1);
    receive();
    asked.length = 0;
    const next = await join();
    expect(next.words()).toBe('snapshot 1');
    expect(asked).toEqual([]);
    await pass(3 * LINGER_MS);
    receive();
    await pass(GATHER_MS);
    expect(next.words()).toBe('changes 1');
  });

  test('a storm of pages that come and go leaves nothing behind, and the one that stays is served', async () => {
    const { feed, join, receive, pass } = bench();
    for (let round = 0; round < 3; round++) {
      const gone = Array.from({ length: 50 }, async () => {
        const page = fakeResponse();
        await feed.open();
        page.leave();
        feed.join(page.response, null);
      });
      await Promise.all(gone);
      await pass(1000);
    }
    expect(feed.clients).toBe(0);
    const page = await join();
    page.news();
    await pass(2 * LINGER_MS);
    receive();
    await pass(GATHER_MS);
    expect(page.words()).toBe('changes 1');
  });

  test('what a receiver stores costs nothing', async () => {
    const { feed, receive, join, pass } = bench();
    const receipt = receive();
    feed.answered(receipt);
    await pass(GATHER_MS);
    expect(vi.getTimerCount()).toBe(0);
    expect((await join()).words()).toBe('snapshot 1');
  });
});
