import { randomInt } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { OWED, type Value } from './sqlite-rows.ts';
import type { Statements } from './statements.ts';

export interface LeaseOptions {
  /** A lease that was not renewed for so long has run out, ms. */
  ms: number;
  /** A clock that is never set, ms. */
  monotonic: () => number;
  /** Whether there is such a process on this machine. */
  isAlive: (pid: number) => boolean;
}

/** Longer than a locked store is waited for, so that a lock alone ends no lease. */
export const LEASE: LeaseOptions = { ms: 10_000, monotonic: () => performance.now(), isAlive: () => true };

/** So often within its length it is renewed. */
const RENEWALS = 3;

/**
 * The lease by which forwards that are under way belong to one run: a process with the store open (contract §2). A
 * receipt has the run's number in `owed` meanwhile, and the run says in `runs`, now and then, that it is there. Others
 * see that it does, by a clock of their own that is never set, so no clock need be right. It has run out where nothing
 * was said for the lease's length, and at once where the run was closed or its process is gone from this machine.
 */
export class Lease {
  /** This run's number. Those up to `OWED.failed` and the one after it have a meaning of their own. */
  readonly run = randomInt(OWED.abandoned + 1, 2 ** 47);
  readonly renewMs: number;
  readonly #statements: Statements;
  readonly #options: LeaseOptions;
  readonly #machine = machine();
  /** What other runs said last, and when it was seen. */
  readonly #seen = new Map<number, { beat: number; at: number }>();
  #beat = 0;
  #renewedAt: number | null = null;
  /** Told when something is under way by now. */
  whenHeld = () => {};

  constructor(statements: Statements, options: LeaseOptions) {
    this.#statements = statements;
    this.#options = options;
    this.renewMs = options.ms / RENEWALS;
  }

  /** Whether others may see this run. */
  get held(): boolean {
    return this.#renewedAt !== null;
  }

  /** Says that this run is there, unless it just has. Inside a transaction. */
  hold(): void {
    this.#statements.onCommit(this.whenHeld);
    const now = this.#options.monotonic();
    if (this.#renewedAt !== null && now - this.#renewedAt < this.renewMs) return;
    this.#beat += 1;
    this.#statements.run('INSERT OR REPLACE INTO runs (id, pid, machine, beat) VALUES (?, ?, ?, ?)', [
      this.run,
      process.pid,
      this.#machine,
      this.#beat,
    ]);
    this.#statements.onCommit(() => {
      this.#renewedAt = now;
    });
  }

  /** The same while anything is under way; false once nothing is. */
  renew(): boolean {
    const [mine] = this.#rows('SELECT 1 FROM receipts WHERE owed = ? LIMIT 1', [this.run]);
    if (mine === undefined) return false;
    this.hold();
    return true;
  }

  /** Leaves what is still under way to others, at once. Inside a transaction. */
  release(): void {
    this.#statements.run('DELETE FROM runs WHERE id = ?', [this.run]);
  }

  /**
   * The other runs that have something under way and whose lease has run out; and in how many ms it is worth looking
   * again. Inside a transaction.
   */
  runOut(): { runs: number[]; lookAgainMs: number } {
    const now = this.#options.monotonic();
    const others = this.#rows(
      `SELECT CAST(owed AS INTEGER) FROM (
         SELECT DISTINCT owed FROM receipts WHERE owed > ${OWED.failed} AND owed < ?1
         UNION SELECT DISTINCT owed FROM receipts WHERE owed > ?1)`,
      [this.run],
    ).flat();
    const left = others.map((run): [number, number] => [run, this.#leftOf(run, now)]);
    const waits = left.map(([, ms]) => ms).filter((ms) => ms > 0);
    return {
      runs: left.filter(([, ms]) => ms <= 0).map(([run]) => run),
      lookAgainMs: Math.min(this.#options.ms, ...waits),
    };
  }

  /** How long another run's lease still holds, ms. */
  #leftOf(run: number, now: number): number {
    const [found] = this.#rows(
      'SELECT CAST(pid AS INTEGER), machine = ?2, CAST(beat AS INTEGER) FROM runs WHERE id = ?1',
      [run, this.#machine],
    );
    if (found === undefined) return 0;
    const [pid, here, beat] = found as [number, 0 | 1, number];
    if (here === 1 && !this.#options.isAlive(pid)) return 0;
    const seen = this.#seen.get(run);
    if (seen?.beat !== beat) {
      this.#seen.set(run, { beat, at: now });
      return this.#options.ms;
    }
    return this.#options.ms - (now - seen.at);
  }

  #rows(sql: string, values: Value[]): number[][] {
    return this.#statements.prepare(sql).raw().all(values) as number[][];
  }
}

/** Renews a lease for as long as anything is under way; `renew` says whether it still is. Answers with how to end that. */
export function keepRenewed(lease: Lease, renew: () => Promise<boolean>): () => void {
  let timer: NodeJS.Timeout | null = null;
  let ended = false;
  let again = false;
  const schedule = () => {
    if (!ended) timer ??= setTimeout(tick, lease.renewMs).unref();
  };
  const tick = async () => {
    again = false;
    // Where it could not be, the store is locked, for others too.
    const more = await renew().catch(() => true);
    timer = null;
    if (more || again) schedule();
  };
  lease.whenHeld = () => {
    again = true;
    schedule();
  };
  return () => {
    ended = true;
    if (timer !== null) clearTimeout(timer);
  };
}

/** Where process numbers mean the same: a container has numbers of its own. */
function machine(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
