import { fstatSync, writeSync } from 'node:fs';
import { EXIT, KnownError } from '../core/errors.ts';
import type { TimeSource } from '../core/time-source.ts';

/** A stream that is written to. Writing never throws; what went wrong is asked for at the end. */
export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  /** The terminal itself, for what draws on it; null elsewhere. */
  readonly terminal: NodeJS.WriteStream | null;
  readonly columns: number;
}

/** The world as a command sees it; tests hand in another one. */
export interface Io extends TimeSource {
  stdout: Output;
  stderr: Output;
  stdin: NodeJS.ReadStream | (AsyncIterable<Uint8Array> & { isTTY?: boolean });
  env: Record<string, string | undefined>;
  cwd: string;
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

/**
 * The real process's streams and signals, each made when first asked for, because making them all takes longer than
 * most commands. A second Ctrl-C ends the process at once.
 */
export function processIo(): Io {
  const close = new AbortController();
  let outputError: KnownError | null = null;
  const fail = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && outputError === null) {
      outputError = new OutputError(`Standard output cannot be written: ${error.message}.`);
    }
    close.abort();
  };
  let interrupt: AbortController | null = null;
  const onSignal = () => {
    if (interrupt?.signal.aborted) process.exit(EXIT.interrupted);
    interrupt?.abort();
  };
  const stdout = output(1, () => process.stdout, fail);
  const stderr = output(
    2,
    () => process.stderr,
    () => {},
  );
  return {
    stdout,
    stderr,
    get stdin() {
      return process.stdin;
    },
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
    elapsed: () => performance.now(),
    random: Math.random,
    get interrupted() {
      if (interrupt === null) {
        interrupt = new AbortController();
        process.on('SIGINT', onSignal);
        process.on('SIGTERM', onSignal);
      }
      return interrupt.signal;
    },
    interrupt: onSignal,
    closed: close.signal,
    outputError: () => outputError,
    flushed: async () => {
      await Promise.all([stdout.flushed(), stderr.flushed()]);
      process.removeListener('SIGINT', onSignal);
      process.removeListener('SIGTERM', onSignal);
    },
  };
}

/**
 * On a terminal every text is shown at once, through Node's stream. Elsewhere those of one turn of the event loop leave
 * together, because a receiver that writes a line for each of ten thousand deliveries a second would spend its time on
 * writing; and they go straight to the file descriptor, which a pipe's or file's stream would do too.
 */
function output(
  fd: number,
  stream: () => NodeJS.WriteStream,
  fail: (error: NodeJS.ErrnoException) => void,
): Output & { flushed: () => Promise<void> } {
  let broken = false;
  let pending = '';
  let opened: NodeJS.WriteStream | null = null;
  let terminal: boolean | null = null;
  const isTerminal = () => {
    terminal ??= isDevice(fd) && stream().isTTY === true;
    return terminal;
  };
  const end = (error: NodeJS.ErrnoException) => {
    broken = true;
    fail(error);
  };
  const open = () => {
    if (opened === null) {
      opened = stream();
      opened.on('error', end);
    }
    return opened;
  };
  const send = (text: string) => {
    if (broken || text === '') return;
    try {
      if (opened !== null || isTerminal()) open().write(text);
      else writeAll(fd, Buffer.from(text), (rest) => open().write(rest));
    } catch (error) {
      end(error as NodeJS.ErrnoException);
    }
  };
  const flush = () => {
    const text = pending;
    pending = '';
    send(text);
  };
  return {
    write(text) {
      if (isTerminal()) return send(text);
      if (pending === '') setImmediate(flush);
      pending += text;
      if (pending.length > PENDING_LIMIT) flush();
    },
    async flushed() {
      flush();
      if (opened !== null) await drained(opened);
    },
    get isTTY() {
      return isTerminal();
    },
    get terminal() {
      return isTerminal() ? open() : null;
    },
    get columns() {
      return isTerminal() ? stream().columns || 80 : 80;
    },
  };
}

const PENDING_LIMIT = 65_536;

function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false; // closed by whoever started the process; the first write says so
  }
}

/** Writes bytes; what a descriptor that does not block has no room for now is the stream's to write. */
function writeAll(fd: number, bytes: Buffer, later: (rest: Buffer) => void): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      return later(bytes.subarray(at));
    }
  }
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('error', () => resolve());
    stream.once('close', () => resolve());
    stream.write('', () => resolve());
  });
}
