/** Bounds how many requests are under way; waiters are served in turn. */
export class Slots {
  readonly #count: number;
  #free: number;
  readonly #waiting: (() => void)[] = [];
  #onIdle: (() => void) | null = null;

  constructor(count: number) {
    this.#count = count;
    this.#free = count;
  }

  /** Takes a slot at once where one is free; then nothing needs to be awaited. */
  tryTake(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  take(): Promise<void> {
    if (this.tryTake()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) return next();
    this.#free += 1;
    if (this.#free === this.#count) this.#onIdle?.();
  }

  /** Resolves once every slot has been given back; one caller at a time. */
  idle(): Promise<void> {
    if (this.#free === this.#count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
