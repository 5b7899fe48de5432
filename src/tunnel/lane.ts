import type { Clock } from './clock.ts';
import type { ListenerAnswer } from './tunnel-options.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** One delivery in a lane. */
interface Job {
  work: () => Promise<ListenerAnswer>;
  done: (answer: ListenerAnswer) => void;
}

/**
 * Deals with deliveries one at a time, in the order they came. Where the app or the log cannot be reached, the same one
 * is tried again until it can: the next would fare no better.
 */
export class Lane {
  readonly #clock: Clock;
  readonly #onStuck: (answer: ListenerAnswer | null) => void;
  #jobs: Job[] = [];
  #running = false;
  #stuck = false;
  /** How often it was cleared. */
  #clears = 0;
  #stopWaiting: () => void = () => {};

  /** `onStuck` is told of an answer that something was unavailable, and of null once it goes on. */
  constructor(clock: Clock, onStuck: (answer: ListenerAnswer | null) => void) {
    this.#clock = clock;
    this.#onStuck = onStuck;
  }

  add(work: () => Promise<ListenerAnswer>, done: (answer: ListenerAnswer) => void): void {
    this.#jobs.push({ work, done });
    if (!this.#running) void this.#run();
  }

  /** Forgets what has not been begun; what is under way is nobody's any more. */
  clear(): void {
    this.#clears += 1;
    this.#jobs = [];
    this.#stopWaiting();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      const answer = await this.#insist(job);
      if (answer !== null) job.done(answer);
    }
    this.#running = false;
  }

  /** Null where the lane was cleared meanwhile. */
  async #insist({ work }: Job): Promise<ListenerAnswer | null> {
    const clears = this.#clears;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      const answer = await work();
      if (answer.unavailable !== true) {
        if (this.#stuck) this.#onStuck(null);
        this.#stuck = false;
        return answer;
      }
      if (clears !== this.#clears) return null;
      this.#stuck = true;
      this.#onStuck(answer);
      const waited = await this.#wait(pauseMs);
      if (!waited) return null;
    }
  }

  #wait(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, () => resolve(true));
      this.#stopWaiting = () => {
        cancel();
        resolve(false);
      };
    });
  }
}
