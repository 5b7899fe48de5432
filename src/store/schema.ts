import { maskSecrets } from './mask-secrets.ts';
import type { FileKind } from './sqlite-file.ts';

/**
 * A receipt has a body key where it was accepted and is no duplicate. Each index holds the receipts that were first
 * with their body or their event id, so a look-up finds one row however often the same thing was sent.
 */
export const FIRST_OF_BODY = "body_key IS NOT NULL AND duplicate IS NOT 'suspected_replay'";
export const FIRST_OF_EVENT = "body_key IS NOT NULL AND duplicate IS NOT 'conflict'";

/**
 * Both tables only grow at their end. The two indexes serve deduplication: the body's
 * key begins with the event's own timestamp and event ids mostly rise with time, so new keys land on the index's last
 * pages, which is what keeps storing fast.
 */
const SCHEMA = `
CREATE TABLE receipts (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  event_id TEXT,
  event TEXT,
  call_id TEXT,
  received_at INTEGER NOT NULL,
  signature TEXT NOT NULL,
  duplicate TEXT,
  latency_ms INTEGER,
  status INTEGER,
  forward TEXT,
  owed INTEGER,
  flags TEXT,
  detail TEXT NOT NULL,
  body_key BLOB,
  body BLOB
) STRICT;
CREATE UNIQUE INDEX receipts_by_body ON receipts (body_key) WHERE ${FIRST_OF_BODY};
CREATE UNIQUE INDEX receipts_by_event ON receipts (event_id) WHERE ${FIRST_OF_EVENT};
CREATE INDEX receipts_owed ON receipts (owed) WHERE owed IS NOT NULL;
CREATE TABLE attempts (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  event TEXT,
  call_id TEXT,
  endpoint TEXT NOT NULL,
  url TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  status INTEGER,
  outcome TEXT NOT NULL,
  duration_ms REAL NOT NULL,
  final INTEGER NOT NULL,
  run TEXT NOT NULL,
  replay_of TEXT,
  error TEXT,
  fault TEXT,
  body BLOB
) STRICT;
`;

/** How far each replay has come, for `--resume`. */
const REPLAYS = `
CREATE TABLE replays (
  run TEXT PRIMARY KEY,
  plan TEXT NOT NULL,
  reached INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** When the dashboard first showed a receipt's event. Null, as nearly all are, takes a byte. */
const SHOWN = 'ALTER TABLE receipts ADD COLUMN shown_at INTEGER;';

/** The path in a body key (see keyOf); empty for nearly all. */
export const PATH_OF_KEY = 'substr(body_key, 39)';

/** The same event at another path is another delivery, where paths count. */
const PATHS = `
DROP INDEX receipts_by_event;
CREATE UNIQUE INDEX receipts_by_event ON receipts (event_id, ${PATH_OF_KEY}) WHERE ${FIRST_OF_EVENT};
`;

/**
 * Refused deliveries on record, and how many are not any more (see sqlite-refused.ts). Those of earlier versions are
 * whole; they count by about what they take, and go in their turn.
 */
const REFUSALS = `
CREATE TABLE refused (
  start INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  size INTEGER NOT NULL
) STRICT;
CREATE TABLE refused_hours (
  hour INTEGER NOT NULL,
  event TEXT NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (hour, event)
) STRICT, WITHOUT ROWID;
INSERT INTO refused (start, seq, size)
  SELECT sum(size) OVER (ORDER BY seq) - size, seq, size
  FROM (
    SELECT seq, 512 + length(detail) + coalesce(length(body), 0) AS size
    FROM receipts WHERE signature NOT IN ('valid', 'unchecked')
  );
`;

/** The runs that may have forwards under way (see sqlite-lease.ts); what earlier versions left so is nobody's. */
const RUNS = `
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  pid INTEGER NOT NULL,
  machine TEXT NOT NULL,
  beat INTEGER NOT NULL
) STRICT;
UPDATE receipts SET owed = 3 WHERE owed = 1;
`;

/** The delivery log's file ("MONF"). */
export const DELIVERY_LOG: FileKind = {
  name: 'mo-notify store',
  applicationId: 0x4d4f4e46,
  migrations: [SCHEMA, REPLAYS, SHOWN, PATHS, maskSecrets, REFUSALS, RUNS],
};
