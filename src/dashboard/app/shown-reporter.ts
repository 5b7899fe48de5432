const REPORT_MS = 1000;
/** What nobody has scrolled to by then is not reported any more. */
const MOST_WAITING = 20_000;
const MOST_A_REPORT = 1000;

/**
 * Reports when each event was first shown: when a row that tells of it was painted on a page that is visible (contract
 * §4, widget_latency_median). What was on record before the page began to look is not reported.
 */
export class ShownReporter {
  /** Events that no row has shown yet. */
  readonly #waiting = new Set<number>();
  #shown: [seq: number, ms: number][] = [];
  #painting: number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #from = 0;

  constructor() {
    addEventListener('pagehide', () => this.#send());
  }

  /** Leaves out what was received before this, ms since the epoch by the server's clock: nobody was looking. */
  countFrom(ms: number): void {
    this.#from = ms;
    this.#waiting.clear();
  }

  add(seqs: readonly number[], receivedMs: number): void {
    if (receivedMs < this.#from) return;
    for (const seq of seqs) this.#waiting.add(seq);
    for (const seq of this.#waiting) {
      if (this.#waiting.size <= MOST_WAITING) break;
      this.#waiting.delete(seq);
    }
  }

  /** Rows that tell of these events are in the page now. */
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
