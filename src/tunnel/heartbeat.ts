/** What a beat finds: all is well, the other side says nothing any more, or this machine was asleep. */
export type Pulse = 'alive' | 'silent' | 'slept';

/**
 * Judges by the bytes that came in whether a link lives. Every beat the other side is asked for a sign of life, so that
 * silence is noticed within two beats; a large message that is still coming in is a sign, too.
 */
export class Heartbeat {
  readonly periodMs: number;
  #beatAt: number;
  #bytes = 0;

  constructor(periodMs: number, now: number) {
    this.periodMs = periodMs;
    this.#beatAt = now;
  }

  /** To be called every period, with how many bytes came in so far. */
  beat(now: number, bytes: number): Pulse {
    const late = now - this.#beatAt > 2 * this.periodMs;
    const silent = bytes === this.#bytes;
    this.#beatAt = now;
    this.#bytes = bytes;
    if (late) return 'slept';
    return silent ? 'silent' : 'alive';
  }
}
