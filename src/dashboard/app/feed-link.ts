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
  heartbeat(data: { now_ms: number }): void;
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
  /**
   * When the open connection was asked for or last said something, by both clocks: the one may be set back, the other
   * stands still while the machine sleeps.
   */
  #stirred = { at: 0, elapsed: 0 };
  #lostSince: number | null = null;
  #retryMs = FIRST_RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #hiding: ReturnType<typeof setTimeout> | undefined;
  /** The question under way whether the server is there and knows this page. */
  #question: AbortController | null = null;
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
    this.#letGo();
  }

  #letGo(): void {
    clearTimeout(this.#retry);
    this.#question?.abort();
    this.#question = null;
    this.#source?.close();
    this.#source = null;
  }

  #connect(): void {
    this.#letGo();
    const source = new EventSource(`/api/feed${this.#lastId === '' ? '' : `?after=${this.#lastId}`}`);
    this.#source = source;
    this.#stirred = { at: Date.now(), elapsed: performance.now() };
    this.#letGoWhileHidden();
    const on = <Data>(name: string, take: (data: Data) => void) =>
      source.addEventListener(name, (event: MessageEvent<string>) => {
        if (source !== this.#source) return;
        this.#heard();
        take(JSON.parse(event.data) as Data);
        if (event.lastEventId !== '') this.#lastId = event.lastEventId;
      });
    on('snapshot', this.#handlers.snapshot);
    on('changes', this.#handlers.changes);
    on('heartbeat', this.#handlers.heartbeat);
    // Where nothing has come about meanwhile, the next message may be a while off.
    source.addEventListener('open', () => {
      if (source === this.#source) this.#heard();
    });
    source.addEventListener('error', () => {
      if (source === this.#source) this.#lose();
    });
  }

  #heard(): void {
    this.#heardAt = Date.now();
    this.#stirred = { at: this.#heardAt, elapsed: performance.now() };
    this.#retryMs = FIRST_RETRY_MS;
    this.#lostSince = null;
    this.#handlers.state({ name: 'live' });
  }

  #check(): void {
    const { at, elapsed } = this.#stirred;
    const silence = Math.max(Date.now() - at, performance.now() - elapsed);
    if (this.#source !== null && silence > SILENCE_MS) this.#lose();
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
    clearTimeout(this.#retry);
    this.#question?.abort();
    const question = new AbortController();
    this.#question = question;
    const late = setTimeout(() => question.abort(), SILENCE_MS);
    const known = await mayLook(question.signal).catch(() => null);
    clearTimeout(late);
    // Another question may have been asked since, or the answer not be wanted any more.
    if (this.#stopped || question !== this.#question) return;
    this.#question = null;
    if (known === null) return this.#lose();
    if (known) return this.#connect();
    this.#stop();
    this.#handlers.state({ name: 'refused' });
  }

  #connectSoon(): void {
    if (!this.#stopped && this.#source === null) void this.#tryAgain();
  }

  #seen(): void {
    this.#letGoWhileHidden();
    if (document.visibilityState !== 'visible' || this.#stopped) return;
    if (this.#source === null && this.#lostSince === null) this.start();
    else this.#connectSoon();
  }

  #letGoWhileHidden(): void {
    clearTimeout(this.#hiding);
    if (document.visibilityState === 'visible') return;
    this.#hiding = setTimeout(() => {
      this.#source?.close();
      this.#source = null;
    }, HIDDEN_MS);
  }
}
