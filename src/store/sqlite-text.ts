import { isUtf8 } from 'node:buffer';

/** Printable ASCII, which nearly every text is. */
const PLAIN = /^[ -~]*$/;
/** A character that stands for no text, by Unicode; here the four hex digits of a code unit follow it. */
const ESCAPE = '\ufdd0';
/** How many bytes of UTF-8 a code unit may become. */
export const ESCAPED_BYTES = 7;
const ODD = /[\0\ufdd0\p{Cs}]/gu;

/**
 * A text as libsql gives it back whole: U+0000 would cut it short, and half a surrogate pair would come back as
 * U+FFFD (fault B6). Equal texts stay equal, so it can be searched for.
 */
export function toText<Text extends string | null>(text: Text): Text {
  if (text === null || PLAIN.test(text)) return text;
  return text.replace(ODD, (unit) => ESCAPE + unit.charCodeAt(0).toString(16).padStart(4, '0')) as Text;
}

/** What `toText` was given. */
export function fromText<Text extends string | null>(text: Text): Text {
  if (text === null || !text.includes(ESCAPE)) return text;
  return text.replace(/\ufdd0([0-9a-f]{4})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  ) as Text;
}

/**
 * A text that was asked for as bytes. Every text is: libsql ends the process over one that is not UTF-8, as it may be in a
 * damaged file, where a number may have become a text, too. So no question has a column in its answer as it is: each is
 * cast to BLOB, INTEGER or REAL. Throws Unreadable.
 */
export function textOf(bytes: ArrayBuffer | Buffer | null): string {
  if (bytes === null) throw new Unreadable();
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
  if (!isUtf8(buffer)) throw new Unreadable();
  return buffer.toString('utf8');
}

/** The same of one that may be null, without what `toText` made of it. */
export function textOrNull(bytes: ArrayBuffer | null): string | null {
  return bytes === null ? null : fromText(textOf(bytes));
}

/** Throws Unreadable. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Unreadable(cause);
  }
}

/** What a file holds makes no sense. It has SQLite's code for that, so that it is told of alike. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
  readonly code = 'SQLITE_CORRUPT';

  constructor(cause?: unknown) {
    super('a record in it cannot be read', { cause });
  }
}
