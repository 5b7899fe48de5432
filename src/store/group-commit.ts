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
  #lockedSince: number | null = null;
  #idle: (() => void)[] = [];

  constructor(commit: (jobs: Job[]) => unknown[], options: GroupCommitOptions) {
    this.#commit = commit;
    this.#options = options;
  }

  add<Result>(job: Job): Promise<Result> {
    if (this.#queue.length >= this.#options.limit) {
      return Promise.reject(
        new StoreError(`The store's queue is full (${this.#options.limit} writes).`, 'full'),
      );
    }
    return new Promise<Result>((resolve, reject) => {
      this.#queue.push({ job, resolve: resolve as (result: unknown) => void, reject });
      if (this.#lockedSince !== null) return;
      if (this.#queue.length >= this.#options.batch) this.#flush();
      else if (!this.#scheduled) {
        this.#scheduled = true;
        setImmediate(this.#flush);
      }
    });
  }

  /** Resolves once nothing waits any more. */
  drained(): Promise<void> {
    return this.#queue.length === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, this.#options.batch);
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
