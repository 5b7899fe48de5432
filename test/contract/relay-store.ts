import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Channel, RelayStore } from '../../src/core/relay-store.ts';

/** A kind of relay store under test. */
export interface RelayDriver {
  name: string;
  /** Makes a place for one store, and says how to connect to it. */
  prepare(): { connect(): Promise<RelayStore> };
}

export function channelOf(name: string, more: Partial<Channel> = {}): Channel {
  return {
    ...{ id: `id-${name}`, name, ack: 'app', createdAt: 1000, expiresAt: null },
    tokenHash: Uint8Array.from({ length: 32 }, (_, i) => 255 - i),
    ...more,
  };
}

const bytes = (...values: number[]) => Uint8Array.from(values);
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, i) => i);
/** A store may keep larger ones in another way. */
const LARGEST_ROW = Uint8Array.from({ length: 65_536 }, (_, i) => i % 251);
const LARGE = Uint8Array.from({ length: 300_000 }, (_, i) => i % 253);

/** The cases that every driver of a RelayStore must pass. */
export function relayStoreContract(driver: RelayDriver): void {
  describe(`a relay store in ${driver.name}`, () => {
    const opened = new Set<RelayStore>();
    let place: ReturnType<RelayDriver['prepare']>;
    let store: RelayStore;
    const connect = async () => {
      const one = await place.connect();
      opened.add(one);
      return one;
    };
    /** The store as a process finds it that starts after this one has ended. */
    const reopen = async () => {
      await store.close();
      opened.delete(store);
      store = await connect();
    };
    const seqs = async () => (await store.waiting()).map(({ seq }) => seq);
    beforeEach(async () => {
      place = driver.prepare();
      store = await connect();
    });
    afterEach(async () => {
      for (const one of opened) await one.close();
      opened.clear();
    });

    describe('channels', () => {
      test('are there with all that was said of them, the oldest first and then by name, after a restart too', async () => {
        const channels = [
          channelOf('b', { createdAt: 1, ack: 'relay', expiresAt: 5_000_000_000_000 }),
          channelOf('a', { createdAt: 2, tokenHash: new Uint8Array(32) }),
          channelOf('c', { createdAt: 2 }),
        ];
        for (const channel of [...channels].reverse()) expect(await store.addChannel(channel)).toBe(true);
        for (let i = 0; i < 2; i++) {
          expect(await store.channels()).toEqual(channels);
          await reopen();
        }
      });

      test('are refused where the name is taken, and what else is written then is not', async () => {
        const second = channelOf('dev', { id: 'another', ack: 'relay' });
        const [first, again, kept, other] = await Promise.all([
          store.addChannel(channelOf('dev')),
          store.addChannel(second),
          store.keep('id-dev', 1, [bytes(1)]),
          store.addChannel(channelOf('other')),
        ]);
        expect([first, again, other]).toEqual([true, false, true]);
        expect(await seqs()).toEqual([kept]);
        expect((await store.channels()).map(({ id }) => id).sort()).toEqual(['id-dev', 'id-other']);
        await store.removeChannel('id-dev');
        expect(await store.addChannel(second)).toBe(true);
      });

      test('are refused where the id is taken', async () => {
        expect(await store.addChannel(channelOf('dev'))).toBe(true);
        expect(await store.addChannel(channelOf('prod', { id: 'id-dev' }))).toBe(false);
        expect(await store.channels()).toMatchObject([{ name: 'dev' }]);
      });

      test('change who answers, each for itself', async () => {
        for (const name of ['a', 'b', 'c']) await store.addChannel(channelOf(name));
        await store.setAck('id-b', 'relay');
        await store.setAck('id-nobody', 'relay');
        await reopen();
        const acks = (await store.channels()).map(({ name, ack }) => `${name} ${ack}`);
        expect(acks.sort()).toEqual(['a app', 'b relay', 'c app']);
      });

      test('take what waits in them along when they are removed, and say how much that was', async () => {
        await Promise.all([store.addChannel(channelOf('a')), store.addChannel(channelOf('b'))]);
        for (const id of ['id-a', 'id-b', 'id-a']) await store.keep(id, 1, [bytes(1)]);
        expect(await store.removeChannel('id-a')).toBe(2);
        expect(await store.removeChannel('id-a')).toBe(0);
        await reopen();
        expect((await store.channels()).map(({ name }) => name)).toEqual(['b']);
        expect(await store.waiting()).toMatchObject([{ channel: 'id-b' }]);
      });
    });

    describe('deliveries', () => {
      test('F16 are kept byte for byte, empty ones and views of a larger buffer too', async () => {
        const view = Buffer.from('....hello....').subarray(4, 9);
        const odd = Buffer.from('\ufeff\xff', 'utf8');
        const contents = [EVERY_BYTE, bytes(), bytes(0), view, odd, LARGEST_ROW, LARGE];
        const kept = await Promise.all(contents.map((content) => store.keep('c', 1, [content])));
        for (let round = 0; round < 2; round++) {
          for (const [i, seq] of kept.entries())
            expect(
              Buffer.from((await store.content(seq)) as Uint8Array).equals(contents[i] as Uint8Array),
            ).toBe(true);
          const sizes = new Map((await store.waiting()).map((one) => [one.seq, one.bytes]));
          expect(kept.map((seq) => sizes.get(seq))).toEqual([256, 0, 1, 5, 5, 65_536, 300_000]);
          await reopen();
        }
      });

      test('F11 are there after a restart, as they were kept', async () => {
        const at = 1_769_860_800_123;
        const seq = await store.keep('id-a', at, [bytes(7, 8)]);
        await reopen();
        const kept = { seq, channel: 'id-a', receivedAt: at, attempts: 0, dueAt: 0, bytes: 2 };
        expect(await store.waiting()).toEqual([kept]);
      });

      test('are numbered in the order they were accepted, and wait in that order', async () => {
        const together = await Promise.all(
          Array.from({ length: 600 }, (_, i) => store.keep(`c${i % 3}`, 1000 - i, [bytes(i % 256)])),
        );
        expect(together).toEqual([...together].sort((a, b) => a - b));
        expect(new Set(together).size).toBe(600);
        expect(await seqs()).toEqual(together);
        const next = await store.keep('c0', 0, [bytes(1)]);
        expect(next).toBeGreaterThan(together.at(-1) as number);
      });

      test('never get a number that one had before, though all are gone and the relay starts again', async () => {
        const had = [await store.keep('c', 1, [bytes(1)]), await store.keep('c', 1, [bytes(2)])];
        await store.drop(had);
        expect(await store.waiting()).toEqual([]);
        await reopen();
        const next = await store.keep('c', 1, [bytes(3)]);
        expect(next).toBeGreaterThan(Math.max(...had));
      });

      test('are gone once they are dropped, for good, and the others are not', async () => {
        const [a, b, c] = [
          await store.keep('c', 1, [bytes(1)]),
          await store.keep('c', 1, [bytes(2)]),
          await store.keep('c', 1, [bytes(3)]),
        ];
        await store.drop([]);
        await store.drop([a, c, 999_999]);
        await reopen();
        expect(await seqs()).toEqual([b]);
        expect([await store.content(a), await store.content(999_999)]).toEqual([null, null]);
        expect(await store.content(b)).not.toBeNull();
      });

      test('remember how often they were tried and when they are due again, in the place they had', async () => {
        const [a, b] = [await store.keep('c', 5, [bytes(1)]), await store.keep('c', 6, [bytes(2)])];
        await store.postpone(a, 3, 1_769_860_800_456);
        await store.postpone(999_999, 1, 1);
        await reopen();
        expect(await store.waiting()).toMatchObject([
          { seq: a, receivedAt: 5, attempts: 3, dueAt: 1_769_860_800_456 },
          { seq: b, receivedAt: 6, attempts: 0, dueAt: 0 },
        ]);
      });

      test('that nobody waited for are written down before the store closes', async () => {
        const seq = await store.keep('c', 1, [bytes(1)]);
        const other = await store.keep('c', 1, [bytes(1)]);
        const writing = [store.drop([seq]), store.postpone(other, 2, 9)];
        await reopen();
        await Promise.all(writing);
        expect(await store.waiting()).toMatchObject([{ seq: other, attempts: 2, dueAt: 9 }]);
      });
    });

    test('a setting is what was last set, and null before; after a restart too', async () => {
      expect([await store.setting('public_url'), await store.setting('max_channels')]).toEqual([null, null]);
      await store.set('public_url', 'http://127.0.0.1:1');
      await store.set('public_url', 'https://relay.example.com/höher');
      await reopen();
      expect(await store.setting('public_url')).toBe('https://relay.example.com/höher');
      expect(await store.setting('max_channels')).toBeNull();
    });

    test('what another process does is seen, and told by another version', async () => {
      const other = await connect();
      const before = store.version();
      await other.addChannel(channelOf('dev'));
      expect((await store.channels()).map(({ name }) => name)).toEqual(['dev']);
      const after = store.version();
      expect(after).not.toBe(before);
      await store.setAck('id-dev', 'relay');
      await store.keep('id-dev', 1, [bytes(1)]);
      expect(store.version()).toBe(after);
      await other.removeChannel('id-dev');
      expect(store.version()).not.toBe(after);
      expect([await store.channels(), await store.waiting()]).toEqual([[], []]);
    });
  });
}
