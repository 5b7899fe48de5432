import { createInterface } from 'node:readline/promises';
import type { Context } from './context.ts';

/** Asks on a terminal; elsewhere the answer is no, because nothing ever waits for a key without one. */
export async function confirm({ io, options }: Context, question: string): Promise<boolean> {
  if (options.json === true || io.stdin.isTTY !== true || !io.stderr.isTTY) return false;
  const lines = createInterface({ input: io.stdin as NodeJS.ReadStream, output: process.stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal: io.interrupted });
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    return false;
  } finally {
    lines.close();
  }
}
