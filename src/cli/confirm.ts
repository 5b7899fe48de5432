import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { InterruptedError } from '../core/errors.ts';
import type { Context } from './context.ts';

/** Asks on a terminal; elsewhere the answer is no, because nothing ever waits for a key without one. */
export async function confirm(context: Context, question: string): Promise<boolean> {
  const { io, options } = context;
  if (options.json === true || io.stdin.isTTY !== true || !io.stderr.isTTY) return false;
  return /^y(es)?$/i.test((await ask(context, `${question} [y/N] `)) ?? '');
}

/** The line that is typed on the terminal; null where it ends (Ctrl-D). Throws InterruptedError at Ctrl-C. */
export async function ask({ io }: Context, question: string): Promise<string | null> {
  const signal = io.interrupted;
  const lines = createInterface({ input: io.stdin as NodeJS.ReadStream, output: process.stderr });
  // In raw mode Ctrl-C is a key like others, and raises no signal.
  lines.on('SIGINT', io.interrupt);
  const ended = once(lines, 'close').then(() => null);
  try {
    const answer = await Promise.race([lines.question(question, { signal }), ended]);
    return answer?.trim() ?? null;
  } catch (error) {
    // Some versions of Node end the question at Ctrl-D in this way.
    if (!signal.aborted && (error as Error).name === 'AbortError') return null;
    if (!signal.aborted) throw error;
    process.stderr.write('\n');
    throw new InterruptedError();
  } finally {
    lines.close();
  }
}
