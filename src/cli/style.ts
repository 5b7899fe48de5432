import { Chalk, type ChalkInstance } from 'chalk';
import { UsageError } from '../core/errors.ts';
import type { Output } from './io.ts';

/** Colours that mean something, or nothing at all where colour is off. */
export interface Style {
  good: (text: string) => string;
  bad: (text: string) => string;
  warn: (text: string) => string;
  dim: (text: string) => string;
  strong: (text: string) => string;
  name: (text: string) => string;
  readonly colored: boolean;
}

export function createStyle(
  stream: Output,
  choice: string | undefined,
  env: Record<string, string | undefined>,
): Style {
  const chalk: ChalkInstance = new Chalk({ level: wantsColor(stream, choice, env) ? 1 : 0 });
  return {
    good: chalk.green,
    bad: chalk.red,
    warn: chalk.yellow,
    dim: chalk.dim,
    strong: chalk.bold,
    name: chalk.cyan,
    colored: chalk.level > 0,
  };
}

function wantsColor(
  stream: Output,
  choice: string | undefined,
  env: Record<string, string | undefined>,
): boolean {
  switch (choice ?? 'auto') {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'auto':
      if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '' && env.FORCE_COLOR !== '0') return true;
      if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
      return stream.isTTY && env.TERM !== 'dumb';
    default:
      throw new UsageError(`--color: '${choice}' is not one of auto, always, never.`);
  }
}
