/** Waits without giving the thread away: for the opening of a store, when nothing is under way that could be held up. */
export function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
