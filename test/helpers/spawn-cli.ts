import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
export const BIN = join(ROOT, 'bin/mo-notify.js');

/** What a process left behind. */
export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export interface SpawnOptions {
  cwd?: string;
  env?: Record<string, string>;
  stdin?: string;
}

/** An environment with nothing of the test runner's own (it sets colours). */
export function cleanEnv(env: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: tempFolder(),
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    ...env,
  };
}

export function tempFolder(): string {
  return mkdtempSync(join(tmpdir(), 'mo-notify-test-'));
}

/** `node bin/mo-notify.js` as a process of its own, without a terminal. */
export function spawnCli(args: readonly string[], options: SpawnOptions = {}): Promise<Ended> {
  return ended(start(process.execPath, [BIN, ...args], options), options.stdin);
}

/** A bash script in which `mo` is the command line. */
export function bash(script: string, options: SpawnOptions = {}): Promise<Ended> {
  const mo = `mo() { '${process.execPath}' '${BIN}' "$@"; }`;
  return ended(start('bash', ['-o', 'pipefail', '-c', `${mo}\n${script}`], options), options.stdin);
}

/** The same on a pseudo-terminal of `columns`, made by util-linux' script: `out` is what the terminal got. */
export function onTerminal(
  script: string,
  { columns = 80, ...options }: SpawnOptions & { columns?: number } = {},
): Promise<Ended> {
  const mo = `mo() { '${process.execPath}' '${BIN}' "$@"; }`;
  const inner = `stty cols ${columns} rows 24; ${mo}; ${script}`;
  return ended(
    start('script', ['-qec', inner, '/dev/null'], {
      ...options,
      env: { SHELL: '/bin/bash', ...options.env },
    }),
    options.stdin,
  );
}

export function start(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(command, args, {
    cwd: options.cwd ?? tempFolder(),
    env: cleanEnv(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Resolves to the first match in what a process prints on stdout; rejects when it ends without it. */
export function printed(child: ChildProcess, pattern: RegExp): Promise<RegExpMatchArray> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const match = text.match(pattern);
      if (match !== null) resolve(match);
    });
    child.once('close', (code) => reject(new Error(`ended with ${code} before ${pattern}: ${text}`)));
  });
}

async function ended(child: ChildProcess, stdin = ''): Promise<Ended> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin?.on('error', () => {});
  child.stdin?.end(stdin);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out: Buffer.concat(out).toString('utf8'), err: Buffer.concat(err).toString('utf8') };
}
