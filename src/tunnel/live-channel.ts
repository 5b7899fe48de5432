import { HEADER, headerValue, type RawHeaders } from '../core/headers.ts';
import { type Pieces, sizeOf } from '../core/pieces.ts';
import type { Channel, RelayStore } from '../core/relay-store.ts';
import type { Answer, RequestInPieces } from '../http/serve-options.ts';
import { Backlog } from './backlog.ts';
import { type ChannelCounts, noCounts } from './channel-counts.ts';
import type { Clock } from './clock.ts';
import { forwardedHeaders, type Origin } from './forwarding.ts';
import { encodeContent } from './frames.ts';
import { sayable } from './hand-over.ts';
import { CLOSE } from './link.ts';
import type { Listener } from './listener.ts';
import type { Memory } from './memory.ts';

/** The platform gives up after 30 s (contract §1); the relay a moment before, so that its word still arrives. */
const ANSWER_MS = 29_000;
/** Bytes of copies that may wait for one listener. */
const MAX_COPIES = 8 * 1024 ** 2;
const RETRY_SOON = ['Retry-After', '1'];
const RETRY_LATER = ['Retry-After', '5'];
const KEPT: Answer = { status: 200, headers: ['Content-Type', 'text/plain'], body: 'ok' };
const NOBODY: Answer = { status: 503, headers: RETRY_LATER, body: 'No listener is attached, try again' };
const LOST: Answer = {
  status: 503,
  headers: RETRY_SOON,
  body: 'The listener was lost before it answered, try again',
};
const LATE: Answer = { status: 504, headers: RETRY_SOON, body: 'The listener did not answer in time' };
const NOT_KEPT: Answer = { status: 503, headers: RETRY_SOON, body: 'Not stored, try again' };

export interface LiveChannelOptions {
  channel: Channel;
  store: RelayStore;
  clock: Clock;
  random: () => number;
  /** How many bytes may wait, for an answer or for a listener. */
  maxQueue: number;
  /** All channels' together. */
  memory: Memory;
  onFailed(status: number): void;
  onStoreFailure(error: unknown): void;
}

/** A channel while the relay runs: who listens, what is under way, what waits. */
export class LiveChannel {
  channel: Channel;
  readonly backlog: Backlog;
  readonly counts: ChannelCounts = noCounts();
  readonly #options: LiveChannelOptions;
  /** In the order they came; the first one that is open answers. */
  #listeners: Listener[] = [];
  /** Bytes of requests that are coming in or wait for an answer. */
  #reserved = 0;

  constructor(options: LiveChannelOptions) {
    this.#options = options;
    this.channel = options.channel;
    const { store, clock, random, memory, onFailed, onStoreFailure } = options;
    this.backlog = new Backlog({
      ...{ store, clock, random, memory },
      onAnswered: (result, { status }) => {
        this.counts[result] += 1;
        if (result === 'failed') onFailed(status);
      },
      onStoreFailure,
    });
  }

  get listeners(): readonly Listener[] {
    return this.#listeners;
  }

  get underWay(): number {
    return this.#reserved;
  }

  /** Says at a request's head whether there is any point in its body; null where there is. */
  refusal(bytes: number, headers: RawHeaders): Answer | null {
    const probe = probeOf(headers);
    if ((this.channel.ack === 'app' || probe !== undefined) && this.#answering(probe) === undefined) {
      this.counts.unattended += 1;
      return NOBODY;
    }
    const { maxQueue, memory } = this.#options;
    // What was given up as late may still be on its way to a slow listener.
    const unsent = this.#first()?.link.buffered ?? 0;
    const queueFull = Math.max(this.#reserved, unsent) + this.backlog.bytes + bytes > maxQueue;
    if (!queueFull && memory.fits(bytes)) return null;
    this.counts.full += 1;
    const what = queueFull
      ? `${maxQueue} bytes wait in this channel`
      : `${memory.max} bytes wait in this relay`;
    return { ...NOBODY, body: `More than ${what}, try again` };
  }

  reserve(bytes: number): void {
    this.#reserved += bytes;
    this.#options.memory.take(bytes);
  }

  release(bytes: number): void {
    this.#reserved -= bytes;
    this.#options.memory.free(bytes);
  }

  /** Answers one delivery. Never rejects. */
  async publish(request: RequestInPieces, from: Origin): Promise<Answer> {
    const content = encodeContent(forwardedHeaders(request, from), request.pieces);
    // A probe asks for the listener, not for the disk.
    const probe = probeOf(request.headers);
    if (this.channel.ack === 'app' || probe !== undefined)
      return this.#pass(content, request.receivedAt, this.#answering(probe));
    try {
      const { receivedAt } = request;
      const seq = await this.#options.store.keep(this.channel.id, receivedAt, content);
      this.#copy(content, receivedAt);
      this.backlog.add({ seq, receivedAt, attempts: 0, dueAt: 0, bytes: sizeOf(content) }, content);
      this.counts.kept += 1;
      return KEPT;
    } catch (error) {
      this.#options.onStoreFailure(error);
      return NOT_KEPT;
    }
  }

  async #pass(content: Pieces, receivedAt: number, listener: Listener | undefined): Promise<Answer> {
    if (listener === undefined) {
      this.counts.unattended += 1;
      return NOBODY;
    }
    if (listener.open) this.#copy(content, receivedAt);
    let cancel = () => {};
    const late = new Promise<'late'>((resolve) => {
      cancel = this.#options.clock.after(ANSWER_MS, () => resolve('late'));
    });
    const answer = await Promise.race([listener.deliver(content, { kept: false, receivedAt }), late]);
    cancel();
    if (answer === 'late') this.counts.late += 1;
    else if (answer === null) this.counts.lost += 1;
    else this.counts.passed += 1;
    if (answer === 'late') return LATE;
    return answer === null ? LOST : sayable(answer);
  }

  /** Those who share the channel get what the first one gets. */
  #copy(content: Pieces, receivedAt: number): void {
    if (this.#listeners.length < 2) return;
    const first = this.#first();
    // Where memory is full, only who keeps up gets copies.
    const mayWait = this.#options.memory.fits(sizeOf(content)) ? MAX_COPIES : 0;
    for (const listener of this.#listeners)
      if (listener.open && listener !== first) listener.deliverCopy(content, { receivedAt, mayWait });
  }

  /** Whose answer goes back: of a probe, the listener's that sent it. */
  #answering(probe: string | undefined): Listener | undefined {
    return probe === undefined ? this.#first() : this.#listeners.find(({ session }) => session === probe);
  }

  #first(): Listener | undefined {
    return this.#listeners.find(({ open }) => open);
  }

  /** Who is attached already, but for the former link of the same listener. */
  others(session: string): Listener[] {
    return this.#listeners.filter((listener) => listener.session !== session);
  }

  /** Takes a listener in. Its own former link gives way, and with `takeover` everybody else's too. */
  attach(listener: Listener, takeover: boolean): void {
    for (const other of [...this.#listeners]) {
      if (other.session === listener.session)
        this.#dismiss(other, CLOSE.replaced, 'the same listener is back');
      else if (takeover) this.#dismiss(other, CLOSE.replaced, 'another listener took the channel over');
    }
    this.#listeners.push(listener);
  }

  /** Deliveries may come to it, or are to come no more. */
  setOpen(listener: Listener, open: boolean): void {
    listener.open = open;
    this.backlog.handTo(this.#first() ?? null);
  }

  detach(listener: Listener): void {
    this.#listeners = this.#listeners.filter((other) => other !== listener);
    listener.lost();
    this.backlog.lost(listener);
    this.backlog.handTo(this.#first() ?? null);
  }

  dismissAll(code: number, reason: string): void {
    for (const listener of [...this.#listeners]) this.#dismiss(listener, code, reason);
  }

  #dismiss(listener: Listener, code: number, reason: string): void {
    listener.link.close(code, reason);
    this.detach(listener);
  }
}

/** Which listener sent this to itself (see probe.ts). */
function probeOf(headers: RawHeaders): string | undefined {
  return headerValue(headers, HEADER.probe);
}
