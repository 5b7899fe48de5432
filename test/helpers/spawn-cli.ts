import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
export const BIN = join(ROOT, 'bin/mo-notify.js');

export interface SpawnOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** What a process left behind. */
export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** A process under way, with its standard input open. */
export interface Running {
  child: ChildProcess;
  /** Resolves to the first match in what it prints on stdout; rejects when it ends without it. */
  waitFor: (pattern: RegExp) => Promise<RegExpMatchArray>;
  ended: Promise<Ended>;
}

export function tempFolder(): string {
  return mkdtempSync(join(tmpdir(), 'mo-notify-test-'));
}

/** Starts a program in a folder and an environment with nothing of the test runner's own (it sets colours). */
export function start(command: string, args: readonly string[], options: SpawnOptions = {}): Running {
  const cwd = options.cwd ?? tempFolder();
  const child = spawn(command, args, {
    cwd,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: cwd,
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
      ...options.env,
    },
  });
  const chunks = { out: [] as Buffer[], err: [] as Buffer[] };
  const text = (name: 'out' | 'err') => Buffer.concat(chunks[name]).toString('utf8');
  child.stdout.on('data', (chunk: Buffer) => chunks.out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.err.push(chunk));
  child.stdin.on('error', () => {});
  const ended = once(child, 'close').then(
    ([code]) => ({ code, out: text('out'), err: text('err') }) as Ended,
  );
  return {
    child,
    ended,
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = text('out').match(pattern);
          if (match === null) return;
          child.stdout.off('data', look);
          resolve(match);
        };
        child.stdout.on('data', look);
        look();
        ended.then(({ out, err }) => reject(new Error(`it ended before ${pattern}: ${out}${err}`)));
      }),
  };
}

/** `node bin/mo-notify.js` without a terminal, from start to end. */
export function spawnCli(
  args: readonly string[],
  options: SpawnOptions & { stdin?: string | Uint8Array } = {},
) {
  return feed(start(process.execPath, [BIN, ...args], options), options.stdin);
}

const MO = `mo() { '${process.execPath}' '${BIN}' "$@"; }`;

/** A bash script in which `mo` is the command line. */
export function bash(script: string, options: SpawnOptions = {}): Promise<Ended> {
  return feed(start('bash', ['-c', `${MO}\n${script}`], options));
}

/** The same on a pseudo-terminal (util-linux' script) of `columns`: `out` is what the terminal got, stderr too. */
export function startOnTerminal(
  script: string,
  { columns = 80, ...options }: SpawnOptions & { columns?: number } = {},
): Running {
  const env = { SHELL: '/bin/bash', ...options.env };
  return start('script', ['-qec', `stty cols ${columns} rows 24; ${MO}; ${script}`, '/dev/null'], {
    ...options,
    env,
  });
}

export function onTerminal(
  script: string,
  options: SpawnOptions & { columns?: number } = {},
): Promise<Ended> {
  return feed(startOnTerminal(script, options));
}

function feed(running: Running, stdin: string | Uint8Array = ''): Promise<Ended> {
  running.child.stdin?.end(stdin);
  return running.ended;
}
