import type { Resumed } from './receiver.ts';

/** After a look that failed, ms. */
const RETRY_MS = 10_000;

export interface ResumingOptions {
  /** So many were handed on just now. */
  onResumed(count: number): void;
  /** Told once of the same trouble. */
  onFailure(error: Error): void;
}

/** Resumes what other runs left, at once and whenever there may be more; `stop` waits for what is under way. */
export function keepResuming(
  resume: () => Promise<Resumed>,
  { onResumed, onFailure }: ResumingOptions,
): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let trouble = '';
  let looking = look();

  async function look(): Promise<void> {
    let lookAgainMs: number | null = RETRY_MS;
    try {
      const resumed = await resume();
      lookAgainMs = resumed.lookAgainMs;
      trouble = '';
      if (resumed.count > 0) onResumed(resumed.count);
    } catch (error) {
      const { message } = error as Error;
      if (message !== trouble) onFailure(error as Error);
      trouble = message;
    }
    if (stopped || lookAgainMs === null) return;
    timer = setTimeout(() => {
      looking = look();
    }, lookAgainMs);
    timer.unref();
  }

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
