import { StoreError } from '../core/errors.ts';
import { headerValue } from '../core/headers.ts';
import type { Pieces } from '../core/pieces.ts';
import { isSuccess } from '../core/record.ts';
import type { KeptDelivery, RelayStore } from '../core/relay-store.ts';
import { DEFAULT_SCHEDULE, retryDelay } from '../core/schedule.ts';
import type { Clock } from './clock.ts';
import { discard } from './discard.ts';
import type { AnswerFrame } from './frames.ts';
import type { Listener } from './listener.ts';
import type { Memory } from './memory.ts';

/** So much may be on its way to a listener that has not answered yet: it keeps a long way full and a slow one from filling memory. */
const WINDOW = { deliveries: 256, bytes: 1024 ** 2 };

/** How long to wait where memory is full, or the store fails, ms. */
const RETRY_MS = 1000;

/** No pause of the schedule is longer, ms: what is due later than that was put off before the clock was set back. */
const LONGEST_PAUSE_MS = 30_000;

type Entry = Omit<KeptDelivery, 'channel' | 'dueAt'> & {
  /** When it came and when it is due, as `clock.elapsed` has it. */
  cameAt: number;
  dueAt: number;
  /** Here still, because it has only just come. */
  content: Pieces | null;
};

export interface BacklogOptions {
  store: RelayStore;
  clock: Clock;
  random: () => number;
  memory: Memory;
  /** A listener has answered: with a 2xx, with something else that is tried again, or for the last time. */
  onAnswered(result: 'delivered' | 'retried' | 'failed', answer: AnswerFrame): void;
  onStoreFailure(error: unknown): void;
}

/**
 * What one channel keeps on disk until a listener has taken it: handed on in the order it came, at least once. What the
 * app refuses is tried again as the platform would do it (contract §1), while others go on.
 */
export class Backlog {
  readonly #options: BacklogOptions;
  /** Due, in order; those before `#head` have left. */
  #due: Entry[] = [];
  #head = 0;
  /** To be tried again later, by when. */
  #later: Entry[] = [];
  readonly #underWay = new Map<Entry, Listener>();
  #bytes = 0;
  #bytesUnderWay = 0;
  #listener: Listener | null = null;
  #pumping = false;
  #stopped = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  #stopWaiting: () => void = () => {};

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#due.length - this.#head + this.#later.length + this.#underWay.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes what is on disk: all of it in the order of `seq`, what is new behind what is there. Its content may be discarded. */
  add(delivery: Omit<KeptDelivery, 'channel'>, content: Pieces | null): void {
    this.#bytes += delivery.bytes;
    const [now, elapsed] = [this.#options.clock.now(), this.#options.clock.elapsed()];
    const pause = Math.min(LONGEST_PAUSE_MS, Math.max(0, delivery.dueAt - now));
    const age = Math.max(0, now - delivery.receivedAt);
    const entry = { ...delivery, cameAt: elapsed - age, dueAt: elapsed + pause, content: null };
    if (pause > 0) this.#postpone(entry);
    else {
      const next = this.#listener !== null && this.#head === this.#due.length && this.#roomFor(entry);
      this.#due.push(next ? { ...entry, content } : entry);
      if (!next && content !== null) discard(content);
    }
    void this.#pump();
  }

  /** From now on this listener gets them; null for none. What another one has may still be answered. */
  handTo(listener: Listener | null): void {
    if (listener === this.#listener) return;
    this.#listener = listener;
    void this.#pump();
  }

  /** What this listener has not answered is due again, before all else. */
  lost(listener: Listener): void {
    const left = [...this.#underWay].filter(([, by]) => by === listener).map(([entry]) => entry);
    for (const entry of left) {
      this.#underWay.delete(entry);
      this.#bytesUnderWay -= entry.bytes;
    }
    this.#due = [...left.sort((a, b) => a.seq - b.seq), ...this.#due.slice(this.#head)];
    this.#head = 0;
    void this.#pump();
  }

  /** Gives up what came before this moment and is not under way. Answers with how many that were. */
  expire(before: number): number {
    const { clock } = this.#options;
    const cameBefore = clock.elapsed() - (clock.now() - before);
    const old = (entry: Entry) => entry.cameAt < cameBefore;
    const expired = [...this.#due.slice(this.#head), ...this.#later].filter(old);
    if (expired.length === 0) return 0;
    this.#due = this.#due.slice(this.#head).filter((entry) => !old(entry));
    this.#head = 0;
    this.#later = this.#later.filter((entry) => !old(entry));
    for (const entry of expired) this.#bytes -= entry.bytes;
    this.#drop(expired.map(({ seq }) => seq));
    return expired.length;
  }

  /** Hands on nothing more. An answer that still comes is written down. */
  stop(): void {
    this.#stopped = true;
    this.#listener = null;
    this.#stopWaiting();
  }

  #roomFor({ bytes }: Entry): boolean {
    if (this.#underWay.size === 0) return true;
    return this.#underWay.size < WINDOW.deliveries && this.#bytesUnderWay + bytes <= WINDOW.bytes;
  }

  async #read(seq: number): Promise<Pieces | null> {
    const bytes = await this.#options.store.content(seq);
    return bytes === null ? null : [bytes];
  }

  /** Hands on what is due while there is room, one after the other, so that the order stays. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (;;) {
        const entry = this.#due[this.#head];
        const listener = this.#listener;
        if (entry === undefined || listener === null || !this.#roomFor(entry)) return;
        if (!this.#options.memory.fitsFromDisk(entry.bytes)) return this.#wait(entry);
        const content = entry.content ?? (await this.#read(entry.seq));
        // While it was read, the listener may have gone, and with it the order of what is due.
        if (this.#listener !== listener || this.#due[this.#head] !== entry) continue;
        entry.content = null;
        this.#head += 1;
        if (this.#head > 1024 && this.#head * 2 > this.#due.length) {
          this.#due = this.#due.slice(this.#head);
          this.#head = 0;
        }
        if (content === null) this.#giveUp(entry);
        else void this.#hand(entry, content, listener);
      }
    } catch (error) {
      this.#options.onStoreFailure(error);
      this.#wake(RETRY_MS);
    } finally {
      this.#pumping = false;
    }
  }

  /** Memory is full: what has only just come stays on disk alone. */
  #wait(entry: Entry): void {
    if (entry.content !== null) discard(entry.content);
    entry.content = null;
    this.#wake(RETRY_MS);
  }

  async #hand(entry: Entry, content: Pieces, listener: Listener): Promise<void> {
    this.#underWay.set(entry, listener);
    this.#bytesUnderWay += entry.bytes;
    const answer = await listener.deliver(content, { kept: true, receivedAt: entry.receivedAt });
    // Of a link that has ended: it is due again.
    if (answer === null || !this.#underWay.delete(entry)) return;
    this.#bytesUnderWay -= entry.bytes;
    this.#settle(entry, answer);
    void this.#pump();
  }

  #settle(entry: Entry, answer: AnswerFrame): void {
    const { clock, random, store, onAnswered, onStoreFailure } = this.#options;
    const now = clock.now();
    entry.attempts += 1;
    const pause = isSuccess(answer.status)
      ? null
      : retryDelay(
          DEFAULT_SCHEDULE,
          entry.attempts,
          { status: answer.status, retryAfter: headerValue(answer.headers, 'Retry-After') ?? null, now },
          random(),
        );
    if (pause === null) {
      this.#bytes -= entry.bytes;
      this.#drop([entry.seq]);
      return onAnswered(isSuccess(answer.status) ? 'delivered' : 'failed', answer);
    }
    entry.dueAt = clock.elapsed() + pause;
    this.#postpone(entry);
    store.postpone(entry.seq, entry.attempts, now + pause).catch(onStoreFailure);
    onAnswered('retried', answer);
  }

  /** Somebody has taken it from under us. */
  #giveUp({ seq, bytes }: Entry): void {
    const { store, onStoreFailure } = this.#options;
    this.#bytes -= bytes;
    this.#drop([seq]);
    onStoreFailure(
      new StoreError(`A delivery that ${store.location} should keep is not there any more.`, 'damaged'),
    );
  }

  #drop(seqs: number[]): void {
    this.#options.store.drop(seqs).catch(this.#options.onStoreFailure);
  }

  #postpone(entry: Entry): void {
    const after = this.#later.findLastIndex(({ dueAt }) => dueAt <= entry.dueAt);
    this.#later.splice(after + 1, 0, entry);
    if (after < 0) this.#wake(entry.dueAt - this.#options.clock.elapsed());
  }

  /** Looks again after so many ms, unless that is done sooner anyway. */
  #wake(ms: number): void {
    const { clock } = this.#options;
    const at = clock.elapsed() + Math.max(1, ms);
    if (this.#stopped || at >= this.#wakeAt) return;
    this.#stopWaiting();
    this.#wakeAt = at;
    this.#stopWaiting = clock.after(Math.max(1, ms), () => this.#takeDue());
  }

  #takeDue(): void {
    this.#wakeAt = Number.POSITIVE_INFINITY;
    const now = this.#options.clock.elapsed();
    while (this.#later[0] !== undefined && this.#later[0].dueAt <= now)
      this.#due.push(this.#later.shift() as Entry);
    const next = this.#later[0];
    if (next !== undefined) this.#wake(next.dueAt - now);
    void this.#pump();
  }
}
