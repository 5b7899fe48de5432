import { stripVTControlCharacters } from 'node:util';
import type { Ora } from 'ora';
import type { Context } from './context.ts';
import { loadStyle, PLAIN, type Style } from './style.ts';

/** A run that ends sooner shows no progress. */
const AFTER_MS = 300;
/** Before the line ora draws a spinner, one column wide, and two spaces. */
const INDENT = 3;
const STILL = { frames: [''], interval: 1000 };

/** One line at the foot of the terminal, below everything printed meanwhile. */
export interface Progress {
  stop(): void;
}

export interface ProgressOptions {
  /** `spinner` (default): beside a spinner, once the run has lasted a while; `still`: without one, at once. */
  look?: 'spinner' | 'still';
  /** Loads ora before the run: in its midst that would delay what the run measures. */
  measured?: boolean;
}

/**
 * Shows what `line` returns on stderr, asked again at each redraw, until stopped; without a terminal, with --quiet or
 * with --json, nothing. ora draws it: it keeps the line below what other code prints, and restores the cursor when the
 * process ends, however it ends.
 */
export async function startProgress(
  context: Context,
  line: (style: Style) => string,
  { look = 'spinner', measured = false }: ProgressOptions = {},
): Promise<Progress> {
  if (!isShown(context)) return { stop: () => {} };
  let ended = false;
  let drawing: Ora | null = null;
  const draw = async () => {
    drawing ??= await prepare(context, line, look);
    if (!ended) drawing.start();
  };
  if (look === 'still') await draw();
  else if (measured) drawing = await prepare(context, line, look);
  const timer = look === 'still' ? undefined : setTimeout(draw, AFTER_MS).unref();
  return {
    stop() {
      ended = true;
      clearTimeout(timer);
      if (drawing?.isSpinning) drawing.stop();
    },
  };
}

function isShown({ io, options }: Context): boolean {
  if (options.quiet === true || options.json === true || io.env.TERM === 'dumb') return false;
  // A terminal that does not know its size says 0: there, ora would clear lines without end.
  return io.stderr.terminal !== null && io.stderr.terminal.columns > INDENT;
}

async function prepare(
  { io, options }: Context,
  line: (style: Style) => string,
  look: ProgressOptions['look'],
): Promise<Ora> {
  const [{ default: ora }, style] = await Promise.all([
    import('ora'),
    loadStyle(io.stderr, options.color, io.env),
  ]);
  const terminal = io.stderr.terminal as NodeJS.WriteStream;
  return ora({
    stream: terminal,
    isEnabled: true,
    // Ctrl-C stays a signal, or a key of the command's own.
    discardStdin: false,
    color: style === PLAIN ? false : 'cyan',
    ...(look === 'still' ? { spinner: STILL } : {}),
    suffixText: () => cut(line(style), terminal.columns - INDENT),
  });
}

/** The same for as long as some work takes. */
export async function withProgress<Result>(
  context: Context,
  line: () => string,
  work: () => Promise<Result>,
): Promise<Result> {
  const progress = await startProgress(context, line);
  try {
    return await work();
  } finally {
    progress.stop();
  }
}

/** A line that wrapped would leave its other half behind. One that is too long loses its colours with its end. */
function cut(text: string, room: number): string {
  const plain = stripVTControlCharacters(text);
  return plain.length < room ? text : plain.slice(0, Math.max(0, room - 1));
}
