/** What is told of an answer, in this order. Chunks are only good until the call returns. */
export interface AnswerSink {
  /** Status and headers, names and values in turn; interim answers (1xx) are passed over. */
  onHead(status: number, headers: readonly string[]): void;
  onBody(chunk: Buffer): void;
  /** `reusable` where the connection may carry another exchange; `keepMs` is for how long, if it said so. */
  onEnd(reusable: boolean, keepMs: number | null): void;
}

/** What came is not HTTP/1.1, or not such as may be trusted to be. */
export class BadAnswerError extends Error {
  override readonly name = 'BadAnswerError';
}

/** Longest head of an answer, and longest trailer of a chunked body, bytes; Node's own servers keep to the same. */
const HEAD_LIMIT = 16_384;
const LINE_LIMIT = 1024;
const START = 'HTTP/1.';
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0]*?)[ \t]*$/;
/** A line that does not end as RFC 9112 wants it: what one side takes for a header, another may not. */
const LONE_BREAK = /(?<!\r)\n|\r(?!\n|$)/;
const CHUNK_LINE = /^([0-9a-f]{1,12})[ \t]*(?:;[^\0]*)?$/i;

interface Head {
  status: number;
  headers: readonly string[];
  length: number | null;
  /** What `Transfer-Encoding` says. */
  coding: string | null;
  reusable: boolean;
  keepMs: number | null;
}

type State = 'idle' | 'head' | 'length' | 'chunk line' | 'chunk' | 'chunk end' | 'trailer' | 'until close';

/**
 * Reads the answers to POST requests off a connection, whatever pieces they come in (RFC 9112). Framing that could be
 * read in two ways is refused, or the connection is not used again.
 */
export class AnswerParser {
  readonly #sink: AnswerSink;
  #state: State = 'idle';
  /** The beginning of a line or head whose end is still to come. */
  #held: Buffer | null = null;
  /** The last head: an endpoint's answers mostly begin alike. */
  #headText = '';
  #head: Head | null = null;
  #left = 0;
  #reusable = false;
  #keepMs: number | null = null;
  #trailer = 0;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** True between a head and the end of its body. */
  get inBody(): boolean {
    return this.#state !== 'idle' && this.#state !== 'head';
  }

  /** A request was sent: its answer is what comes next. */
  expect(): void {
    this.#state = 'head';
  }

  /** Takes the next bytes of the connection. Throws BadAnswerError. */
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

  /** The connection ended. False where the answer is thereby cut off. */
  end(): boolean {
    if (this.#state !== 'until close') return this.#state === 'idle';
    this.#finish(false);
    return true;
  }

  /** Reads on from `at`; answers with the place it came to, or -1 where more bytes are needed first. */
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
        throw new BadAnswerError('bytes came that no request had asked for');
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
    const text = bytes.toString('latin1', at, end < 0 ? Math.min(bytes.length, at + HEAD_LIMIT + 1) : end);
    if (end < 0 || text !== this.#headText) {
      checkHead(text);
      if (end < 0) return -1;
      this.#head = parseHead(text.split('\r\n'));
      this.#headText = text;
    }
    this.#takeHead(this.#head as Head, end + 4 === bytes.length);
    return end + 4;
  }

  #takeHead(head: Head, last: boolean): void {
    const { status, length, coding } = head;
    if (status < 200 && status !== 101) return;
    this.#reusable = head.reusable;
    this.#keepMs = head.keepMs;
    this.#sink.onHead(status, head.headers);
    const bodyless = status === 204 || status === 304 || status === 101;
    if (bodyless || (coding === null && length === 0)) return this.#finish(last);
    if (coding !== null) this.#state = /(?:^|,)\s*chunked\s*$/i.test(coding) ? 'chunk line' : 'until close';
    else this.#state = length === null ? 'until close' : 'length';
    this.#left = length ?? 0;
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
    if (size === undefined) throw new BadAnswerError(`a chunk begins with '${line.slice(0, 40)}'`);
    this.#left = Number.parseInt(size, 16);
    this.#trailer = 0;
    this.#state = this.#left === 0 ? 'trailer' : 'chunk';
    return at + line.length + 2;
  }

  #readChunkEnd(bytes: Buffer, at: number): number {
    const line = readLine(bytes, at);
    if (line === null) return -1;
    if (line !== '') throw new BadAnswerError('a chunk is longer than it said');
    this.#state = 'chunk line';
    return at + 2;
  }

  #readTrailer(bytes: Buffer, at: number): number {
    const line = readLine(bytes, at);
    if (line === null) return -1;
    this.#trailer += line.length;
    if (this.#trailer > HEAD_LIMIT)
      throw new BadAnswerError(`its trailer takes more than ${HEAD_LIMIT} bytes`);
    if (line === '') this.#finish(at + 2 === bytes.length);
    return at + line.length + 2;
  }

  /** `clean` where nothing came behind the answer. */
  #finish(clean: boolean): void {
    this.#state = 'idle';
    this.#sink.onEnd(this.#reusable && clean, this.#keepMs);
  }
}

/** Refuses, as soon as it shows, what will never be a head. Throws BadAnswerError. */
function checkHead(text: string): void {
  if (!text.startsWith(START) && !START.startsWith(text)) {
    throw new BadAnswerError(`it begins with '${text.slice(0, 40)}'`);
  }
  if (text.length > HEAD_LIMIT) throw new BadAnswerError(`its headers take more than ${HEAD_LIMIT} bytes`);
  if (LONE_BREAK.test(text)) throw new BadAnswerError('a line of its headers ends wrongly');
}

/** Reads a head's lines. Throws BadAnswerError. */
function parseHead(lines: string[]): Head {
  const statusLine = STATUS_LINE.exec(lines[0] as string);
  if (statusLine === null)
    throw new BadAnswerError(`its status line is '${(lines[0] as string).slice(0, 80)}'`);
  const status = Number(statusLine[2]);
  const headers: string[] = [];
  let length: number | null = null;
  let coding: string | null = null;
  let reusable = statusLine[1] === '1';
  let keepMs: number | null = null;
  for (let i = 1; i < lines.length; i++) {
    const header = HEADER_LINE.exec(lines[i] as string);
    if (header === null) throw new BadAnswerError(`a header line is '${(lines[i] as string).slice(0, 80)}'`);
    const [, name, value] = header as unknown as [string, string, string];
    headers.push(name, value);
    switch (name.toLowerCase()) {
      case 'content-length': {
        const declared = contentLength(value);
        if (length !== null && length !== declared) throw new BadAnswerError('it has two Content-Length');
        length = declared;
        break;
      }
      case 'transfer-encoding':
        coding = coding === null ? value : `${coding}, ${value}`;
        break;
      case 'connection':
        if (/(?:^|,)\s*close\s*(?:,|$)/i.test(value)) reusable = false;
        break;
      case 'keep-alive': {
        const seconds = /timeout=(\d{1,6})/i.exec(value)?.[1];
        if (seconds !== undefined) keepMs = Number(seconds) * 1000;
        break;
      }
    }
  }
  // Both at once is how one side is made to see another body than the other; another protocol is none of ours.
  if ((coding !== null && length !== null) || status === 101) reusable = false;
  return { status, headers, length, coding, reusable, keepMs };
}

function contentLength(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new BadAnswerError(`its Content-Length is '${value.slice(0, 40)}'`);
  return Number(value);
}

/** The text up to the next line break; null where that is still to come. Throws BadAnswerError. */
function readLine(bytes: Buffer, at: number): string | null {
  const end = bytes.indexOf('\r\n', at, 'latin1');
  if ((end < 0 ? bytes.length : end) - at > LINE_LIMIT)
    throw new BadAnswerError('a line of its body is too long');
  return end < 0 ? null : bytes.toString('latin1', at, end);
}
