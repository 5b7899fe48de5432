import { type ChildProcess, spawn } from 'node:child_process';
import { HEADER, headerValue } from '../core/headers.ts';
import type { IncomingRequest } from '../http/serve-options.ts';
import type { Context } from './context.ts';

const AT_ONCE = 4;

/** Runs the user's command for deliveries, a few at a time, and waits for all of them at the end. */
export interface Exec {
  (request: IncomingRequest): void;
  drain(): Promise<void>;
  /** Ends the commands that run, and starts none that wait. */
  stop(): void;
}

/** The command sees the body on its standard input and an environment without this process's secrets. */
export function execFor(commandLine: string, context: Context): Exec {
  const waiting: IncomingRequest[] = [];
  const children = new Set<ChildProcess>();
  let running = 0;
  let idle: (() => void)[] = [];

  function next(): void {
    const request = running < AT_ONCE ? waiting.shift() : undefined;
    if (request === undefined) {
      if (running === 0) for (const resolve of idle.splice(0)) resolve();
      return;
    }
    running += 1;
    const child = spawn(commandLine, {
      shell: true,
      // A group of its own, so that what the shell starts ends with it.
      detached: true,
      cwd: context.io.cwd,
      env: environment(request, context.io.env),
      // With --json nothing but our own lines may go to stdout.
      stdio: ['pipe', context.options.json === true ? 2 : 'inherit', 'inherit'],
    });
    children.add(child);
    let ended = false;
    const end = (problem: string | null) => {
      if (ended) return;
      ended = true;
      if (problem !== null) context.warn(`--exec: ${problem}`);
      children.delete(child);
      running -= 1;
      next();
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code) => end(code === 0 ? null : `the command ended with ${code}`));
    child.stdin?.on('error', () => {});
    child.stdin?.end(request.body);
  }

  const exec = (request: IncomingRequest) => {
    waiting.push(request);
    next();
  };
  return Object.assign(exec, {
    drain: () =>
      running + waiting.length === 0
        ? Promise.resolve()
        : new Promise<void>((resolve) => {
            idle = [...idle, resolve];
          }),
    stop: () => {
      waiting.length = 0;
      for (const child of children) killGroup(child);
    },
  });
}

function environment(request: IncomingRequest, env: Record<string, string | undefined>): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'SystemRoot'].filter((name) => env[name] !== undefined);
  return {
    ...Object.fromEntries(kept.map((name) => [name, env[name]])),
    MO_EVENT_ID: headerValue(request.headers, HEADER.eventId) ?? '',
    MO_DELIVERY_ATTEMPT: headerValue(request.headers, HEADER.attempt) ?? '',
  };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended meanwhile.
  }
}
