import type { Context } from './context.ts';
import type { Io } from './io.ts';

const REDRAW_MS = 1000;

/** A line that stays at the foot of the terminal while others scroll by above it. */
export interface StatusLine {
  /** The command's context, whose output goes above the line. */
  context: Context;
  /** Shows what this says, anew every second. */
  show(text: () => string): void;
  stop(): void;
}

/** Null where stderr is no terminal to keep a line on. */
export function statusLine(context: Context): StatusLine | null {
  const { io, options } = context;
  const able = io.stderr.isTTY && io.stdout.isTTY && io.env.TERM !== 'dumb';
  if (!able || options.json === true || options.quiet === true) return null;
  let text: (() => string) | null = null;
  let timer: NodeJS.Timeout | undefined;
  const clear = () => {
    if (text !== null) io.stderr.write('\r\u001b[K');
  };
  const draw = () => {
    if (text !== null) io.stderr.write(`\r\u001b[K${cut(text(), io)}`);
  };
  const above =
    <Given extends unknown[]>(write: (...given: Given) => void) =>
    (...given: Given) => {
      clear();
      write(...given);
      draw();
    };
  return {
    context: Object.assign(Object.create(context) as Context, {
      print: above(context.print),
      note: above(context.note),
      warn: above(context.warn),
    }),
    show(next) {
      text = next;
      draw();
      timer ??= setInterval(draw, REDRAW_MS).unref();
    },
    stop() {
      clearInterval(timer);
      clear();
      text = null;
    },
  };
}

/** A line that wrapped could not be cleared again. What colours it takes no room. */
function cut(text: string, { stderr }: Io): string {
  let room = stderr.columns - 1;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one.
  return text.replace(/\u001b\[[\d;]*m|[^\u001b]/gu, (piece) => {
    if (piece.length > 1 && piece.startsWith('\u001b')) return piece;
    room -= 1;
    return room >= 0 ? piece : '';
  });
}
