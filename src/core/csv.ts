const FORMULA = /^'*[=+\-@\t\r]/;
/** What spreadsheets may take for a formula, but is none: a number, and a phone number. */
const HARMLESS = /^(?:-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|\+\d+)$/;

export type Cell = string | number | null;

/** Rows as CSV (RFC 4180) with CRLF; a cell that a spreadsheet would run as a formula begins with `'` (fault F4). */
export function toCsv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** What `toCsv` was given for a text. */
export function fromCsvText(text: string): string {
  return /^'+[=+\-@\t\r]/.test(text) ? text.slice(1) : text;
}

/** Nothing stands for null, so an empty text has its quotes. */
function cell(value: Cell): string {
  if (value === null) return '';
  const text = String(value);
  const safe = FORMULA.test(text) && !HARMLESS.test(text) ? `'${text}` : text;
  return safe === '' || /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
