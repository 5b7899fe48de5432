const FORMULA = /^[=+\-@\t\r]/;
/** What spreadsheets may take for a formula, but is none: a number, and a phone number. */
const HARMLESS = /^(?:-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|\+\d+)$/;

/** Rows as CSV (RFC 4180) with CRLF; a cell that a spreadsheet would run as a formula begins with `'` (fault F4). */
export function toCsv(rows: readonly (readonly (string | number | null)[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: string | number | null): string {
  if (value === null) return '';
  const text = String(value);
  const safe = FORMULA.test(text) && !HARMLESS.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
