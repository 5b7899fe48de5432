/** What a relay remembers of each delivery that is on disk, bytes. */
const ENTRY_BYTES = 200;

/** Bytes that all channels of a relay hold in memory, so that many slow listeners together cannot fill it (fault G11). */
export class Memory {
  readonly max: number;
  #held = 0;
  /** How many deliveries wait on disk, in all channels; looked up now and then, since each is small. */
  waiting = 0;

  constructor(max: number) {
    this.max = max;
  }

  get held(): number {
    return this.#held + this.waiting * ENTRY_BYTES;
  }

  /** Whether there is room for so many more to come in. */
  fits(bytes: number): boolean {
    return this.held + bytes <= this.max;
  }

  /**
   * Whether there is room for so many from disk, which can wait: half of all is left to what comes in. One alone always
   * has room, or the disk would never be empty again.
   */
  fitsFromDisk(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.max / 2;
  }

  take(bytes: number): void {
    this.#held += bytes;
  }

  free(bytes: number): void {
    this.#held -= bytes;
  }
}
