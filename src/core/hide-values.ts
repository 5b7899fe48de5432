import { MASK, queryValues } from './url-values.ts';

/** Shorter ones are in every other word. */
const LEAST_LENGTH = 4;

/** The values in a URL's query, as they stand there and as they are meant, in JSON too. */
export function secretsIn({ href, searchParams }: URL): string[] {
  const meant = [...searchParams.values()];
  const inJson = meant.map((value) => JSON.stringify(value).slice(1, -1));
  return [...queryValues(href).map(({ value }) => value), ...meant, ...inJson];
}

/** What masks these in a text from outside: an endpoint may repeat what it was sent. */
export function hiding(values: readonly string[]): (text: string) => string {
  const hidden = [...new Set(values)].filter(({ length }) => length >= LEAST_LENGTH);
  // What holds another goes before it.
  hidden.sort((one, other) => other.length - one.length);
  return (text) => hidden.reduce((shown, value) => shown.replaceAll(value, MASK), text);
}
