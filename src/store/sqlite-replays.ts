import type Database from 'libsql';
import type { ReplayState } from '../core/store.ts';

export function saveReplay(db: Database.Database, { run, plan, reached, state }: ReplayState): void {
  db.prepare('INSERT OR REPLACE INTO replays (run, plan, reached, state) VALUES (?, ?, ?, ?)').run([
    run,
    plan,
    reached,
    state,
  ]);
}

export function findReplay(db: Database.Database, run: string): ReplayState | null {
  const sql = 'SELECT plan, reached, state FROM replays WHERE run = ?';
  const [found] = db.prepare(sql).raw().all([run]) as [string, number, ReplayState['state']][];
  if (found === undefined) return null;
  const [plan, reached, state] = found;
  return { run, plan, reached, state };
}
