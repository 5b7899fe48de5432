import type { FileKind } from './sqlite-file.ts';

/** Deliveries only grow at their end, and leave mostly from their beginning. A large content is in a file of its own. */
const SCHEMA = `
CREATE TABLE channels (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  ack TEXT NOT NULL,
  token_hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  channel TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  content BLOB,
  file TEXT
) STRICT;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** A relay's file ("MORL"). */
export const RELAY_FILE: FileKind = {
  name: 'mo-notify relay store',
  applicationId: 0x4d4f524c,
  migrations: [SCHEMA],
};
