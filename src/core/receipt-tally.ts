import { isRefused, type Receipt } from './record.ts';
import { emptyReceiptTally, type ReceiptTally } from './tally.ts';

/** What of a receipt counts, beside its times. `forwarded` where an app was asked. */
export interface ReceiptFacts extends Pick<Receipt, 'event' | 'signature' | 'duplicate'> {
  accepted: boolean;
  redelivery: boolean;
  forwarded: boolean;
}

/** Adds receipts up to what reports are made of (contract §4). */
export class ReceiptCounter {
  readonly tally: ReceiptTally = emptyReceiptTally();
  readonly #latencies = new Map<number, number>();
  readonly #widget = new Map<number, number>();

  /** `latencyMs` is null where it says nothing, `widgetMs` where the event was not on a page. */
  add(facts: ReceiptFacts, latencyMs: number | null, widgetMs: number | null): void {
    const { event, signature, duplicate, accepted, redelivery, forwarded } = facts;
    const { tally } = this;
    tally.receipts += 1;
    if (isRefused(facts)) tally.refused += 1;
    if (duplicate === 'duplicate') {
      tally.duplicates += 1;
      if (!forwarded) tally.dropped += 1;
    }
    if (duplicate === 'conflict') tally.conflicts += 1;
    if (duplicate === 'suspected_replay') tally.suspectedReplays += 1;
    if (!accepted || duplicate !== null || redelivery) return;
    tally.events += 1;
    const type = event ?? 'unknown';
    tally.eventsByType[type] = (tally.eventsByType[type] ?? 0) + 1;
    if (latencyMs === null || signature !== 'valid') return;
    if (latencyMs < 0) {
      tally.skewed += 1;
      return;
    }
    this.#latencies.set(latencyMs, (this.#latencies.get(latencyMs) ?? 0) + 1);
    // Only a log from elsewhere has an event on a page before it came.
    if (widgetMs !== null && widgetMs >= 0) this.#widget.set(widgetMs, (this.#widget.get(widgetMs) ?? 0) + 1);
  }

  /** The tally; nothing more is added after this. */
  end(): ReceiptTally {
    for (const [ms, n] of this.#latencies) this.tally.latency.record(ms, n);
    for (const [ms, n] of this.#widget) this.tally.widget.record(ms, n);
    this.#latencies.clear();
    this.#widget.clear();
    return this.tally;
  }
}
