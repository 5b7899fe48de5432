import { onTestFinished } from 'vitest';
import type { World } from './replay.ts';
import { BIN, type Running, start } from './spawn-cli.ts';

/** A replay in a process of its own; it is killed at the test's end at the latest. */
export function startReplay({ cwd, env }: World, args: readonly string[]): Running {
  const running = start(process.execPath, [BIN, 'replay', ...args], { cwd, env });
  onTestFinished(() => kill(running));
  return running;
}

/** The run's id, as its first line of `--json` says it. */
export async function runOf(running: Running): Promise<string> {
  return (await running.waitFor(/"type":"replay","run":"(\w+)"/))[1] as string;
}

/** kill -9 */
export function kill({ child }: Running): void {
  child.kill('SIGKILL');
}
