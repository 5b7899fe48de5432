import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { EnvironmentError } from '../core/errors.ts';
import { isAlive } from './process-alive.ts';

const WAIT_MS = 10_000;
const PAUSE_MS = 20;
/** A lock is named after it is made; one without a name for longer than this is of a process that died in between. */
const NAMELESS_MS = 5000;

/** Does work on a file that one process at a time may do; others wait. Throws EnvironmentError when they wait too long. */
export async function withLock<Result>(path: string, work: () => Result, waitMs = WAIT_MS): Promise<Result> {
  const lock = `${path}.lock`;
  for (let waited = 0; !take(lock, path); waited += PAUSE_MS) {
    if (waited >= waitMs)
      throw new EnvironmentError(
        `${path} is being changed by another process (${holder(lock)}) for more than ${waitMs / 1000} s. Try again; if no mo-notify is running, remove ${lock}*.`,
      );
    if (!isStale(lock) || !takeOver(lock, path)) await pause(PAUSE_MS);
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Takes a file for as long as this process works on it; answers with how to give it back. Throws EnvironmentError. */
export function holdLock(path: string): () => void {
  const lock = `${path}.lock`;
  if (!take(lock, path) && !(isStale(lock) && takeOver(lock, path) && take(lock, path)))
    throw new EnvironmentError(
      `${path} is in use by another process (${holder(lock)}). End that one first; if no mo-notify is running, remove ${lock}.`,
    );
  return () => rmSync(lock, { force: true });
}

/** Whether the lock is ours now; false while another process has it. */
function take(lock: string, path: string): boolean {
  try {
    writeFileSync(lock, `${process.pid} ${hostname()}\n`, { flag: 'wx' });
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new EnvironmentError(`${path} cannot be written (${code}).`, { cause });
  }
}

/** Removes a dead process's lock. One process at a time, or the second would remove the lock that the first then took. */
function takeOver(lock: string, path: string): boolean {
  const right = `${lock}.stale`;
  if (!take(right, path)) return false;
  try {
    if (isStale(lock)) rmSync(lock, { force: true });
    return true;
  } finally {
    rmSync(right, { force: true });
  }
}

function isStale(lock: string): boolean {
  const [pid, host] = holder(lock).split(' ');
  // Either way: the clock may have been set back since.
  if (pid === '')
    return (
      Math.abs(Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())) > NAMELESS_MS
    );
  // Whether a process of another machine lives cannot be known here.
  return host === hostname() && !isAlive(Number(pid));
}

/** The process that has the lock, as `pid host`; nothing when it has just gone. */
function holder(lock: string): string {
  try {
    return readFileSync(lock, 'utf8').trim();
  } catch {
    return '';
  }
}
