/** What a process exits with (see docs/exit-codes.md). */
export const EXIT = { ok: 0, shortfall: 1, usage: 2, environment: 3, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error whose message is for the user: what happened, with which value, what to do. Never a stack trace. */
export abstract class KnownError extends Error {
  abstract readonly exitCode: ExitCode;
}

/** The command line or the configuration is wrong; nothing was done. */
export class UsageError extends KnownError {
  override readonly name = 'UsageError';
  readonly exitCode = EXIT.usage;
}

/** The world around us does not play along: a port is taken, the store cannot be opened. */
export class EnvironmentError extends KnownError {
  override readonly name = 'EnvironmentError';
  readonly exitCode = EXIT.environment;
}

/** Ctrl-C at a question: nothing is done. */
export class InterruptedError extends KnownError {
  override readonly name = 'InterruptedError';
  readonly exitCode = EXIT.interrupted;

  constructor() {
    super('Interrupted; nothing was done.');
  }
}

export type StoreProblem = 'busy' | 'full' | 'damaged' | 'newer' | 'unavailable';

/** A record could not be stored. `busy` and `full` pass by themselves, so a receiver answers 503 and stays up. */
export class StoreError extends EnvironmentError {
  readonly reason: StoreProblem;

  constructor(message: string, reason: StoreProblem, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
