import { OUTCOMES } from '../core/record.ts';
import { MASK } from '../core/url-values.ts';
import { ABSENT, COLON, FlatLine, matches, NULL, NUMERAL, POINT, TEXT } from './flat-line.ts';

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

const ATTEMPT = Buffer.from('attempt');
const OUTCOME_NAMES = OUTCOMES.map((name) => Buffer.from(name));
/** Each field's place in FIELDS. */
export const FIELD = Object.fromEntries(FIELDS.map((name, index) => [name, index])) as Record<Field, number>;
const { kind: KIND, due_at: DUE_AT, sent_at: SENT_AT, status: STATUS, outcome: OUTCOME } = FIELD;
const { attempt: NUMBER, duration_ms: DURATION, body_base64: BODY } = FIELD;
const TEXTS = [FIELD.id, FIELD.event_id, FIELD.endpoint, FIELD.url, OUTCOME];
const TEXTS_OR_NULL = [FIELD.event, FIELD.call_id, FIELD.replay_of, FIELD.error, FIELD.fault];

/**
 * One line of an export that holds an attempt, read where it stands in the file: a million of them are counted in a
 * fraction of the time that JSON.parse takes. It takes only what is plainly an attempt, without escapes in its texts;
 * of all else `read` says no, and JSON.parse with `recordFromJson` is to judge.
 */
export class AttemptLine extends FlatLine {
  dueAt = 0;
  sentAt = 0;
  #dayBytes: Buffer = Buffer.from('no day yet');
  #day = 0;

  constructor() {
    super(FIELDS);
  }

  /** Reads `bytes[from, to)`; false where it is not plainly an attempt. */
  read(bytes: Buffer, from: number, to: number): boolean {
    return this.scan(bytes, from, to) && this.#isAttempt();
  }

  get status(): number | null {
    return this.types[STATUS] === NUMERAL ? (this.numbers[STATUS] as number) : null;
  }

  get attempt(): number {
    return this.numbers[NUMBER] as number;
  }

  get durationMs(): number {
    return this.numbers[DURATION] as number;
  }

  /** Whether a field's text is printable ASCII without spaces, short enough for an id (core/headers.ts). */
  isAscii(field: number): boolean {
    const end = this.end[field] as number;
    let at = this.start[field] as number;
    if (end === at || end - at > 256) return false;
    while (at < end && (this.bytes[at] as number) > 0x20 && (this.bytes[at] as number) < 0x7f) at++;
    return at === end;
  }

  #isAttempt(): boolean {
    const type = this.types;
    if (type[KIND] !== TEXT || !this.#equals(KIND, ATTEMPT)) return false;
    for (const field of TEXTS) if (type[field] !== TEXT) return false;
    for (const field of TEXTS_OR_NULL) {
      const found = type[field];
      if (found !== TEXT && found !== NULL && found !== ABSENT) return false;
    }
    // A URL may have secrets in it, which are not to be kept.
    if (this.#contains(FIELD.url, AT) || this.#contains(FIELD.endpoint, AT)) return false;
    if (!this.#isMasked(FIELD.url) || this.#contains(FIELD.endpoint, QUESTION)) return false;
    if (type[BODY] === TEXT ? !this.#isBase64(BODY) : this.holds(BODY)) return false;
    if (type[NUMBER] !== NUMERAL || !Number.isInteger(this.numbers[NUMBER])) return false;
    if (type[DURATION] !== NUMERAL) return false;
    if (type[STATUS] === NUMERAL) {
      const status = this.numbers[STATUS] as number;
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
    if (this.types[field] !== TEXT || (this.end[field] as number) - at !== 24) return false;
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

  #contains(field: number, byte: number): boolean {
    const end = this.end[field] as number;
    for (let i = this.start[field] as number; i < end; i++) if (this.bytes[i] === byte) return true;
    return false;
  }

  /** Whether a URL has no fragment, and no value in its query that is to be masked. */
  #isMasked(field: number): boolean {
    const { bytes } = this;
    const end = this.end[field] as number;
    let at = this.start[field] as number;
    for (; at < end && bytes[at] !== QUESTION; at++) if (bytes[at] === HASH) return false;
    while (++at < end) {
      let partEnd = at;
      let value = -1;
      for (; partEnd < end && bytes[partEnd] !== AMPERSAND; partEnd++) {
        if (bytes[partEnd] === HASH) return false;
        if (bytes[partEnd] === EQUALS && value < 0) value = partEnd + 1;
      }
      const start = value < 0 ? at : value;
      if (start < partEnd && !(partEnd - start === MASKED.length && matches(bytes, start, partEnd, MASKED)))
        return false;
      at = partEnd;
    }
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
}

const AT = 0x40;
const QUESTION = 0x3f;
const HASH = 0x23;
const AMPERSAND = 0x26;
const MASKED = Buffer.from(MASK);
const EQUALS = 0x3d;
/** 1 for each byte of the base64 alphabet. */
const BASE64 = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9+/]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** The number that two digits stand for; 100 where they are none. */
function twoDigits(bytes: Buffer, at: number): number {
  const tens = (bytes[at] as number) - 48;
  const ones = (bytes[at + 1] as number) - 48;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? 100 : tens * 10 + ones;
}
