import { inOnePiece, sizeOf } from '../../src/core/pieces.ts';
import type { Channel, KeptDelivery, RelaySetting, RelayStore } from '../../src/core/relay-store.ts';

/** What a disk is to a store in a file: stores made over the same one see the same. */
export interface MemoryRelayDisk {
  channels: Map<string, Channel>;
  deliveries: Map<number, KeptDelivery & { content: Uint8Array }>;
  settings: Map<RelaySetting, string>;
  /** The last one that was given out. */
  seq: number;
  writes: number;
}

/** A relay's store in memory, which fails on demand. */
export interface MemoryRelayStore extends RelayStore {
  readonly disk: MemoryRelayDisk;
  /** What everything is refused with, while it is set. */
  failing: Error | null;
}

export function memoryRelayDisk(): MemoryRelayDisk {
  return { channels: new Map(), deliveries: new Map(), settings: new Map(), seq: 0, writes: 0 };
}

export function memoryRelayStore(disk = memoryRelayDisk()): MemoryRelayStore {
  let ownWrites = disk.writes;
  const { channels, deliveries, settings } = disk;
  const read = async <Result>(work: () => Result): Promise<Result> => {
    if (store.failing !== null) throw store.failing;
    return work();
  };
  const write = <Result>(work: () => Result) =>
    read(() => {
      disk.writes += 1;
      ownWrites += 1;
      return work();
    });
  const store: MemoryRelayStore = {
    disk,
    failing: null,
    location: 'memory',
    addChannel: (channel) =>
      write(() => {
        const taken = [...channels.values()].some(
          ({ id, name }) => id === channel.id || name === channel.name,
        );
        if (!taken) channels.set(channel.id, { ...channel });
        return !taken;
      }),
    channels: () =>
      read(() =>
        [...channels.values()]
          .sort((a, b) => a.createdAt - b.createdAt || (a.name < b.name ? -1 : 1))
          .map((channel) => ({ ...channel })),
      ),
    removeChannel: (id) =>
      write(() => {
        channels.delete(id);
        const waiting = [...deliveries.values()].filter(({ channel }) => channel === id);
        for (const { seq } of waiting) deliveries.delete(seq);
        return waiting.length;
      }),
    setAck: (id, ack) =>
      write(() => {
        const channel = channels.get(id);
        if (channel !== undefined) channels.set(id, { ...channel, ack });
      }),
    setting: (name) => read(() => settings.get(name) ?? null),
    set: (name, value) => write(() => void settings.set(name, value)),
    version: () => {
      if (store.failing !== null) throw store.failing;
      return disk.writes - ownWrites;
    },
    keep: (channel, receivedAt, content) =>
      write(() => {
        disk.seq += 1;
        const { seq } = disk;
        const bytes = sizeOf(content);
        deliveries.set(seq, {
          ...{ seq, channel, receivedAt, attempts: 0, dueAt: 0, bytes },
          content: Uint8Array.from(inOnePiece(content)),
        });
        return seq;
      }),
    waiting: () =>
      read(() =>
        [...deliveries.values()].map(({ content: _, ...kept }) => kept).sort((a, b) => a.seq - b.seq),
      ),
    content: (seq) =>
      read(() => {
        const kept = deliveries.get(seq);
        return kept === undefined ? null : Uint8Array.from(kept.content);
      }),
    drop: (seqs) =>
      write(() => {
        for (const seq of seqs) deliveries.delete(seq);
      }),
    postpone: (seq, attempts, dueAt) =>
      write(() => {
        const kept = deliveries.get(seq);
        if (kept !== undefined) deliveries.set(seq, { ...kept, attempts, dueAt });
      }),
    tidy: async () => {},
    close: async () => {},
  };
  return store;
}
