import type { Changes, Snapshot } from '../wire.ts';
import { mayLook } from './session.ts';

/** What is known of the link to the server. Times are ms since the epoch. */
export type LinkState =
  | { name: 'connecting' }
  | { name: 'live' }
  | { name: 'lost'; since: number }
  | { name: 'paused'; since: number }
  /** The server is another run's, and does not know this page. */
  | { name: 'refused' };

export interface FeedHandlers {
  snapshot(data: Snapshot): void;
  changes(data: Changes): void;
  /** So much was missed that everything comes anew. */
  missed(): void;
  state(state: LinkState): void;
}

/** The server gives a sign of life every 5 s. */
const SILENCE_MS = 12_000;
const CHECK_MS = 1000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;
/** A page that nobody sees lets go of its connection after so long: a browser has six for each server. */
const HIDDEN_MS = 60_000;

/**
 * The page's end of the feed. It connects anew by itself, asking for what came after the last message it knows, and takes
 * silence for what it is: a connection that is open and dead.
 */
export class FeedLink {
  readonly #handlers: FeedHandlers;
  #source: EventSource | null = null;
  /** The last message that was taken in; empty before the first. */
  #lastId = '';
  #heardAt = 0;
  #lostSince: number | null = null;
  #retryMs = FIRST_RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #hiding: ReturnType<typeof setTimeout> | undefined;
  #stopped = true;

  constructor(handlers: FeedHandlers) {
    this.#handlers = handlers;
    setInterval(() => this.#check(), CHECK_MS);
    addEventListener('online', () => this.#connectSoon());
    document.addEventListener('visibilitychange', () => this.#seen());
  }

  /** When the server was last heard of, ms since the epoch; 0 for never. */
  get heardAt(): number {
    return this.#heardAt;
  }

  start(): void {
    this.#stopped = false;
    this.#handlers.state({ name: 'connecting' });
    this.#connect();
  }

  pause(): void {
    this.#stop();
    this.#handlers.state({ name: 'paused', since: Date.now() });
  }

  #stop(): void {
    this.#stopped = true;
    this.#lostSince = null;
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#source?.close();
    const source = new EventSource(`/api/feed${this.#lastId === '' ? '' : `?after=${this.#lastId}`}`);
    this.#source = source;
    const on = <Data>(name: string, take: (data: Data) => void) =>
      source.addEventListener(name, (event: MessageEvent<string>) => {
        if (source !== this.#source) return;
        this.#heard();
        take(JSON.parse(event.data) as Data);
        if (event.lastEventId !== '') this.#lastId = event.lastEventId;
      });
    on('snapshot', this.#handlers.snapshot);
    on('changes', this.#handlers.changes);
    on('missed', this.#handlers.missed);
    on('heartbeat', () => {});
    source.addEventListener('error', () => {
      if (source === this.#source) this.#lose();
    });
  }

  #heard(): void {
    this.#heardAt = Date.now();
    this.#retryMs = FIRST_RETRY_MS;
    const recovered = this.#lostSince !== null;
    this.#lostSince = null;
    if (recovered || this.#source?.readyState === EventSource.OPEN) this.#handlers.state({ name: 'live' });
  }

  #check(): void {
    if (this.#stopped || this.#source === null) return;
    if (this.#lostSince === null && this.#heardAt > 0 && Date.now() - this.#heardAt > SILENCE_MS)
      this.#lose();
  }

  /** Says since when, and connects again in a while. */
  #lose(): void {
    this.#source?.close();
    this.#source = null;
    if (this.#stopped) return;
    this.#lostSince ??= this.#heardAt === 0 ? Date.now() : this.#heardAt;
    this.#handlers.state({ name: 'lost', since: this.#lostSince });
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#tryAgain(), this.#retryMs * (0.8 + 0.4 * Math.random()));
    this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2);
  }

  /** An event source does not tell why it failed, so that is asked first. */
  async #tryAgain(): Promise<void> {
    const known = await mayLook().catch(() => null);
    if (this.#stopped) return;
    if (known === null) return this.#lose();
    if (known) return this.#connect();
    this.#stop();
    this.#handlers.state({ name: 'refused' });
  }

  #connectSoon(): void {
    if (!this.#stopped && this.#source === null) void this.#tryAgain();
  }

  #seen(): void {
    clearTimeout(this.#hiding);
    if (this.#stopped) return;
    if (document.visibilityState === 'visible') {
      if (this.#source === null && this.#lostSince === null) this.start();
    } else {
      this.#hiding = setTimeout(() => {
        this.#source?.close();
        this.#source = null;
      }, HIDDEN_MS);
    }
  }
}
