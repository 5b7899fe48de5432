import type { RawHeaders } from './headers.ts';
import type { Attempt, ForwardResult, LogRecord, Receipt, RecordKind } from './record.ts';
import type { Tally } from './tally.ts';

/** A receipt on its way into the store, with what only the store keeps. */
export interface NewReceipt extends Omit<Receipt, 'duplicate' | 'forward' | 'shownAt'> {
  body: Uint8Array;
  headers: RawHeaders;
  /** What the sender asked for, as `askedFor` has it; its path is part of the key that duplicates are known by. */
  asked: string;
  /** When the event says it happened; null where it does not say. */
  timestampMs: number | null;
  /** True where the delivery counts as received: verified, and answered with a 2xx or handed on. */
  accepted: boolean;
  /** True where it is to be handed on to an app by this process; the store remembers that until `settleForward`. */
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
  /** The beginning of what the app said, which is kept beside the forward. */
  answer?: string;
  /** What the sender was answered. */
  status: number;
  owed: boolean;
}

/** A receipt whose forward was cut off, by a crash. `status` is what its sender had been answered, if anything. */
export interface UnforwardedReceipt {
  seq: number;
  status: number | null;
  headers: RawHeaders;
  /** See NewReceipt. */
  asked: string;
  body: Uint8Array;
}

/** What a look for cut off forwards has found. */
export interface Unforwarded {
  receipts: UnforwardedReceipt[];
  /** When a look may find more: another process's lease may have run out by then, ms. */
  lookAgainMs: number;
}

/** Which records a question is about. Times are ms since the epoch; `until` is exclusive. */
export interface RecordFilter {
  since?: number;
  until?: number;
  endpoint?: string;
  event?: string;
  run?: string;
  eventId?: string;
  callId?: string;
  /** By the answer: a status, a class of them, anything but a 2xx. */
  status?: StatusFilter;
}

/** `least` and `most` bound the answer's status; `failed` is everything but a 2xx, no answer included. */
export type StatusFilter = 'failed' | { least: number; most: number };

/** Which of the matching records are read, and how. */
export interface ReadOptions {
  /** The latest first. */
  newestFirst?: boolean;
  /** Only records that came after this one, or before it where the latest come first: a `seq`. */
  after?: number;
  /** Only records up to this `seq`. */
  through?: number;
  /** With headers and bodies, which are large. Credentials among the headers are masked. */
  bodies?: boolean;
  /** As they came, where an app is still owed the event: for sending it again. */
  credentials?: boolean;
}

/** A record and its place in the log. */
export interface LogEntry {
  seq: number;
  record: LogRecord;
  /** Whether a body is on record, be it read or not. */
  hasBody: boolean;
  /** Whether that is only its beginning. */
  cut: boolean;
}

/** A receipt, and when the event in it was on a page, ms since the epoch. */
export interface Shown {
  seq: number;
  at: number;
}

/** What came and went in one step of time, negative tests left out. */
export interface RateStep {
  /** The start of the step, ms since the epoch: a multiple of its length. */
  at: number;
  /** All receipts, those below among them. */
  received: number;
  duplicates: number;
  /** Not rightly signed. */
  refused: number;
  /** All attempts. */
  sent: number;
  /** Attempts not answered with a 2xx. */
  failed: number;
}

/** What a prune removes, or would. */
export interface PruneCounts {
  attempts: number;
  receipts: number;
  /** Receipts of which only the key is left, by which the same delivery is still known. */
  keys: number;
  /** Receipts that stay, because an app has yet to be given their event. */
  owed: number;
}

/** A replay, as far as it is known to have come (see sender/replay.ts). */
export interface ReplayState {
  run: string;
  /** What it replays and how, as JSON. */
  plan: string;
  /** How many deliveries it may have begun. */
  reached: number;
  /** Of how many of those, the first ones, nothing is in the dark: what was begun is on record. */
  settled: number;
  /** `running` where it was killed, too; after `stopped` nothing was under way. */
  state: 'running' | 'stopped' | 'done';
}

/**
 * The delivery log. Everything a method resolves for has been committed: it survives `kill -9` (contract §5).
 * All methods reject with StoreError; `busy` and `full` may pass by themselves.
 */
export interface Store {
  /** Where the records are, for messages. */
  readonly location: string;
  /**
   * Stores a receipt and decides, in the same transaction, whether it is a duplicate (contract §2). Refused ones go again
   * as others come, and those that find no room are not stored; all of them stay in the figures.
   */
  addReceipt(receipt: NewReceipt): Promise<StoredReceipt>;
  /** Notes what the app answered, and what was answered to the sender, on a receipt and the one it repeats. */
  settleForward(settlement: Settlement): Promise<void>;
  /**
   * The receipts whose forward was cut off in another process: its lease on them has run out, which it has at once where
   * the store was closed or the process is known to be gone. What had been acknowledged stays pending until it is settled,
   * and belongs to the caller now; the rest counts as failed, for the sender's retry to mend.
   */
  takeUnforwarded(): Promise<Unforwarded>;
  /** Stores an attempt. `body` is kept where given: with the first attempt of a delivery. */
  addAttempt(attempt: Attempt, body: Uint8Array | null): Promise<void>;
  /**
   * Notes when events were first on a page; a later showing changes nothing, and none is from before its receipt. What
   * is not on record any more is passed over.
   */
  noteShown(shown: readonly Shown[]): Promise<void>;
  /** Counts and distributions of all records that match. */
  tally(filter: RecordFilter): Promise<Tally>;
  /** What came and went in each step of `stepMs`, in order of time; steps in which nothing did are left out. */
  rates(filter: RecordFilter, stepMs: number): Promise<RateStep[]>;
  attempts(filter: RecordFilter): AsyncIterable<Attempt>;
  receipts(filter: RecordFilter): AsyncIterable<Receipt>;
  /** The records of one kind, in order of arrival. */
  entries(kind: RecordKind, filter: RecordFilter, options?: ReadOptions): AsyncIterable<LogEntry>;
  /** How many records match. */
  count(kind: RecordKind, filter: RecordFilter): Promise<number>;
  /** The greatest `seq` of a kind; 0 where there is none. */
  last(kind: RecordKind): Promise<number>;
  /** Adds a record as it is, verdicts included: one from another log. */
  addRecord(record: LogRecord): Promise<void>;
  /**
   * Removes records from before `before`. Of receipts since `keepKeysSince` the key stays, so that a late copy of what
   * they held is still a duplicate; what an app has yet to be given stays whole.
   */
  prune(before: number, keepKeysSince: number, options: { dryRun: boolean }): Promise<PruneCounts>;
  /** Resolves to false, and changes nothing, where the run is no longer as it was `seen`. */
  saveReplay(state: ReplayState, seen?: ReplayState): Promise<boolean>;
  replay(run: string): Promise<ReplayState | null>;
  close(): Promise<void>;
}
