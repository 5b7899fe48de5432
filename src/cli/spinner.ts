import ora from 'ora';
import type { Context } from './context.ts';

/** A spinner on stderr while something takes its time; silent without a terminal or with --quiet or --json. */
export function spinner(context: Context, text: string): { stop: () => void } {
  const { io, options } = context;
  const shown = io.stderr.isTTY && options.quiet !== true && options.json !== true && io.env.TERM !== 'dumb';
  if (!shown) return { stop: () => {} };
  const spinning = ora({ text, stream: process.stderr, discardStdin: false }).start();
  return { stop: () => void spinning.stop() };
}
