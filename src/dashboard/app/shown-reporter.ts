const REPORT_MS = 1000;
/** What nobody has scrolled to by then is not reported any more. */
const MOST_WAITING = 20_000;
const MOST_A_REPORT = 1000;

/**
 * Reports when each event was first shown: when a row that tells of it was painted on a page that is visible (contract
 * §4, widget_latency_median). What came before the page began to look is not reported: nobody waited for it.
 */
export class ShownReporter {
  /** Events that no row has shown yet. */
  readonly #waiting = new Set<number>();
  readonly #serverNow: () => number;
  #shown: [seq: number, ms: number][] = [];
  #painting: number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #from = 0;

  /** `serverNow` is ms since the epoch by the server's clock. */
  constructor(serverNow: () => number) {
    this.#serverNow = serverNow;
    addEventListener('pagehide', () => this.#send());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.beginAnew();
    });
  }

  /** Somebody begins to look at something else than before: what it shows of the past was not late. */
  beginAnew(): void {
    this.countFrom(this.#serverNow());
  }

  /** Leaves out what was received before this, ms since the epoch by the server's clock. */
  countFrom(ms: number): void {
    this.#from = ms;
    this.#waiting.clear();
  }

  add(seq: number, receivedMs: number): void {
    // A clock that was set back would leave out all that comes until it is there again.
    this.#from = Math.min(this.#from, this.#serverNow());
    if (receivedMs < this.#from) return;
    this.#waiting.add(seq);
    for (const oldest of this.#waiting) {
      if (this.#waiting.size <= MOST_WAITING) break;
      this.#waiting.delete(oldest);
    }
  }

  /** Rows that tell of these events are in sight now. */
  shown(seqs: Iterable<number>): void {
    if (this.#waiting.size === 0 || document.visibilityState !== 'visible') return;
    const idle = this.#painting.length === 0;
    for (const seq of seqs) if (this.#waiting.delete(seq)) this.#painting.push(seq);
    if (!idle || this.#painting.length === 0) return;
    // The next frame paints them, and what is sent from there arrives after it.
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        this.#painted();
      };
      port2.postMessage(null);
    });
  }

  #painted(): void {
    const now = Date.now();
    for (const seq of this.#painting) this.#shown.push([seq, now]);
    this.#painting = [];
    this.#timer ??= setTimeout(() => this.#send(), REPORT_MS);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#shown.length > 0) {
      const body = JSON.stringify({ shown: this.#shown.splice(0, MOST_A_REPORT) });
      // What does not get there is not counted; it says nothing of how late it was shown.
      fetch('/api/shown', { method: 'POST', body, keepalive: true }).catch(() => {});
    }
  }
}
