import { MASK, maskLiterals } from './url-values.ts';

/**
 * Digits that no word runs into. The letters and digits of an escape are no word: JSON's `\n` and `\u002b`, a URL's
 * `%2B`. That a digit or a plus comes is asked first, because it is asked at every place of a text.
 */
const NUMBER = /(?=[+\d])(?:(?<!\w)|(?<=\\(?:[bfnrt]|u[\da-fA-F]{4})|%[\da-fA-F]{2}))\+?\d{7,15}(?!\w)/g;
const PLAIN = /^[\x20-\x7e]*$/;

/** `+919876543210` -> `+91******3210`: enough to recognise a caller by, not enough to call (contract §3). */
export function maskNumber(number: string): string {
  const keep = number.startsWith('+') ? 3 : 2;
  if (number.length < keep + 6) return '*'.repeat(Math.max(0, number.length - 2)) + number.slice(-2);
  return number.slice(0, keep) + '*'.repeat(number.length - keep - 4) + number.slice(-4);
}

/** Masks everything in a text that looks like a phone number. */
export function maskNumbers(text: string): string {
  return text.replaceAll(NUMBER, maskNumber);
}

/** Text from outside made safe for a terminal: one line, no control, bidi, zero-width or stacked characters. */
export function visible(text: string, maxLength = 200): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  if (PLAIN.test(cut)) return cut;
  const shown = cut.replaceAll(unsafe(), (match) => {
    const unit = match.codePointAt(0) as number;
    if (match.length > 2 && unit < 0x10000) return `…`;
    if (match === '\n') return '\\n';
    if (match === '\r') return '\\r';
    if (match === '\t') return '\\t';
    return unit <= 0xff ? `\\x${unit.toString(16).padStart(2, '0')}` : `\\u{${unit.toString(16)}}`;
  });
  // Escapes are longer than what they stand for: a hostile text must not take more room than an honest one.
  return shown.length > maxLength + 1
    ? `${shown.slice(0, maxLength).replace(/[\ud800-\udbff]$/, '')}…`
    : shown;
}

/** JSON whose text is safe for a terminal; it means the same. JSON.stringify leaves C1 and bidi controls as they are. */
export function visibleJson(value: unknown, indent = 0): string {
  const json = JSON.stringify(value, null, indent);
  if (PLAIN.test(json)) return json;
  return json.replaceAll(invisible(), (match) =>
    // A line break of JSON's own is the indentation's; those in strings are escaped already.
    match === '\n'
      ? match
      : match.replaceAll(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

// In functions, because Unicode's properties take long to compile and plain text needs none of them.
/** Controls, bidirectional marks and overrides, zero-width characters, line separators, the byte order mark. */
const invisible = () => /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;
/** The same, what is ignored by default, and marks stacked on one character. */
const unsafe = () => /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{DI}]|\p{M}{3,}/gu;

/** A URL fit for showing: without its user, password and fragment; of its query only names, and references to variables. */
export function displayUrl(url: URL | string): string {
  return maskLiterals(withoutCredentials(typeof url === 'string' ? url : url.href));
}

/** A text that should be a URL, or may hold one, without the user and password in it; any other stays as it is. */
export function withoutCredentials(text: string): string {
  if (!text.includes('@')) return text;
  const url = URL.canParse(text) ? new URL(text) : null;
  const shown = url === null || (url.username === '' && url.password === '') ? text : anonymous(url).href;
  return shown.replaceAll(/(?<=\/\/)[^\s/?#]+@/g, '***@');
}

function anonymous(url: URL): URL {
  const copy = new URL(url);
  copy.username = MASK;
  copy.password = '';
  return copy;
}

/** A URL for strangers: without its user, password, and the query, in which tokens travel. */
export function publicUrl(text: string): string {
  if (!URL.canParse(text)) return maskNumbers(text);
  const { protocol, host, pathname, search } = new URL(text);
  return `${protocol}//${host}${maskNumbers(pathname)}${search === '' ? '' : '?…'}`;
}

/** A text with the URLs in it fit for showing, and else as it is. */
export function displayUrls(text: string): string {
  // A sentence's end is not the URL's.
  return text.replaceAll(/\bhttps?:\/\/[^\s'"<>]*[^\s'"<>.,;:!?)]/gi, (url) =>
    maskLiterals(url.replace(/(?<=^https?:\/\/)[^/?#]*@/i, `${MASK}@`)),
  );
}

/** What was given for a URL, as far as a message may repeat it, however it is written: no credentials, no values. */
export function shownUrl(text: string): string {
  if (URL.canParse(text) && new URL(text).host !== '') return displayUrl(text);
  return maskLiterals(text.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, `$1${MASK}@`));
}
