import { StoreError } from '../core/errors.ts';

/** A write that waits for its transaction. */
interface Pending<Job> {
  job: Job;
  bytes: number;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

export interface GroupCommitOptions {
  /** A batch is committed as soon as it holds this many jobs, else at the end of the event loop's turn. */
  batch: number;
  /** Jobs that nobody waits for are committed once there are this many, or after so many ms. */
  gather: { batch: number; ms: number };
  /** Once this many jobs wait, or so many bytes, the next one is refused as `full`. */
  limit: number;
  limitBytes: number;
  /** How long a locked store is tried again before the waiting jobs are refused as `busy`, ms. */
  patienceMs: number;
}

/** What may wait for the disk unless told otherwise, bytes. */
export const QUEUE_BYTES = 64 * 1024 ** 2;

/**
 * `patient` lets a job wait for others, which makes a batch of one cost what a batch of many does. `spare` is what can be
 * done without: it has a quarter of the queue, so that the others have room whatever there is of it.
 */
export type Urgency = 'hurry' | 'patient' | 'spare';

const RETRY_MS = 5;
const SPARE_SHARE = 4;

/**
 * Gathers writes that arrive together into one transaction: a job's promise settles after its commit, never before.
 * While another process holds the lock the event loop goes on, and the queue grows up to its limit.
 */
export class GroupCommit<Job> {
  readonly #commit: (jobs: Job[], bytes: number) => unknown[];
  readonly #options: GroupCommitOptions;
  #queue: Pending<Job>[] = [];
  #bytes = 0;
  #scheduled = false;
  #gathering: NodeJS.Timeout | null = null;
  #lockedSince: number | null = null;
  #idle: (() => void)[] = [];

  constructor(commit: (jobs: Job[], bytes: number) => unknown[], options: GroupCommitOptions) {
    this.#commit = commit;
    this.#options = options;
  }

  /** `bytes` is what the job holds in memory while it waits. */
  add<Result>(job: Job, bytes = 0, urgency: Urgency = 'hurry'): Promise<Result> {
    const refusal = this.#refusal(bytes, urgency);
    if (refusal !== null) return Promise.reject(refusal);
    this.#bytes += bytes;
    return new Promise<Result>((resolve, reject) => {
      this.#queue.push({ job, bytes, resolve: resolve as (result: unknown) => void, reject });
      if (this.#lockedSince !== null) return;
      const { batch, gather } = this.#options;
      const hurry = urgency !== 'patient';
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

  /** One job alone is let in, however large: it could never be otherwise. */
  #refusal(bytes: number, urgency: Urgency): StoreError | null {
    const { limit, limitBytes } = this.#options;
    const share = urgency === 'spare' ? SPARE_SHARE : 1;
    const waiting = this.#queue.length;
    if (waiting < limit / share && (waiting === 0 || this.#bytes + bytes <= limitBytes / share)) return null;
    const writes = `${waiting.toLocaleString('en')} ${waiting === 1 ? 'write' : 'writes'}`;
    const size = `${Math.round(this.#bytes / 1024 ** 2)} MiB`;
    return new StoreError(
      `The store's queue is full (${writes}, ${size}): the disk is slow, or another process holds the store.`,
      'full',
    );
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
        results = this.#commit(
          batch.map(({ job }) => job),
          bytesOf(batch),
        );
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
        this.#bytes -= bytesOf(batch);
        for (const pending of batch) pending.reject(error);
        continue;
      }
      this.#lockedSince = null;
      this.#bytes -= bytesOf(batch);
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

function bytesOf(batch: readonly Pending<unknown>[]): number {
  let sum = 0;
  for (const { bytes } of batch) sum += bytes;
  return sum;
}
