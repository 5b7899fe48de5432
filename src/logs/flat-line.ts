/** What a field holds. */
export const ABSENT = 0;
export const TEXT = 1;
export const NUMERAL = 2;
export const NULL = 3;
const OTHER = 4;

/**
 * One line of JSON, read where it stands in a file, without an object being made of it: a flat object of texts without
 * escapes, plain numbers, true, false and null. Fields are known by their place in the list of their names; lines that have
 * them in that order are read fastest.
 */
export class FlatLine {
  readonly #keys: readonly Buffer[];
  /** Each field's key as nearly every line has it. */
  readonly #tokens: readonly Buffer[];
  bytes: Buffer = Buffer.alloc(0);
  /** Where each field's text begins and ends, inside its quotes. */
  readonly start: Int32Array;
  readonly end: Int32Array;
  protected readonly types: Uint8Array;
  protected readonly numbers: Float64Array;

  constructor(fields: readonly string[]) {
    this.#keys = fields.map((name) => Buffer.from(name));
    this.#tokens = fields.map((name) => Buffer.from(`"${name}":`));
    this.start = new Int32Array(fields.length);
    this.end = new Int32Array(fields.length);
    this.types = new Uint8Array(fields.length);
    this.numbers = new Float64Array(fields.length);
  }

  has(field: number): boolean {
    return this.types[field] === TEXT;
  }

  /** Whether there is anything but null. */
  holds(field: number): boolean {
    return this.types[field] !== ABSENT && this.types[field] !== NULL;
  }

  /** A field's text; null where it has none. */
  text(field: number): string | null {
    return this.has(field) ? this.bytes.toString('utf8', this.start[field], this.end[field]) : null;
  }

  /** Reads `bytes[from, to)`; false where it is none of that. */
  protected scan(bytes: Buffer, from: number, to: number): boolean {
    this.bytes = bytes;
    this.types.fill(ABSENT);
    let at = skipSpace(bytes, from, to);
    if (bytes[at] !== OPEN) return false;
    at += 1;
    let guess = 0;
    for (;;) {
      let field = guess;
      const token = this.#tokens[guess];
      if (token !== undefined && matches(bytes, at, to, token)) at += token.length;
      else {
        at = skipSpace(bytes, at, to);
        if (bytes[at] !== QUOTE) return false;
        const keyStart = at + 1;
        const keyEnd = endOfText(bytes, keyStart, to);
        if (keyEnd < 0) return false;
        field = this.#keys.findIndex((key) => isKey(bytes, keyStart, keyEnd, key));
        at = skipSpace(bytes, keyEnd + 1, to);
        if (bytes[at] !== COLON) return false;
        at += 1;
      }
      guess = field + 1;
      at = this.#value(bytes, skipSpace(bytes, at, to), to, field);
      if (at < 0) return false;
      at = skipSpace(bytes, at, to);
      if (bytes[at] === COMMA) at += 1;
      else if (bytes[at] === CLOSE) return skipSpace(bytes, at + 1, to) >= to;
      else return false;
    }
  }

  /** Where the value that begins at `at` ends; -1 where it is none of those that `scan` takes. */
  #value(bytes: Buffer, at: number, to: number, field: number): number {
    const byte = bytes[at] as number;
    let type = OTHER;
    let end = -1;
    if (byte === QUOTE) {
      const textEnd = endOfText(bytes, at + 1, to);
      if (textEnd < 0) return -1;
      if (field >= 0) {
        this.start[field] = at + 1;
        this.end[field] = textEnd;
      }
      type = TEXT;
      end = textEnd + 1;
    } else if (byte >= 0x30 && byte <= 0x39) {
      let value = 0;
      let digits = 0;
      end = at;
      for (; isDigit(bytes[end]) && end < to; end++, digits++)
        value = value * 10 + (bytes[end] as number) - 48;
      if (byte === 0x30 && digits > 1) return -1;
      let scale = 1;
      if (bytes[end] === POINT && end < to) {
        const point = end++;
        for (; isDigit(bytes[end]) && end < to; end++, digits++, scale *= 10)
          value = value * 10 + (bytes[end] as number) - 48;
        if (end === point + 1) return -1;
      }
      // Beyond this many digits the sum is not exact; an exponent is JSON.parse's to read.
      if (digits > 15 || bytes[end] === 0x65 || bytes[end] === 0x45) return -1;
      if (field >= 0) this.numbers[field] = value / scale;
      type = NUMERAL;
    } else if (matches(bytes, at, to, NULL_WORD)) {
      type = NULL;
      end = at + 4;
    } else if (matches(bytes, at, to, TRUE_WORD)) end = at + 4;
    else if (matches(bytes, at, to, FALSE_WORD)) end = at + 5;
    if (field >= 0) this.types[field] = type;
    return end;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
export const COLON = 0x3a;
const COMMA = 0x2c;
export const POINT = 0x2e;
const NULL_WORD = Buffer.from('null');
const TRUE_WORD = Buffer.from('true');
const FALSE_WORD = Buffer.from('false');

/** Where the text that begins at `at` has its closing quote; -1 where it has none, or an escape or a control before. */
function endOfText(bytes: Buffer, at: number, to: number): number {
  let i = at;
  while (i < to && PLAIN[bytes[i] as number] === 1) i++;
  return i < to && bytes[i] === QUOTE ? i : -1;
}

/** 1 for each byte that may stand in a text as it is. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);

function isKey(bytes: Buffer, start: number, end: number, key: Buffer): boolean {
  return end - start === key.length && matches(bytes, start, end, key);
}

export function matches(bytes: Buffer, at: number, to: number, word: Buffer): boolean {
  if (at + word.length > to) return false;
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

function skipSpace(bytes: Buffer, at: number, to: number): number {
  // Rarely is there any.
  if ((bytes[at] as number) > 0x20) return at;
  let i = at;
  while (i < to && (bytes[i] === 0x20 || bytes[i] === 0x09 || bytes[i] === 0x0d || bytes[i] === 0x0a)) i++;
  return i;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
