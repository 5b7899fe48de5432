import type { RawHeaders } from './headers.ts';
import type { Attempt, ForwardResult, Receipt } from './record.ts';
import type { Tally } from './tally.ts';

/** A receipt on its way into the store, with what only the store keeps. */
export interface NewReceipt extends Omit<Receipt, 'duplicate' | 'forward'> {
  body: Uint8Array;
  headers: RawHeaders;
  /** When the event says it happened; null where it does not say. */
  timestampMs: number | null;
  /** True where the delivery counts as received: verified, and answered with a 2xx or handed on. */
  accepted: boolean;
  /** True where it is to be handed on to an app; the store remembers that until `settleForward`. */
  forwarding: boolean;
}

/** The receipt that another one repeats. `forward` says whether the app still has to be given the event. */
export interface FirstReceipt {
  seq: number;
  eventId: string | null;
  receivedAt: number;
  forward: 'none' | 'pending' | 'failed';
}

/** What the store made of a receipt. */
export interface StoredReceipt {
  seq: number;
  duplicate: Receipt['duplicate'];
  /** The same event again, whose forward failed before: no duplicate, but the sender's retry at work. */
  redelivery: boolean;
  first: FirstReceipt | null;
}

/** What became of a forward: `owed` where the event's next delivery is to be forwarded again. */
export interface Settlement {
  seqs: readonly number[];
  /** Null where there was none to settle, but an answer to note. */
  forward: ForwardResult | null;
  /** What the sender was answered. */
  status: number;
  owed: boolean;
}

/** A receipt whose forward was cut off, by a crash. `status` is what its sender had been answered, if anything. */
export interface UnforwardedReceipt {
  seq: number;
  status: number | null;
  headers: RawHeaders;
  body: Uint8Array;
}

/** Which records a question is about. Times are ms since the epoch; `until` is exclusive. */
export interface RecordFilter {
  since?: number;
  until?: number;
  endpoint?: string;
  event?: string;
  run?: string;
}

/**
 * The delivery log. Everything a method resolves for has been committed: it survives `kill -9` (contract §5).
 * All methods reject with StoreError; `busy` and `full` may pass by themselves.
 */
export interface Store {
  /** Where the records are, for messages. */
  readonly location: string;
  /** Stores a receipt and decides, in the same transaction, whether it is a duplicate (contract §2). */
  addReceipt(receipt: NewReceipt): Promise<StoredReceipt>;
  /** Notes what the app answered, and what was answered to the sender, on a receipt and the one it repeats. */
  settleForward(settlement: Settlement): Promise<void>;
  /**
   * The receipts whose forward an earlier process was cut off in. What had been acknowledged stays pending until it is
   * settled, so that another crash does not lose it; the rest counts as failed, for the sender's retry to mend.
   */
  takeUnforwarded(): Promise<UnforwardedReceipt[]>;
  /** Stores an attempt. `body` is kept where given: with the first attempt of a delivery. */
  addAttempt(attempt: Attempt, body: Uint8Array | null): Promise<void>;
  /** Counts and distributions of all records that match. */
  tally(filter: RecordFilter): Promise<Tally>;
  attempts(filter: RecordFilter): AsyncIterable<Attempt>;
  receipts(filter: RecordFilter): AsyncIterable<Receipt>;
  close(): Promise<void>;
}
