// Processes pinned to a core, and what they cost.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const canPin = (() => {
  try {
    execFileSync('taskset', ['-c', '0', 'true']);
    return cpus().length > 1;
  } catch {
    return false;
  }
})();

/** Starts a process on one core; without taskset, on any. */
export function start(core, args, { env = {}, stdio = ['ignore', 'pipe', 'inherit'], cwd } = {}) {
  const command = canPin ? ['taskset', '-c', String(core), ...args] : args;
  return spawn(command[0], command.slice(1), { env: { ...process.env, ...env }, stdio, cwd });
}

/** Resolves to the URL that a server names when it is ready. */
export function ready(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (chunk) => {
      text += chunk;
      const url = /(?:Ready|"ready").*?(https?:\/\/127\.0\.0\.1:\d+)/.exec(text)?.[1];
      if (url === undefined) return;
      child.stdout.off('data', onData);
      child.stdout.resume();
      resolve(url);
    };
    child.stdout.on('data', onData);
    child.once('exit', () => reject(new Error(`${child.spawnargs.join(' ')} ended before it was ready`)));
  });
}

/** Runs a process to its end and answers with what it printed. */
export async function output(core, args, options) {
  const child = start(core, args, options);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  return { text, code };
}

export async function stop(child, signal = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** CPU time so far, in seconds, resident memory and its peak, in MiB; null where /proc does not tell. */
export function usage(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mebibytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
    return {
      cpu: (Number(fields[11]) + Number(fields[12])) / 100,
      rss: mebibytes('VmRSS'),
      peak: mebibytes('VmHWM'),
    };
  } catch {
    return null;
  }
}

export { canPin };
