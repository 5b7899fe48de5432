import { styleText } from 'node:util';
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
  const colored = wantsColor(stream, choice, env);
  // Whether there is to be colour is decided here, so styleText is not to look for itself.
  const paint = (format: 'green' | 'red' | 'yellow' | 'dim' | 'bold' | 'cyan') => (text: string) =>
    colored ? styleText(format, text, { validateStream: false }) : text;
  return {
    good: paint('green'),
    bad: paint('red'),
    warn: paint('yellow'),
    dim: paint('dim'),
    strong: paint('bold'),
    name: paint('cyan'),
    colored,
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
