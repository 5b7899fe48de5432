/** What stands for a value that is not to be seen. */
export const MASK = '***';

const REFERENCE = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;

/** One value of a query. */
export interface QueryValue {
  /** Empty for a part without `=`, which is all value. */
  name: string;
  value: string;
}

/** A URL's text, its fragment left out, with each value of its query changed (contract §3: they are secrets). */
export function mapValues(text: string, change: (value: string, name: string) => string): string {
  const [place, query] = inTwo(text);
  if (query === null) return place;
  const parts = query.split('&').map((part) => {
    const { name, value } = toValue(part);
    const changed = value === '' ? '' : change(value, name);
    return part.includes('=') ? `${name}=${changed}` : changed;
  });
  return `${place}?${parts.join('&')}`;
}

/** The values of a URL's query that are not empty. */
export function queryValues(text: string): QueryValue[] {
  const [, query] = inTwo(text);
  return (query ?? '')
    .split('&')
    .map(toValue)
    .filter(({ value }) => value !== '');
}

/** The name of the variable that a value refers to (`env:NAME`); null where the value is meant as it is. */
export function referenceOf(value: string): string | null {
  return REFERENCE.exec(value)?.[1] ?? null;
}

/** A value as it stands in a URL. */
export function encodeValue(value: string): string {
  return encodeURIComponent(value).replaceAll("'", '%27');
}

/** A URL's text with its values masked, but for references to variables, which are no secrets. */
export function maskLiterals(text: string): string {
  return mapValues(text, (value) => (referenceOf(value) === null ? MASK : value));
}

/** A URL's text up to its query, and the query without its `?`. */
function inTwo(text: string): [place: string, query: string | null] {
  const whole = text.split('#', 1)[0] as string;
  const at = whole.indexOf('?');
  return at < 0 ? [whole, null] : [whole.slice(0, at), whole.slice(at + 1)];
}

function toValue(part: string): QueryValue {
  const at = part.indexOf('=');
  return at < 0 ? { name: '', value: part } : { name: part.slice(0, at), value: part.slice(at + 1) };
}
