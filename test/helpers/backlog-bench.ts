import { sizeOf } from '../../src/core/pieces.ts';
import { Backlog } from '../../src/tunnel/backlog.ts';
import { encodeContent } from '../../src/tunnel/frames.ts';
import { Memory } from '../../src/tunnel/memory.ts';
import { type MemoryRelayDisk, memoryRelayDisk, memoryRelayStore } from './memory-relay-store.ts';
import { tunnelClock } from './tunnel-clock.ts';
import type { FakeListener } from './tunnel-listener.ts';

/** A channel's backlog over a store in memory, and what is told of it. `random` decides the jitter. */
export function backlogBench({
  disk = memoryRelayDisk(),
  clock = tunnelClock(),
  random = 0.5,
  memory = new Memory(1024 ** 3),
}: {
  disk?: MemoryRelayDisk;
  clock?: ReturnType<typeof tunnelClock>;
  random?: number;
  memory?: Memory;
} = {}) {
  const store = memoryRelayStore(disk);
  const results: string[] = [];
  const failures: unknown[] = [];
  const backlog = new Backlog({
    ...{ store, clock, memory },
    random: () => random,
    onAnswered: (result, { status }) => results.push(`${result} ${status}`),
    onStoreFailure: (error) => failures.push(error),
  });
  return {
    ...{ backlog, store, disk, clock, results, failures },
    /** Keeps deliveries of these bodies and has the backlog know of them, as a relay does. */
    async keep(...bodies: (string | Buffer)[]): Promise<void> {
      for (const body of bodies) {
        const content = encodeContent(['X-MO-Event-Id', 'ev'], [Buffer.from(body)]);
        const receivedAt = clock.now();
        const seq = await store.keep('c', receivedAt, content);
        backlog.add({ seq, receivedAt, attempts: 0, dueAt: 0, bytes: sizeOf(content) }, content);
      }
      await clock.settle();
    },
    /** Knows again of all that is on disk, as a relay that starts does. */
    async restart(): Promise<void> {
      for (const kept of await store.waiting()) backlog.add(kept, null);
      await clock.settle();
    },
    /** From now on this one gets them; null for none. */
    async handTo(listener: FakeListener | null): Promise<void> {
      backlog.handTo(listener?.listener ?? null);
      await clock.settle();
    },
    /** A listener's link ends, which is noticed as a relay notices it. */
    async lose(listener: FakeListener): Promise<void> {
      listener.end();
      backlog.lost(listener.listener);
      await clock.settle();
    },
    async answer(listener: FakeListener, status: number, nth?: number, headers?: string[]): Promise<void> {
      listener.answer(status, nth, headers);
      await clock.settle();
    },
    onDisk: () => [...disk.deliveries.keys()],
  };
}

/** The bodies that a listener was handed, in order. */
export function bodiesOf({ taken }: FakeListener): string[] {
  return taken.map(({ content }) => Buffer.from(content.subarray(content.length - 1)).toString('latin1'));
}
