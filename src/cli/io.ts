import { EXIT, KnownError } from '../core/errors.ts';

/** A stream that is written to. Writing never throws; what went wrong is asked for at the end. */
export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number;
}

/** The world as a command sees it; tests hand in another one. */
export interface Io {
  stdout: Output;
  stderr: Output;
  stdin: NodeJS.ReadStream | (AsyncIterable<Uint8Array> & { isTTY?: boolean });
  env: Record<string, string | undefined>;
  cwd: string;
  now: () => number;
  random: () => number;
  /** Fires at the first Ctrl-C or SIGTERM: stop taking on work, end what is under way. */
  interrupted: AbortSignal;
  /** What Ctrl-C does, for a terminal in raw mode, which sends no signal for it. */
  interrupt: () => void;
  /** Fires when stdout's reader has gone (`| head`): end quietly. */
  closed: AbortSignal;
  /** Why stdout could not be written, if so; null where its reader simply went away. */
  outputError: () => KnownError | null;
  /** Resolves when all that was written has left the process. */
  flushed: () => Promise<void>;
}

class OutputError extends KnownError {
  override readonly name = 'OutputError';
  readonly exitCode = EXIT.environment;
}

/** The real process's streams and signals. A second Ctrl-C ends the process at once. */
export function processIo(): Io {
  const interrupt = new AbortController();
  const close = new AbortController();
  let outputError: KnownError | null = null;
  const fail = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && outputError === null) {
      outputError = new OutputError(`Standard output cannot be written: ${error.message}.`);
    }
    close.abort();
  };
  process.stdout.on('error', fail);
  process.stderr.on('error', () => {});
  const onSignal = () => {
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const stdout = output(process.stdout, fail);
  const stderr = output(process.stderr, () => {});
  return {
    stdout,
    stderr,
    stdin: process.stdin,
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
    random: Math.random,
    interrupted: interrupt.signal,
    interrupt: onSignal,
    closed: close.signal,
    outputError: () => outputError,
    flushed: async () => {
      stdout.flush();
      stderr.flush();
      await Promise.all([process.stdout, process.stderr].map(drained));
      // A file's stream has nothing left to drain when a write failed, and tells of the failure a moment later.
      await new Promise((resolve) => setImmediate(resolve));
      process.removeListener('SIGINT', onSignal);
      process.removeListener('SIGTERM', onSignal);
    },
  };
}

/**
 * On a terminal every text is shown at once; elsewhere those of one turn of the event loop leave together, because a
 * receiver that writes a line for each of ten thousand deliveries a second would spend its time on writing.
 */
function output(
  stream: NodeJS.WriteStream,
  fail: (error: NodeJS.ErrnoException) => void,
): Output & { flush: () => void } {
  let broken = false;
  let pending = '';
  const send = (text: string) => {
    if (broken || text === '') return;
    try {
      stream.write(text);
    } catch (error) {
      broken = true;
      fail(error as NodeJS.ErrnoException);
    }
  };
  const flush = () => {
    const text = pending;
    pending = '';
    send(text);
  };
  return {
    write(text) {
      if (stream.isTTY) return send(text);
      if (pending === '') setImmediate(flush);
      pending += text;
      if (pending.length > PENDING_LIMIT) flush();
    },
    flush,
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 80;
    },
  };
}

const PENDING_LIMIT = 65_536;

function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('error', () => resolve());
    stream.once('close', () => resolve());
    stream.write('', () => resolve());
  });
}
