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

  /** `uptime` is ms since the machine was started, its sleep among them. */
  constructor(periodMs: number, uptime: number) {
    this.periodMs = periodMs;
    this.#beatAt = uptime;
  }

  /** How long ago the last beat was, ms. */
  since(uptime: number): number {
    return uptime - this.#beatAt;
  }

  /** To be called every period, with how many bytes came in so far. */
  beat(uptime: number, bytes: number): Pulse {
    const late = this.since(uptime) > 2 * this.periodMs;
    const silent = bytes === this.#bytes;
    this.#beatAt = uptime;
    this.#bytes = bytes;
    if (late) return 'slept';
    return silent ? 'silent' : 'alive';
  }
}
