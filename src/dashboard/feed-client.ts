import type { ServerResponse } from 'node:http';
import { encode, type Message } from './message-log.ts';

/** How long a page may leave unread what was sent to it, ms. */
const PATIENCE_MS = 30_000;

/** Where a page's messages come from. */
export interface MessageSource {
  /** False while there is nothing to be told yet. */
  readonly loaded: boolean;
  after(id: number): Message | null | 'lost';
  /** All there is, and the message up to which it tells of everything. */
  snapshot(): Message;
}

/** Comes before a snapshot where the page had asked for what followed a message that is no longer kept. */
const MISSED = encode('missed', {});

/**
 * One page's stream. Messages are fetched for it as fast as it reads, never queued: a page that does not read costs one
 * message's memory, and is cut off in the end (fault F6).
 */
export class FeedClient {
  readonly #response: ServerResponse;
  readonly #source: MessageSource;
  /** The last message it was sent; null before the first. */
  #reached: number | null;
  #blockedSince: number | null = null;

  constructor(response: ServerResponse, source: MessageSource, after: number | null) {
    this.#response = response;
    this.#source = source;
    this.#reached = after;
    response.on('drain', () => {
      this.#blockedSince = null;
      this.pump();
    });
  }

  /** Sends what it has not been sent yet. */
  pump(): void {
    while (this.#source.loaded && this.#blockedSince === null && !this.#response.destroyed) {
      const next = this.#reached === null ? 'lost' : this.#source.after(this.#reached);
      if (next === null) return;
      const message = next === 'lost' ? this.#source.snapshot() : next;
      // Not as one piece: what all pages are sent is there only once.
      if (next === 'lost' && this.#reached !== null) this.#response.write(MISSED);
      this.#reached = message.id;
      this.write(message.bytes);
    }
  }

  /** Sends something that need not be sent again; nothing where it does not read. */
  write(bytes: Buffer): void {
    if (this.#blockedSince !== null || this.#response.destroyed) return;
    if (!this.#response.write(bytes)) this.#blockedSince = performance.now();
  }

  /** Cuts it off where it has not read for too long. */
  check(): void {
    if (this.#blockedSince === null || performance.now() - this.#blockedSince < PATIENCE_MS) return;
    this.#response.destroy();
  }

  end(): void {
    this.#response.end();
  }
}
