/** One message of the feed, ready to be written to any number of pages. */
export interface Message {
  id: number;
  bytes: Buffer;
}

const MOST_BYTES = 2 * 1024 ** 2;
const MOST_MESSAGES = 1000;
/** Room for the messages of a run before another run's ids begin: a thousand for every ms between their starts. */
const IDS_A_MS = 1000;

/**
 * The feed's latest messages, by which a page that was cut off gets exactly what it missed. Ids are whole numbers that
 * rise from one run to the next, so that those of an earlier run are known as such (faults F7, F8).
 */
export class MessageLog {
  readonly #messages: Message[] = [];
  #bytes = 0;
  #last: number;

  /** `startedAt` is ms since the epoch. */
  constructor(startedAt: number) {
    this.#last = Math.floor(startedAt) * IDS_A_MS;
  }

  get last(): number {
    return this.#last;
  }

  add(event: string, data: unknown): void {
    this.#last += 1;
    const message = { id: this.#last, bytes: encode(event, data, this.#last) };
    this.#messages.push(message);
    this.#bytes += message.bytes.length;
    while (this.#bytes > MOST_BYTES || this.#messages.length > MOST_MESSAGES)
      this.#bytes -= (this.#messages.shift() as Message).bytes.length;
  }

  /** Keeps none of the messages: what comes next does not follow on them. */
  forget(): void {
    this.#messages.length = 0;
    this.#bytes = 0;
    this.#last += 1;
  }

  /** The message after the one with this id; null where there is none yet, `lost` where it is not known any more. */
  after(id: number): Message | null | 'lost' {
    if (id === this.#last) return null;
    const first = this.#last - this.#messages.length + 1;
    return this.#messages[id + 1 - first] ?? 'lost';
  }
}

/** A message of an event stream: JSON has no line break outside its escapes, so one line holds it (fault F8). */
export function encode(event: string, data: unknown, id?: number): Buffer {
  const line = id === undefined ? '' : `id: ${id}\n`;
  return Buffer.from(`${line}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
