import type Database from 'libsql';
import type { ReplayState } from '../core/store.ts';

export function saveReplay(db: Database.Database, { run, plan, reached, ended }: ReplayState): void {
  db.prepare('INSERT OR REPLACE INTO replays (run, plan, reached, ended) VALUES (?, ?, ?, ?)').run([
    run,
    plan,
    reached,
    ended ? 1 : 0,
  ]);
}

export function findReplay(db: Database.Database, run: string): ReplayState | null {
  const sql = 'SELECT plan, reached, ended FROM replays WHERE run = ?';
  const [found] = db.prepare(sql).raw().all([run]) as [string, number, number][];
  if (found === undefined) return null;
  const [plan, reached, ended] = found;
  return { run, plan, reached, ended: ended === 1 };
}
