import type { Output } from './io.ts';

/** Colours that mean something, or nothing at all where colour is off. */
export interface Style {
  good: (text: string) => string;
  bad: (text: string) => string;
  warn: (text: string) => string;
  dim: (text: string) => string;
  strong: (text: string) => string;
  name: (text: string) => string;
}

export type ColorChoice = 'auto' | 'always' | 'never';

const asIs = (text: string) => text;

export const PLAIN: Style = { good: asIs, bad: asIs, warn: asIs, dim: asIs, strong: asIs, name: asIs };

/** The colours of what goes to a stream. chalk is loaded only where there are any, since most output goes to a pipe. */
export async function loadStyle(
  stream: Output,
  choice: ColorChoice | undefined,
  env: Record<string, string | undefined>,
): Promise<Style> {
  if (!wantsColor(stream, choice ?? 'auto', env)) return PLAIN;
  const { Chalk } = await import('chalk');
  // Whether there is colour is decided here, so chalk's own detection is not asked.
  const chalk = new Chalk({ level: 1 });
  return {
    good: (text) => chalk.green(text),
    bad: (text) => chalk.red(text),
    warn: (text) => chalk.yellow(text),
    dim: (text) => chalk.dim(text),
    strong: (text) => chalk.bold(text),
    name: (text) => chalk.cyan(text),
  };
}

function wantsColor(stream: Output, choice: ColorChoice, env: Record<string, string | undefined>): boolean {
  if (choice !== 'auto') return choice === 'always';
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '' && env.FORCE_COLOR !== '0') return true;
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  return stream.isTTY && env.TERM !== 'dumb';
}
