import { hash } from 'node:crypto';
import { withoutCredentials } from './redact.ts';
import { MASK, mapValues, queryValues, referenceOf } from './url-values.ts';

/** Where an attempt went, as its record says it. */
export interface Place {
  /** The endpoint's name. */
  endpoint: string;
  url: string;
}

/**
 * As long as this tells some fifty keys of one URL apart, with odds of a thousand to one. It is no longer, because a
 * hash gives away as many bits of a guessable value as it has.
 */
const HASH_DIGITS = 5;

/**
 * The name of an endpoint that has none: its URL's host, and a short hash of the URL where values in it are what tells
 * it from another (contract §3).
 */
export function endpointName(url: string): string {
  const { host } = new URL(url);
  return hasValues(url) ? `${host}#${hashOf(url)}` : host;
}

/** A URL as a record has it: without user, password and fragment, its values masked. */
export function recordedUrl(text: string): string {
  return mapValues(withoutCredentials(text), () => MASK);
}

/** The same of all that a record from elsewhere says of where it went; null where it does not name the endpoint. */
export function recordedPlace(endpoint: string | null, url: string | null): Place {
  const recorded = url === null ? '' : recordedUrl(url);
  const whole = url !== null && URL.canParse(url) ? url : null;
  if (whole !== null && (endpoint === null || endpoint === new URL(whole).host))
    return { endpoint: endpointName(whole), url: recorded };
  return { endpoint: endpoint === null ? 'imported' : recordedName(endpoint), url: recorded };
}

/** An endpoint's name, as records have it; it may be a URL. */
export function recordedName(text: string): string {
  if (!hasValues(text)) return withoutCredentials(text);
  return `${recordedUrl(text)}#${hashOf(text)}`;
}

/** What `--endpoint` means: a name, or a URL, which is that of one endpoint alone where it has its values. */
export function wantedEndpoint(text: string): string {
  if (!URL.canParse(text)) return text;
  const values = queryValues(text).filter(({ value }) => value !== MASK);
  if (values.length === 0) return text;
  // What a variable holds is not asked: all the endpoints of this URL.
  return values.some(({ value }) => referenceOf(value) !== null) ? recordedUrl(text) : endpointName(text);
}

/** Whether two attempts went to the same endpoint. */
export function isSamePlace(one: Place, other: Place): boolean {
  return one.url === other.url && (one.endpoint === other.endpoint || queryValues(one.url).length === 0);
}

function hasValues(text: string): boolean {
  return queryValues(text).some(({ value }) => value !== MASK);
}

function hashOf(text: string): string {
  const { href } = URL.canParse(text) ? new URL(text) : { href: text };
  return hash('sha256', href.split('#', 1)[0] as string, 'hex').slice(0, HASH_DIGITS);
}
