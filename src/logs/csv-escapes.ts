/** What no CSV file should hold or could: controls but tabs and line breaks, halves of surrogate pairs. */
const UNFIT = /(?![\t\n\r])\p{Cc}|\p{Cs}|\\(?=u[0-9a-f]{4})/gu;
const PLAIN = /^[\x20-\x5b\x5d-\x7e]*$/;

/** Text fit for a CSV file (faults B6, F1): what is not becomes `\u0007`, and so does a `\` that looks like that. */
export function escapeCell(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replaceAll(UNFIT, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** What `escapeCell` was given. */
export function unescapeCell(text: string): string {
  if (!text.includes('\\u')) return text;
  return text.replaceAll(/\\u([0-9a-f]{4})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
