import { targetQuery } from '../core/asked.ts';
import {
  canBeHeader,
  endToEnd,
  HEADER,
  headerPairs,
  headerValue,
  type RawHeaders,
  withoutHeaders,
} from '../core/headers.ts';
import type { Answer } from '../http/serve-options.ts';
import { BadFrameError, decodeContent } from './frames.ts';

/** A delivery as a listener takes it. */
export interface Handed {
  headers: string[];
  body: Buffer;
  /** Of the sender's request, without its `?`; '' for none. */
  query: string;
}

/** What a relay hands on came to it as a request, so it has no headers that could not stand in one (fault F13). */
export function readContent(bytes: Uint8Array): Handed {
  const { headers, body } = decodeContent(bytes);
  for (const [name, value] of headerPairs(headers))
    if (!canBeHeader(name, value)) throw new BadFrameError('it has a header that cannot stand in a request');
  const query = headerValue(headers, HEADER.query);
  if (query === undefined) return { headers, body, query: '' };
  return { headers: withoutHeaders(headers, [HEADER.query]), body, query: targetQuery(`?${query}`) };
}

/** The server that answers says this itself. */
const OWN = new Set(['date']);
const BODYLESS = new Set([204, 304]);

/**
 * A listener's answer as the platform may be given it, whatever the listener is: a final status of HTTP, and no header
 * that belongs to one hop or would end before its time, so that the next answer on the connection is the next (fault G7).
 */
export function sayable<Given extends Answer>(answer: Given): Given | Answer {
  const { status, body } = answer;
  if (status < 200 || status > 599)
    return { status: 502, headers: [], body: `The app answered ${status}, which is no status of HTTP` };
  return {
    ...answer,
    headers: wellFormed(endToEnd(answer.headers, OWN)),
    body: BODYLESS.has(status) ? '' : body,
  };
}

function wellFormed(headers: RawHeaders): string[] {
  return headerPairs(headers)
    .filter(([name, value]) => canBeHeader(name, value))
    .flat();
}
