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
