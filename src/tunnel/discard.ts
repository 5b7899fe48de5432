import { MessageChannel } from 'node:worker_threads';
import type { Pieces } from '../core/pieces.ts';

/** Less is not worth the call. */
const WORTH = 8192;

/** What is transferred to a port that is closed is gone. */
const nowhere = new MessageChannel().port1;
nowhere.close();

/**
 * Gives back the memory of a large content that nobody needs any more: left to be collected, ten megabytes a second have
 * all the rest of a relay stand still twice a second while all memory is gone through. Its pieces are empty from then on.
 */
export function discard(content: Pieces): void {
  // What is a part of something larger has others beside it.
  const whole = content.filter(({ length, buffer }) => length >= WORTH && length === buffer.byteLength);
  if (whole.length === 0) return;
  const memory = whole.map(({ buffer }) => buffer as ArrayBuffer);
  try {
    nowhere.postMessage(null, memory);
  } catch {
    // Memory that its maker keeps to itself is collected in time, like any other.
  }
}
