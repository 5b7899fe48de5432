import type { Channel, RelayStore } from '../core/relay-store.ts';
import type { Clock } from './clock.ts';

/** How soon what another process changes in the store is seen, ms. */
const LOOK_MS = 250;

export interface DirectoryEvents {
  onChanged(channel: Channel): void;
  /** Revoked, or its time is over. */
  onGone(id: string, why: string): void;
  onStoreFailure(error: unknown): void;
}

/** The channels as the store has them: `relay channel` of another process adds and removes them meanwhile. */
export class Directory {
  readonly #store: RelayStore;
  readonly #clock: Clock;
  readonly #events: DirectoryEvents;
  readonly #channels = new Map<string, Channel>();
  readonly #stop: () => void;
  #version = -1;

  private constructor(store: RelayStore, clock: Clock, events: DirectoryEvents) {
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
    this.#stop = clock.every(LOOK_MS, () => {
      this.refresh().catch(events.onStoreFailure);
    });
  }

  static async open(store: RelayStore, clock: Clock, events: DirectoryEvents): Promise<Directory> {
    const directory = new Directory(store, clock, events);
    await directory.refresh();
    return directory;
  }

  find(id: string): Channel | null {
    const channel = this.#channels.get(id);
    return channel === undefined || this.#isOver(channel) ? null : channel;
  }

  /** Whether another process has written since the last look. */
  get stale(): boolean {
    return this.#store.version() !== this.#version;
  }

  async setAck(channel: Channel, ack: Channel['ack']): Promise<void> {
    await this.#store.setAck(channel.id, ack);
    const changed = { ...channel, ack };
    this.#channels.set(channel.id, changed);
    this.#events.onChanged(changed);
  }

  /** Looks whether anything has changed. Rejects with StoreError. */
  async refresh(): Promise<void> {
    const version = this.#store.version();
    if (version !== this.#version) {
      const found = new Map((await this.#store.channels()).map((channel) => [channel.id, channel]));
      this.#version = version;
      for (const id of this.#channels.keys()) if (!found.has(id)) this.#forget(id);
      for (const channel of found.values()) {
        const known = this.#channels.get(channel.id);
        this.#channels.set(channel.id, channel);
        if (known !== undefined && known.ack !== channel.ack) this.#events.onChanged(channel);
      }
    }
    for (const channel of this.#channels.values())
      if (this.#isOver(channel)) this.#events.onGone(channel.id, 'the channel has expired');
  }

  stop(): void {
    this.#stop();
  }

  #forget(id: string): void {
    this.#channels.delete(id);
    this.#events.onGone(id, 'the channel was revoked');
  }

  #isOver({ expiresAt }: Channel): boolean {
    return expiresAt !== null && expiresAt <= this.#clock.now();
  }
}
