import { BadMessageError, type Fields, parseFields } from './message-head.ts';

/** What is told of a message, in this order. Chunks are only good until the call returns. */
export interface MessageSink<Start> {
  onHead(start: Start, fields: Fields): void;
  onBody(chunk: Buffer): void;
  /** `reusable` where the connection may carry another exchange. */
  onEnd(reusable: boolean): void;
}

/** How the end of a body is known; `interim` where there is none and the message itself is still to come. */
export type Framing = number | 'chunks' | 'until close' | 'interim';

/** What tells requests from answers. All but `begins` may throw BadMessageError. */
export interface MessageKind<Start> {
  /** False as soon as the text cannot be the beginning of such a message. */
  begins(text: string): boolean;
  /** Reads the first line. */
  start(line: string): Start;
  framing(start: Start, fields: Fields): Framing;
  reusable(start: Start, fields: Fields): boolean;
  /** True where the next message may come before this one is dealt with. */
  readonly pipelined: boolean;
}

/** Longest head, and longest trailer of a chunked body, bytes; Node's own servers keep to the same. */
const HEAD_LIMIT = 16_384;
const LINE_LIMIT = 1024;
/** A line that does not end as RFC 9112 wants it: what one side takes for a header, another may not. */
const LONE_BREAK = /(?<!\r)\n|\r(?!\n|$)/;
const CHUNK_LINE = /^([0-9a-f]{1,12})[ \t]*(?:;[^\0]*)?$/i;
const NOTHING = Buffer.alloc(0);

type State = 'idle' | 'head' | 'length' | 'chunk line' | 'chunk' | 'chunk end' | 'trailer' | 'until close';

/**
 * Reads requests or answers off a connection, whatever pieces they come in (RFC 9112). Framing that could be read in
 * two ways is refused, or the connection is not used again.
 */
export class MessageParser<Start> {
  readonly #kind: MessageKind<Start>;
  readonly #sink: MessageSink<Start>;
  #state: State = 'idle';
  /** The beginning of a line or head whose end is still to come; while idle, of the next message. */
  #held: Buffer | null = null;
  /** The last head: an endpoint's answers mostly begin alike. */
  #headText = '';
  #head: { start: Start; fields: Fields } | null = null;
  #left = 0;
  #reusable = false;
  #trailer = 0;

  constructor(kind: MessageKind<Start>, sink: MessageSink<Start>) {
    this.#kind = kind;
    this.#sink = sink;
  }

  /** True between a head and the end of its body. */
  get inBody(): boolean {
    return this.#state !== 'idle' && this.#state !== 'head';
  }

  /** True where some of a message has come, but not yet its whole head. */
  get inHead(): boolean {
    return this.#state === 'head' && this.#held !== null;
  }

  /** What came behind the last message; the parser forgets it. */
  takeRest(): Buffer {
    const rest = this.#held ?? NOTHING;
    this.#held = null;
    return rest;
  }

  /** A message may come now. Reads on in what came before its time. Throws BadMessageError. */
  expect(): void {
    this.#state = 'head';
    if (this.#held !== null) this.push(NOTHING);
  }

  /** Takes the next bytes of the connection. Throws BadMessageError. */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#held !== null) {
      bytes = Buffer.concat([this.#held, chunk]);
      this.#held = null;
    }
    let at = 0;
    while (at < bytes.length) {
      const next = this.#step(bytes, at);
      if (next < 0) {
        this.#held = Buffer.from(bytes.subarray(at));
        return;
      }
      at = next;
    }
  }

  /** The connection ended. False where a message is thereby cut off. */
  end(): boolean {
    if (this.#state !== 'until close') return this.#state === 'idle';
    this.#finish(false);
    return true;
  }

  /** Reads on from `at`; answers with the place it came to, or -1 where it cannot go on for now. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, at);
      case 'length':
      case 'chunk':
        return this.#readCounted(bytes, at);
      case 'chunk line':
        return this.#readChunkLine(bytes, at);
      case 'chunk end':
        return this.#readChunkEnd(bytes, at);
      case 'trailer':
        return this.#readTrailer(bytes, at);
      case 'until close':
        this.#sink.onBody(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      default:
        if (this.#kind.pipelined) return -1;
        throw new BadMessageError('bytes came that nobody had asked for');
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    // An empty line before a request is another program's slip (RFC 9112 §2.2).
    if (this.#kind.pipelined && bytes[at] === 13 && bytes[at + 1] === 10) return at + 2;
    const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
    const text = bytes.toString('latin1', at, end < 0 ? Math.min(bytes.length, at + HEAD_LIMIT + 1) : end);
    if (end < 0 || text !== this.#headText) {
      this.#checkHead(text);
      if (end < 0) return -1;
      const lines = text.split('\r\n');
      this.#head = { start: this.#kind.start(lines[0] as string), fields: parseFields(lines) };
      this.#headText = text;
    }
    const { start, fields } = this.#head as { start: Start; fields: Fields };
    this.#takeHead(start, fields, end + 4 === bytes.length);
    return end + 4;
  }

  /** Refuses, as soon as it shows, what will never be a head. */
  #checkHead(text: string): void {
    if (!this.#kind.begins(text)) throw new BadMessageError(`it begins with '${text.slice(0, 40)}'`);
    if (text.length > HEAD_LIMIT)
      throw new BadMessageError(`its headers take more than ${HEAD_LIMIT} bytes`, true);
    if (LONE_BREAK.test(text)) throw new BadMessageError('a line of its headers ends wrongly');
  }

  #takeHead(start: Start, fields: Fields, last: boolean): void {
    const framing = this.#kind.framing(start, fields);
    if (framing === 'interim') return;
    // Both at once is how one side is made to see another body than the other.
    const ambiguous = fields.coding !== null && fields.length !== null;
    this.#reusable = this.#kind.reusable(start, fields) && !fields.close && !ambiguous;
    if (framing === 'chunks') this.#state = 'chunk line';
    else if (framing === 'until close') this.#state = 'until close';
    else if (framing > 0) {
      this.#state = 'length';
      this.#left = framing;
    }
    this.#sink.onHead(start, fields);
    if (framing === 0) this.#finish(last);
  }

  #readCounted(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#sink.onBody(bytes.subarray(at, end));
    if (this.#left === 0) {
      if (this.#state === 'length') this.#finish(end === bytes.length);
      else this.#state = 'chunk end';
    }
    return end;
  }

  #readChunkLine(bytes: Buffer, at: number): number {
    const line = readLine(bytes, at);
    if (line === null) return -1;
    const size = CHUNK_LINE.exec(line)?.[1];
    if (size === undefined) throw new BadMessageError(`a chunk begins with '${line.slice(0, 40)}'`);
    this.#left = Number.parseInt(size, 16);
    this.#trailer = 0;
    this.#state = this.#left === 0 ? 'trailer' : 'chunk';
    return at + line.length + 2;
  }

  #readChunkEnd(bytes: Buffer, at: number): number {
    const line = readLine(bytes, at);
    if (line === null) return -1;
    if (line !== '') throw new BadMessageError('a chunk is longer than it said');
    this.#state = 'chunk line';
    return at + 2;
  }

  #readTrailer(bytes: Buffer, at: number): number {
    const line = readLine(bytes, at);
    if (line === null) return -1;
    this.#trailer += line.length;
    if (this.#trailer > HEAD_LIMIT)
      throw new BadMessageError(`its trailer takes more than ${HEAD_LIMIT} bytes`, true);
    if (line === '') this.#finish(at + 2 === bytes.length);
    return at + line.length + 2;
  }

  /** `clean` where nothing came behind the message. */
  #finish(clean: boolean): void {
    this.#state = 'idle';
    this.#sink.onEnd(this.#reusable && (clean || this.#kind.pipelined));
  }
}

/** The text up to the next line break; null where that is still to come. Throws BadMessageError. */
function readLine(bytes: Buffer, at: number): string | null {
  const end = bytes.indexOf('\r\n', at, 'latin1');
  if ((end < 0 ? bytes.length : end) - at > LINE_LIMIT)
    throw new BadMessageError('a line of its body is too long');
  return end < 0 ? null : bytes.toString('latin1', at, end);
}
