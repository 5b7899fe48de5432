import type Database from 'libsql';
import type { ReplayState } from '../core/store.ts';
import { textOf } from './sqlite-text.ts';

/** False where the run is no longer as it was `seen`: another process has gone on with it. */
export function saveReplay(
  db: Database.Database,
  state: ReplayState,
  seen: ReplayState | undefined,
): boolean {
  if (seen !== undefined && !isSame(findReplay(db, seen.run), seen)) return false;
  db.prepare(
    'INSERT OR REPLACE INTO replays (run, plan, reached, settled, state) VALUES (?, ?, ?, ?, ?)',
  ).run([state.run, state.plan, state.reached, state.settled, state.state]);
  return true;
}

export function findReplay(db: Database.Database, run: string): ReplayState | null {
  const sql = `SELECT CAST(plan AS BLOB), CAST(reached AS INTEGER), CAST(settled AS INTEGER), CAST(state AS BLOB)
    FROM replays WHERE run = ?`;
  const [found] = db.prepare(sql).raw().all([run]) as [ArrayBuffer, number, number, ArrayBuffer][];
  if (found === undefined) return null;
  const [plan, reached, settled, state] = found;
  return { run, plan: textOf(plan), reached, settled, state: textOf(state) as ReplayState['state'] };
}

function isSame(found: ReplayState | null, { plan, reached, state }: ReplayState): boolean {
  return found !== null && found.plan === plan && found.reached === reached && found.state === state;
}
