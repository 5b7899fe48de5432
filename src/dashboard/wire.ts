import type { CallStatus } from '../core/call.ts';
import type { CallFinding } from '../core/call-story.ts';
import type { AttemptJson, ReceiptJson } from '../core/record.ts';
import type { Report } from '../report/report.ts';

// What goes between the dashboard's server and its page. Times that end in `_ms` are ms since the epoch.

/** A call as the page lists it. */
export interface CallRow {
  /** A number made of its id: ids come from outside, and may be as long as a body. */
  key: number;
  call_id: string;
  /** Null while none of its events is known to a call's life. */
  status: CallStatus | null;
  caller_number: string | null;
  receiver_number: string | null;
  direction: string | null;
  /** As the latest event has it that names one. */
  queue: string | null;
  agent_id: string | null;
  started_ms: number | null;
  connected_ms: number | null;
  /** When the event came about that gave it its status. */
  since_ms: number | null;
  ended: boolean;
  /** What its end says of its length; null before, or where it does not say. */
  duration_seconds: number | null;
  /** The latest in order of life, and when it got here. */
  last: { event: string; event_id: string | null; received_ms: number };
  /** The latest receipts that told of it: the events that are shown by showing this. */
  seqs: number[];
  events: number;
  /** How many things in its story do not fit. */
  warnings: number;
}

/** A record of the log as the page lists it: its line of NDJSON (contract §3), and where it is. */
export type DeliveryRow = (ReceiptJson | AttemptJson) & {
  seq: number;
  caller_number: string | null;
  receiver_number: string | null;
};

/** All there is to show, for a page that has nothing yet, or has missed too much: then `missed` comes before it. */
export interface Snapshot {
  now_ms: number;
  calls: CallRow[];
  /** The latest first. */
  records: DeliveryRow[];
  trouble: string | null;
  about: About;
}

/** What does not change while the server runs. */
export interface About {
  version: string;
  /** Where the records are. */
  location: string;
  /** The receiver's URL; null where none runs here. */
  receiver: string | null;
  /** The app's URL, to which a delivery can be sent again; null without one. */
  app: string | null;
}

/** What has changed since the message before. */
export interface Changes {
  now_ms: number;
  calls: CallRow[];
  /** Keys of calls that are no longer kept. */
  gone: number[];
  /** New records and such as have changed, the latest first. */
  records: DeliveryRow[];
  /** How many new records were too many to be sent: the page's list begins anew with `records`. */
  skipped: number;
  /** How many receipts came too fast, and are yet to be told of. */
  behind: number;
  /** Why the log cannot be read just now; null where it can. */
  trouble: string | null;
}

/** One delivery with all that is known of it. */
export interface Inspection {
  row: DeliveryRow;
  headers: [name: string, value: string][] | null;
  /** Null where it is not on record. */
  body_base64: string | null;
  /** Whether that is only its beginning. */
  body_cut: boolean;
  /** Why its signature was not taken, as far as that can be said. */
  explanation: string | null;
  /** The beginning of what the app said. */
  answer: string | null;
  /** Every record of the same event, the oldest first, this one among them. */
  related: DeliveryRow[];
  /** True where older records were too many to be looked through. */
  related_cut: boolean;
}

export interface CallDetail {
  row: CallRow;
  events: {
    event: string;
    event_id: string | null;
    timestamp_ms: number | null;
    received_ms: number;
    seq: number;
  }[];
  findings: CallFinding[];
}

/** What came of sending a delivery to the app again. */
export interface Resent {
  status: number | null;
  duration_ms: number;
  error: string | null;
  answer: string;
}

export interface DeliveryPage {
  records: DeliveryRow[];
  /** Where older ones follow; null at the log's beginning. */
  cursor: string | null;
  /** How many records were looked at. */
  scanned: number;
}

export const WINDOWS = { '15m': 900_000, '1h': 3_600_000, '24h': 86_400_000, all: null } as const;
export type WindowName = keyof typeof WINDOWS;

export interface KpiPage {
  report: Report;
  /** Values in ms with how often each occurred, ascending. */
  latency: { webhook: [ms: number, count: number][]; widget: [ms: number, count: number][] };
  rates: { from_ms: number; step_ms: number; steps: RateColumns };
  /** How long the counting took, ms: the page asks again accordingly seldom. */
  took_ms: number;
}

/** One number for each step of time. */
export interface RateColumns {
  received: number[];
  duplicates: number[];
  refused: number[];
  sent: number[];
  failed: number[];
}
