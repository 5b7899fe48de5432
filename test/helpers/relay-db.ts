import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';

/** What a relay's store holds, read over a connection of its own: what is not committed is not seen. */
export function onDisk(cwd: string): { seq: number; attempts: number }[] {
  return query(cwd, (db) => db.prepare('SELECT seq, attempts FROM deliveries ORDER BY seq').all()) as {
    seq: number;
    attempts: number;
  }[];
}

/** Has the relay's store take no deliveries, until the answer is called. */
export function breakStore(cwd: string): () => void {
  const trigger = "BEFORE INSERT ON deliveries BEGIN SELECT RAISE(FAIL, 'the disk is on fire'); END";
  query(cwd, (db) => db.exec(`CREATE TRIGGER fire ${trigger}`));
  return () => query(cwd, (db) => db.exec('DROP TRIGGER fire'));
}

/** All that is in any file of a folder, as latin1. */
export function allFiles(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

function query<Result>(cwd: string, work: (db: Database.Database) => Result): Result {
  const db = new Database(join(cwd, '.mo-notify/relay.db'));
  try {
    return work(db);
  } finally {
    db.close();
  }
}
