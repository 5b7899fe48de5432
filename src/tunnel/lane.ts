import { headerValue } from '../core/headers.ts';
import type { Answer } from '../http/serve-options.ts';
import type { Clock } from './clock.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** One delivery in a lane. */
interface Job {
  work: () => Promise<Answer>;
  done: (answer: Answer) => void;
}

/**
 * Deals with deliveries one at a time, in the order they came. Where the receiver says `Retry-After`, because the app or
 * the log cannot be reached, the same one is tried again until it can: the next would fare no better.
 */
export class Lane {
  readonly #clock: Clock;
  readonly #onStuck: (answer: Answer | null) => void;
  #jobs: Job[] = [];
  #running = false;
  #stuck = false;
  /** How often it was cleared. */
  #clears = 0;
  #stopWaiting: () => void = () => {};

  /** `onStuck` is told of an answer that asks for patience, and of null once it goes on. */
  constructor(clock: Clock, onStuck: (answer: Answer | null) => void) {
    this.#clock = clock;
    this.#onStuck = onStuck;
  }

  add(work: () => Promise<Answer>, done: (answer: Answer) => void): void {
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
  async #insist({ work }: Job): Promise<Answer | null> {
    const clears = this.#clears;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      const answer = await work();
      const asksForPatience =
        answer.status >= 429 && headerValue(answer.headers, 'Retry-After') !== undefined;
      if (!asksForPatience) {
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
