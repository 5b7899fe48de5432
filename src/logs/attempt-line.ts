import { OUTCOMES } from '../core/record.ts';

/** What is read off a line without making an object of it, in the order of an export's keys. */
export const FIELDS = [
  'kind',
  'id',
  'event_id',
  'event',
  'call_id',
  'endpoint',
  'url',
  'attempt',
  'due_at',
  'sent_at',
  'status',
  'outcome',
  'duration_ms',
  'final',
  'run',
  'replay_of',
  'error',
  'fault',
  'headers',
  'body_base64',
  'body_masked',
] as const;
export type Field = (typeof FIELDS)[number];

const KEYS = FIELDS.map((name) => Buffer.from(name));
/** Each field's key as nearly every line has it. */
const TOKENS = FIELDS.map((name) => Buffer.from(`"${name}":`));
const ATTEMPT = Buffer.from('attempt');
const OUTCOME_NAMES = OUTCOMES.map((name) => Buffer.from(name));
/** Each field's place in FIELDS. */
export const FIELD = Object.fromEntries(FIELDS.map((name, index) => [name, index])) as Record<Field, number>;
const { kind: KIND, due_at: DUE_AT, sent_at: SENT_AT, status: STATUS, outcome: OUTCOME } = FIELD;
const { attempt: NUMBER, duration_ms: DURATION, body_base64: BODY } = FIELD;
const TEXTS = [FIELD.id, FIELD.event_id, FIELD.endpoint, FIELD.url, OUTCOME];
const TEXTS_OR_NULL = [FIELD.event, FIELD.call_id, FIELD.replay_of, FIELD.error, FIELD.fault];

const ABSENT = 0;
const TEXT = 1;
const NUMERAL = 2;
const NULL = 3;
const OTHER = 4;

/**
 * One line of an export that holds an attempt, read where it stands in the file: a million of them are counted in a
 * fraction of the time that JSON.parse takes. It takes only what is plainly an attempt, without escapes in its texts;
 * of all else `read` says no, and JSON.parse with `recordFromJson` is to judge.
 */
export class AttemptLine {
  bytes: Buffer = Buffer.alloc(0);
  /** Where each field's text begins and ends, inside its quotes. */
  readonly start = new Int32Array(FIELDS.length);
  readonly end = new Int32Array(FIELDS.length);
  readonly #type = new Uint8Array(FIELDS.length);
  readonly #number = new Float64Array(FIELDS.length);
  dueAt = 0;
  sentAt = 0;
  #dayBytes: Buffer = Buffer.from('no day yet');
  #day = 0;

  /** Reads `bytes[from, to)`; false where it is not plainly an attempt. */
  read(bytes: Buffer, from: number, to: number): boolean {
    this.bytes = bytes;
    return this.#scan(bytes, from, to) && this.#isAttempt();
  }

  has(field: number): boolean {
    return this.#type[field] === TEXT;
  }

  get status(): number | null {
    return this.#type[STATUS] === NUMERAL ? (this.#number[STATUS] as number) : null;
  }

  get attempt(): number {
    return this.#number[NUMBER] as number;
  }

  get durationMs(): number {
    return this.#number[DURATION] as number;
  }

  /** Whether there is anything but null. */
  holds(field: number): boolean {
    return this.#type[field] !== ABSENT && this.#type[field] !== NULL;
  }

  /** Whether a field's text is printable ASCII without spaces, short enough for an id (core/headers.ts). */
  isAscii(field: number): boolean {
    const end = this.end[field] as number;
    let at = this.start[field] as number;
    if (end === at || end - at > 256) return false;
    while (at < end && (this.bytes[at] as number) > 0x20 && (this.bytes[at] as number) < 0x7f) at++;
    return at === end;
  }

  /** A field's text; null where it has none. */
  text(field: number): string | null {
    return this.has(field) ? this.bytes.toString('utf8', this.start[field], this.end[field]) : null;
  }

  #isAttempt(): boolean {
    const type = this.#type;
    if (type[KIND] !== TEXT || !this.#equals(KIND, ATTEMPT)) return false;
    for (const field of TEXTS) if (type[field] !== TEXT) return false;
    for (const field of TEXTS_OR_NULL) {
      const found = type[field];
      if (found !== TEXT && found !== NULL && found !== ABSENT) return false;
    }
    if (type[BODY] === TEXT ? !this.#isBase64(BODY) : this.holds(BODY)) return false;
    if (type[NUMBER] !== NUMERAL || !Number.isInteger(this.#number[NUMBER])) return false;
    if (type[DURATION] !== NUMERAL) return false;
    if (type[STATUS] === NUMERAL) {
      const status = this.#number[STATUS] as number;
      if (!Number.isInteger(status) || status < 100 || status > 999) return false;
    } else if (type[STATUS] !== NULL && type[STATUS] !== ABSENT) return false;
    if (!OUTCOME_NAMES.some((name) => this.#equals(OUTCOME, name))) return false;
    if (!this.#readTime(SENT_AT)) return false;
    this.sentAt = this.#time;
    if (type[DUE_AT] === ABSENT) this.dueAt = this.sentAt;
    else if (this.#readTime(DUE_AT)) this.dueAt = this.#time;
    else return false;
    return true;
  }

  #time = 0;

  /** `2026-01-31T12:00:00.000Z` and nothing else; the day is worked out once for all lines of one day. */
  #readTime(field: number): boolean {
    const { bytes } = this;
    const at = this.start[field] as number;
    if (this.#type[field] !== TEXT || (this.end[field] as number) - at !== 24) return false;
    const plain =
      bytes[at + 10] === 0x54 &&
      bytes[at + 13] === COLON &&
      bytes[at + 16] === COLON &&
      bytes[at + 19] === POINT &&
      bytes[at + 23] === 0x5a;
    if (!plain) return false;
    const hours = twoDigits(bytes, at + 11);
    const minutes = twoDigits(bytes, at + 14);
    const seconds = twoDigits(bytes, at + 17);
    const hundredths = twoDigits(bytes, at + 20);
    const thousandths = (bytes[at + 22] as number) - 48;
    if (hours > 23 || minutes > 59 || seconds > 59 || hundredths > 99) return false;
    if (thousandths < 0 || thousandths > 9 || !this.#readDay(at)) return false;
    this.#time = this.#day + ((hours * 60 + minutes) * 60 + seconds) * 1000 + hundredths * 10 + thousandths;
    return true;
  }

  #readDay(at: number): boolean {
    if (matches(this.bytes, at, at + 10, this.#dayBytes)) return true;
    const text = this.bytes.toString('latin1', at, at + 10);
    if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
    const day = Date.parse(`${text}T00:00:00Z`);
    if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== text) return false;
    this.#dayBytes = Buffer.from(text);
    this.#day = day;
    return true;
  }

  #equals(field: number, name: Buffer): boolean {
    const start = this.start[field] as number;
    if ((this.end[field] as number) - start !== name.length) return false;
    for (let i = 0; i < name.length; i++) if (this.bytes[start + i] !== name[i]) return false;
    return true;
  }

  /** The same as record-json.ts asks of a body. */
  #isBase64(field: number): boolean {
    const { bytes } = this;
    let end = this.end[field] as number;
    let at = this.start[field] as number;
    for (let padding = 0; padding < 2 && end > at && bytes[end - 1] === EQUALS; padding++) end -= 1;
    while (at < end && BASE64[bytes[at] as number] === 1) at++;
    return at === end;
  }

  /** A flat object of texts without escapes, plain numbers, true, false and null. */
  #scan(bytes: Buffer, from: number, to: number): boolean {
    this.#type.fill(ABSENT);
    let at = skipSpace(bytes, from, to);
    if (bytes[at] !== OPEN) return false;
    at += 1;
    let guess = 0;
    for (;;) {
      let field = guess;
      const token = TOKENS[guess];
      if (token !== undefined && matches(bytes, at, to, token)) at += token.length;
      else {
        at = skipSpace(bytes, at, to);
        if (bytes[at] !== QUOTE) return false;
        const keyStart = at + 1;
        const keyEnd = endOfText(bytes, keyStart, to);
        if (keyEnd < 0) return false;
        field = fieldOf(bytes, keyStart, keyEnd, guess);
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

  /** Where the value that begins at `at` ends; -1 where it is none of those that `#scan` takes. */
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
      if (field >= 0) this.#number[field] = value / scale;
      type = NUMERAL;
    } else if (matches(bytes, at, to, NULL_WORD)) {
      type = NULL;
      end = at + 4;
    } else if (matches(bytes, at, to, TRUE_WORD)) end = at + 4;
    else if (matches(bytes, at, to, FALSE_WORD)) end = at + 5;
    if (field >= 0) this.#type[field] = type;
    return end;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const COLON = 0x3a;
const COMMA = 0x2c;
const POINT = 0x2e;
const EQUALS = 0x3d;
/** 1 for each byte of the base64 alphabet. */
const BASE64 = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9+/]/.test(String.fromCharCode(byte)) ? 1 : 0,
);
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

/** Most lines have their keys in the same order, so the next one is tried first. */
function fieldOf(bytes: Buffer, start: number, end: number, guess: number): number {
  if (guess < KEYS.length && isKey(bytes, start, end, KEYS[guess] as Buffer)) return guess;
  return KEYS.findIndex((key) => isKey(bytes, start, end, key));
}

function isKey(bytes: Buffer, start: number, end: number, key: Buffer): boolean {
  return end - start === key.length && matches(bytes, start, end, key);
}

function matches(bytes: Buffer, at: number, to: number, word: Buffer): boolean {
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

/** The number that two digits stand for; 100 where they are none. */
function twoDigits(bytes: Buffer, at: number): number {
  const tens = (bytes[at] as number) - 48;
  const ones = (bytes[at + 1] as number) - 48;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? 100 : tens * 10 + ones;
}
