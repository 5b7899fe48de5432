/** The names of the headers of a delivery, as they go over the wire (contract §1). */
export const HEADER = {
  contentType: 'Content-Type',
  eventId: 'X-MO-Event-Id',
  signature: 'X-MO-Signature',
  attempt: 'X-MO-Delivery-Attempt',
  sentAt: 'X-MO-Sent-At',
  replay: 'X-MO-Replay',
  duplicate: 'X-MO-Duplicate',
  /** On what a listener sends to itself through its public URL, to see whether that leads to it. */
  probe: 'X-MO-Probe',
  /** On an answer: the app said more than is passed on. */
  bodyCut: 'X-MO-Body-Cut',
  /** From a relay to a listener: the query of the sender's request. */
  query: 'X-MO-Query',
} as const;

/** Header names and values in turn, in the order and case they came in: `[name, value, name, value, …]`. */
export type RawHeaders = readonly string[];

/** Headers that belong to one connection, and those the next request gets anew (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const NONE: ReadonlySet<string> = new Set();
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const UNFIT = /[^\t\x20-\x7e\x80-\xff]/;
const MAX_EVENT_ID = 256;
const MAX_ATTEMPT = 1000;

/** Whether a header can have this name and this value: nothing in them ends it before its time (RFC 9110 §5). */
export function canBeHeader(name: string, value: string): boolean {
  return NAME.test(name) && !UNFIT.test(value);
}

/** Every value of a header joined by `, `, as Node joins them; undefined where it is absent. */
export function headerValue(headers: RawHeaders, name: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const candidate = headers[i] as string;
    if (candidate.length !== name.length) continue;
    if (candidate !== name && candidate.toLowerCase() !== name.toLowerCase()) continue;
    value = value === undefined ? (headers[i + 1] as string) : `${value}, ${headers[i + 1]}`;
  }
  return value;
}

/** Names with their values, in order, for JSON and for people. */
export function headerPairs(headers: RawHeaders): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < headers.length; i += 2) pairs.push([headers[i] as string, headers[i + 1] as string]);
  return pairs;
}

/** The headers but those of these names. */
export function withoutHeaders(headers: RawHeaders, names: readonly string[]): string[] {
  const left = new Set(names.map((name) => name.toLowerCase()));
  return headerPairs(headers)
    .filter(([name]) => !left.has(name.toLowerCase()))
    .flat();
}

/**
 * The headers that go on to the next hop, in their order. Those that `Connection` names stay behind, and `more`, whose
 * names are in lower case.
 */
export function endToEnd(headers: RawHeaders, more: ReadonlySet<string> = NONE): string[] {
  const named = new Set<string>();
  for (let i = 0; i < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() !== 'connection') continue;
    for (const token of (headers[i + 1] as string).split(',')) named.add(token.trim().toLowerCase());
  }
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    if (HOP_BY_HOP.has(name) || more.has(name) || (named.has(name) && !name.startsWith('x-mo-'))) continue;
    kept.push(headers[i] as string, headers[i + 1] as string);
  }
  return kept;
}

/** An event id is an opaque text of 1 to 256 printable ASCII characters; false for anything else. */
export function isEventId(id: string): boolean {
  return id.length <= MAX_EVENT_ID && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(id);
}

/** `X-MO-Delivery-Attempt` as a number, or null where it is absent or no sane count. */
export function parseAttempt(value: string | undefined): number | null {
  if (value === undefined || !/^[1-9]\d{0,3}$/.test(value)) return null;
  const attempt = Number(value);
  return attempt <= MAX_ATTEMPT ? attempt : null;
}
