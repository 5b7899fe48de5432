import Database from 'libsql';
import { StoreError } from '../core/errors.ts';
import { pause } from './pause.ts';
import { guard } from './sqlite-errors.ts';
import { type FileKind, foreign, type Migration } from './sqlite-file.ts';
import { Statements } from './statements.ts';

const OPEN_TIMEOUT_MS = 5000;
const OPEN_RETRY_MS = 10;

/** Whether what was committed also survives the loss of power (contract §5). */
export type Durability = 'normal' | 'full';

/**
 * Opens the file, again and again where another process is just making it: SQLite refuses some locks at once, whatever
 * time-out it was given. Nothing is under way yet that the waiting could hold up.
 */
export function connect(path: string, kind: FileKind, durability: Durability): Database.Database {
  const deadline = performance.now() + OPEN_TIMEOUT_MS;
  for (;;) {
    try {
      return connectOnce(path, kind, durability);
    } catch (error) {
      const passing = error instanceof StoreError && error.reason === 'busy';
      if (!passing || performance.now() > deadline) throw error;
      pause(OPEN_RETRY_MS);
    }
  }
}

function connectOnce(path: string, kind: FileKind, durability: Durability): Database.Database {
  return guard(path, () => {
    const db = new Database(path, { timeout: OPEN_TIMEOUT_MS });
    try {
      checkOwner(db, path, kind);
      db.exec('PRAGMA journal_mode = WAL');
      // The checkpointer comes first; this bounds the log to 128 MiB without them.
      db.exec('PRAGMA wal_autocheckpoint = 32768');
      db.exec(`PRAGMA synchronous = ${durability}`);
      db.exec('PRAGMA temp_store = memory');
      // What is deleted is a secret at times (see credentials.ts): it is overwritten where that costs nothing.
      db.exec('PRAGMA secure_delete = FAST');
      migrate(db, kind);
      // From here on a held lock is waited for without blocking the event loop (see GroupCommit).
      db.exec('PRAGMA busy_timeout = 2');
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Refuses another program's file and a newer store's before anything in it is changed. */
function checkOwner(db: Database.Database, path: string, kind: FileKind): void {
  // Asked for first: what another process is making just now has its owner as soon as it has tables.
  const tables = pragma(db, 'page_count') > 1;
  const owner = pragma(db, 'application_id');
  if (owner !== kind.applicationId && (tables || owner !== 0)) throw foreign(path, kind);
  const version = pragma(db, 'user_version');
  const known = kind.migrations.length;
  if (version > known) {
    throw new StoreError(
      `The store ${path} was made by a newer mo-notify (schema ${version}, this one knows ${known}). Upgrade mo-notify, or name another --store.`,
      'newer',
    );
  }
}

function migrate(db: Database.Database, { applicationId, migrations }: FileKind): void {
  if (pragma(db, 'user_version') === migrations.length) return;
  const scrub = new Statements(db).inTransaction(() => {
    // Asked again: another process may have been first.
    const steps = migrations.slice(pragma(db, 'user_version')).map((step) => migrateBy(db, step));
    db.exec(`PRAGMA application_id = ${applicationId}`);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    return steps.includes(true);
  });
  if (scrub) writeAnew(db);
}

/** Takes one step; true where the bytes of what it took out are to go, too. */
export function migrateBy(db: Database.Database, step: Migration): boolean {
  if (typeof step === 'function') return step(db);
  db.exec(step);
  return false;
}

/** Writes the whole file anew: in the gaps of its pages there may be copies of what was taken out long ago. */
function writeAnew(db: Database.Database): void {
  try {
    // The copy may be larger than the memory.
    db.exec('PRAGMA temp_store = file; VACUUM; PRAGMA temp_store = memory');
  } catch {
    // Another process reads it, or the disk is full. What was taken out is no record any more all the same.
  }
}

/** Brings the log into the file, so that a copy of the file alone is whole. Others that are at work have it wait. */
export function emptyLog(db: Database.Database): void {
  try {
    db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
  } catch {
    // The log stays beside the file, and the next to open it reads both.
  }
}

function pragma(db: Database.Database, name: string): number {
  return (db.prepare(`PRAGMA ${name}`).raw().all() as [[number]])[0][0];
}
