import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/main.ts';

/** A command's world in a test: strings for streams, a folder of its own, no terminal. */
export interface TestIo extends Io {
  out: () => string;
  err: () => string;
  /** Resolves once stdout (or stderr) matches; rejects when the run has ended without it. */
  waitFor: (pattern: RegExp, stream?: 'out' | 'err') => Promise<RegExpMatchArray>;
}

export interface TestIoOptions {
  env?: Record<string, string>;
  cwd?: string;
  stdin?: string | Uint8Array;
  columns?: number;
  isTTY?: boolean;
  /** What stdout and stderr are both shown on. */
  terminal?: NodeJS.WriteStream;
}

export function testIo(options: TestIoOptions = {}): TestIo {
  const text = { out: '', err: '' };
  const watchers = new Set<() => void>();
  const interrupt = new AbortController();
  const output = (name: 'out' | 'err') => ({
    write(chunk: string) {
      text[name] += chunk;
      options.terminal?.write(chunk);
      for (const watch of [...watchers]) watch();
    },
    isTTY: options.isTTY ?? options.terminal !== undefined,
    terminal: options.terminal ?? null,
    columns: options.columns ?? options.terminal?.columns ?? 80,
  });
  return {
    stdout: output('out'),
    stderr: output('err'),
    stdin: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    env: options.env ?? {},
    cwd: options.cwd ?? mkdtempSync(join(tmpdir(), 'mo-notify-test-')),
    now: Date.now,
    elapsed: () => performance.now(),
    random: Math.random,
    interrupted: interrupt.signal,
    interrupt: () => interrupt.abort(),
    closed: new AbortController().signal,
    outputError: () => null,
    flushed: async () => {},
    out: () => text.out,
    err: () => text.err,
    waitFor: (pattern, stream = 'out') =>
      new Promise((resolve) => {
        const watch = () => {
          const match = text[stream].match(pattern);
          if (match === null) return;
          watchers.delete(watch);
          resolve(match);
        };
        watchers.add(watch);
        watch();
      }),
  };
}

/** A `listen` on a free port that runs until `stop`. */
export interface RunningListen {
  io: TestIo;
  url: string;
  port: number;
  /** Resolves to its exit code. */
  ended: Promise<number>;
  /** Interrupts it as Ctrl-C would, and resolves to its exit code. */
  stop: () => Promise<number>;
}

export async function startListen(args: string[] = [], options: TestIoOptions = {}): Promise<RunningListen> {
  const io = testIo(options);
  const ended = run(['listen', '--port', '0', '--json', ...args], io);
  const failed = ended.then((code) => {
    throw new Error(`listen ended with ${code} before it was ready: ${io.err()}`);
  });
  const [, url] = (await Promise.race([
    io.waitFor(/"type":"ready","url":"([^"]+)"/),
    failed,
  ])) as RegExpMatchArray;
  failed.catch(() => {});
  return {
    io,
    url: url as string,
    port: Number(new URL(url as string).port),
    ended,
    stop: () => {
      io.interrupt();
      return ended;
    },
  };
}

/** The JSON lines that a command has printed so far. */
export function jsonLines(io: TestIo): Record<string, unknown>[] {
  return io
    .out()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
