import type { ServerResponse } from 'node:http';
import type { Payload } from '../core/payload.ts';
import type { Receipt } from '../core/record.ts';
import type { Store } from '../core/store.ts';
import type { TimeSource } from '../core/time-source.ts';
import { FeedClient, type MessageSource } from './feed-client.ts';
import { FeedState } from './feed-state.ts';
import { type Followed, LogFollower } from './log-follower.ts';
import { encode, type Message, MessageLog } from './message-log.ts';
import type { About, CallDetail, Snapshot } from './wire.ts';

/** Changes are gathered for so long, ms; what comes alone goes out at once. */
const GATHER_MS = 100;
const HEARTBEAT_MS = 5000;
/** With nobody looking for so long the log is not followed any more, ms. */
const LINGER_MS = 30_000;
/** A snapshot serves others that come within so many ms; the messages since bring them up to date. */
const SNAPSHOT_MS = 1000;

export interface FeedOptions extends TimeSource {
  store: Store;
  about: About;
}

/** What pages are told as it happens: one stream for all of them, which begins with a snapshot for each. */
export class Feed implements MessageSource {
  readonly #options: FeedOptions;
  readonly #messages: MessageLog;
  readonly #clients = new Set<FeedClient>();
  #opening = 0;
  /** Null while nobody looks. */
  #follower: LogFollower | null = null;
  #ready: Promise<void> = Promise.resolve();
  #loaded = false;
  #state = new FeedState();
  #timers: Partial<Record<'flush' | 'heartbeat' | 'linger', NodeJS.Timeout>> = {};
  #flushedAt = Number.NEGATIVE_INFINITY;
  #snapshot: { message: Message; madeAt: number } | null = null;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#messages = new MessageLog(options.now());
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  /** How many pages look, those among them that are about to. */
  get clients(): number {
    return this.#clients.size + this.#opening;
  }

  /** Resolves once it knows the log as far as pages show it; then the page is to join. Rejects with StoreError. */
  async open(): Promise<void> {
    this.#opening += 1;
    try {
      await this.#follow();
    } catch (error) {
      this.#opening -= 1;
      throw error;
    }
  }

  /** Streams to a page whose head has been sent; `after` is the last message it knows. */
  join(response: ServerResponse, after: number | null): void {
    this.#opening -= 1;
    if (response.destroyed) return this.#linger();
    const client = new FeedClient(response, this, after);
    this.#clients.add(client);
    response.on('error', () => {});
    response.once('close', () => {
      this.#clients.delete(client);
      this.#linger();
    });
    client.pump();
  }

  /** See LogFollower: for a receiver in this process. */
  received(seq: number, receipt: Receipt, payload: Payload): void {
    this.#follower?.offer(seq, receipt, payload);
  }

  /** The answer to one of those is known, or what the app said to it. */
  answered(receipt: Receipt): void {
    if (this.#follower !== null && this.#state.answered(receipt)) this.#schedule();
  }

  /** The story of a call that pages list; null for another. */
  call(key: number): CallDetail | null {
    return this.#state.call(key, this.#options.now());
  }

  /** Looks for new records now rather than in a while. */
  poll(): void {
    void this.#follower?.poll();
  }

  /** Ends all streams, once they have been sent what is known. */
  close(): void {
    if (this.#timers.flush !== undefined) this.#flush();
    this.#pump();
    for (const client of this.#clients) client.end();
    this.#stop();
  }

  after(id: number): Message | null | 'lost' {
    return this.#messages.after(id);
  }

  snapshot(): Message {
    const [now, elapsed] = [this.#options.now(), this.#options.elapsed()];
    const made = this.#snapshot;
    if (made !== null && elapsed - made.madeAt < SNAPSHOT_MS && this.after(made.message.id) !== 'lost')
      return made.message;
    if (this.#timers.flush !== undefined) {
      this.#flush();
      setImmediate(() => this.#pump());
    }
    const data: Snapshot = { ...this.#state.snapshot(now), about: this.#options.about };
    const message = { id: this.#messages.last, bytes: encode('snapshot', data, this.#messages.last) };
    this.#snapshot = { message, madeAt: elapsed };
    return message;
  }

  #follow(): Promise<void> {
    clearTimeout(this.#timers.linger);
    if (this.#follower !== null) return this.#ready;
    const follower = new LogFollower(this.#options.store, this.#followed(), this.#options);
    this.#follower = follower;
    this.#timers.heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS).unref();
    // By then it may have been stopped, and another be under way.
    const current = () => this.#follower === follower;
    this.#ready = follower.start().then(() => (current() ? this.#begin() : undefined));
    this.#ready.catch(() => (current() ? this.#stop() : undefined));
    return this.#ready;
  }

  #begin(): void {
    this.#state.begin(this.#options.now());
    this.#loaded = true;
    this.#pump();
  }

  #linger(): void {
    if (this.clients > 0 || this.#follower === null) return;
    clearTimeout(this.#timers.linger);
    this.#timers.linger = setTimeout(() => this.#stop(), LINGER_MS).unref();
  }

  /** Forgets all it knows: whoever looks next has it read anew. */
  #stop(): void {
    this.#follower?.stop();
    this.#follower = null;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#timers = {};
    this.#state = new FeedState();
    this.#snapshot = null;
    this.#loaded = false;
    this.#messages.forget();
  }

  #followed(): Followed {
    return {
      added: (seq, record, payload) => {
        this.#state.add(seq, record, payload);
        this.#schedule();
      },
      settled: (seq, receipt) => {
        this.#state.settle(seq, receipt);
        this.#schedule();
      },
      skipped: (count) => this.#state.skip(count),
      reset: () => {
        this.#stop();
        this.#follow().catch(() => this.close());
      },
      behind: (behind) => {
        if (this.#state.report({ behind })) this.#schedule();
      },
      trouble: (trouble) => {
        if (this.#state.report({ trouble })) this.#schedule();
      },
    };
  }

  #schedule(): void {
    if (this.#timers.flush !== undefined || !this.#loaded) return;
    const wait = Math.max(0, GATHER_MS - (performance.now() - this.#flushedAt));
    this.#timers.flush = setTimeout(() => {
      this.#flush();
      this.#pump();
    }, wait);
  }

  /** Makes a message of what has changed. */
  #flush(): void {
    clearTimeout(this.#timers.flush);
    delete this.#timers.flush;
    this.#flushedAt = performance.now();
    const made = this.#state.changes(this.#options.now());
    if (made === null) return;
    this.#messages.add('changes', made.changes);
    if (made.more) this.#schedule();
  }

  #pump(): void {
    for (const client of this.#clients) client.pump();
  }

  /** A sign of life for pages, and the end of those that do not read. */
  #beat(): void {
    if (this.#state.giveUp(this.#options.now())) this.#schedule();
    const beat = encode('heartbeat', { now_ms: this.#options.now() });
    for (const client of this.#clients) {
      client.write(beat);
      client.check();
    }
  }
}
