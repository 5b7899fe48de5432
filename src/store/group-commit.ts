import { StoreError } from '../core/errors.ts';

/** A write that waits for its transaction. */
interface Pending<Job> {
  job: Job;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

export interface GroupCommitOptions {
  /** A batch is committed as soon as it holds this many jobs, else at the end of the event loop's turn. */
  batch: number;
  /** Jobs that nobody waits for are committed once there are this many, or after so many ms. */
  gather: { batch: number; ms: number };
  /** More than this many waiting jobs and the next one is refused as `full`. */
  limit: number;
  /** How long a locked store is tried again before the waiting jobs are refused as `busy`, ms. */
  patienceMs: number;
}

const RETRY_MS = 5;

/**
 * Gathers writes that arrive together into one transaction: a job's promise settles after its commit, never before.
 * While another process holds the lock the event loop goes on, and the queue grows up to its limit.
 */
export class GroupCommit<Job> {
  readonly #commit: (jobs: Job[]) => unknown[];
  readonly #options: GroupCommitOptions;
  #queue: Pending<Job>[] = [];
  #scheduled = false;
  #gathering: NodeJS.Timeout | null = null;
  #lockedSince: number | null = null;
  #idle: (() => void)[] = [];

  constructor(commit: (jobs: Job[]) => unknown[], options: GroupCommitOptions) {
    this.#commit = commit;
    this.#options = options;
  }

  /** `hurry` false lets the job wait for others; it makes a batch of one cost what a batch of many does. */
  add<Result>(job: Job, hurry = true): Promise<Result> {
    if (this.#queue.length >= this.#options.limit) {
      return Promise.reject(
        new StoreError(`The store's queue is full (${this.#options.limit} writes).`, 'full'),
      );
    }
    return new Promise<Result>((resolve, reject) => {
      this.#queue.push({ job, resolve: resolve as (result: unknown) => void, reject });
      if (this.#lockedSince !== null) return;
      const { batch, gather } = this.#options;
      if (this.#queue.length >= (hurry ? batch : gather.batch)) this.#flush();
      else if (hurry) this.#schedule();
      else this.#gathering ??= setTimeout(this.#flush, gather.ms);
    });
  }

  /** Resolves once nothing waits any more. */
  drained(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve();
    if (this.#lockedSince === null) this.#schedule();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, Math.max(this.#options.batch, this.#options.gather.batch));
      let results: unknown[];
      try {
        results = this.#commit(batch.map((pending) => pending.job));
      } catch (error) {
        const locked = error instanceof StoreError && error.reason === 'busy';
        if (locked && this.#hasPatience()) {
          this.#queue.unshift(...batch);
          setTimeout(this.#flush, RETRY_MS);
          return;
        }
        // Where the lock outlasted the patience, those behind would only wait in vain as well.
        if (locked) batch.push(...this.#queue.splice(0));
        this.#lockedSince = null;
        for (const pending of batch) pending.reject(error);
        continue;
      }
      this.#lockedSince = null;
      for (let i = 0; i < batch.length; i++) (batch[i] as Pending<Job>).resolve(results[i]);
    }
    this.#lockedSince = null;
    for (const resolve of this.#idle.splice(0)) resolve();
  };

  #hasPatience(): boolean {
    this.#lockedSince ??= performance.now();
    return performance.now() - this.#lockedSince < this.#options.patienceMs;
  }
}
