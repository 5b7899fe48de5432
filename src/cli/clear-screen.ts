import type { Output } from './io.ts';

/** Empties the screen, scrollback aside; does nothing where the output is no terminal. */
export function clearScreen({ terminal }: Output): void {
  terminal?.cursorTo(0, 0);
  terminal?.clearScreenDown();
}
