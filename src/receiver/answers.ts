import { targetPath } from '../core/asked.ts';
import { canBeHeader, HEADER, headerValue } from '../core/headers.ts';
import type { Answer, IncomingRequest } from '../http/serve-options.ts';
import type { AppAnswer } from './forward.ts';
import type { Judgement } from './judge.ts';

// What a sender is answered (contract §2).

export interface ReceiverAnswer extends Answer {
  /** The app or the log could not be reached: the same delivery is to be tried again, and the next fares no better. */
  unavailable?: boolean;
}

export const RETRY_AFTER = ['Retry-After', '1'];
export const OK: Answer = { status: 200, headers: ['Content-Type', 'text/plain'], body: 'ok' };
export const BUSY_ELSEWHERE: ReceiverAnswer = {
  status: 503,
  headers: RETRY_AFTER,
  body: 'This delivery is being forwarded, try again',
  unavailable: true,
};
export const NOT_STORED: ReceiverAnswer = {
  status: 503,
  headers: RETRY_AFTER,
  body: 'Not stored, try again',
  unavailable: true,
};
export const DUPLICATE: Answer = { ...OK, headers: [...OK.headers, HEADER.duplicate, 'true'] };

/** The answer to what is no delivery, or one too large; null for one. */
export function checkRequest(
  request: IncomingRequest,
  { paths, maxBody }: { paths: readonly string[] | null; maxBody: number },
): Answer | null {
  // Browsers say so themselves: a page that somebody has open elsewhere is no sender (fault G4).
  if (headerValue(request.headers, 'Sec-Fetch-Site') === 'cross-site')
    return { status: 403, headers: [], body: "A request from another site's page is not taken" };
  if (paths !== null && !paths.includes(targetPath(request.target)))
    return { status: 404, headers: [], body: 'Not found' };
  if (request.method !== 'POST') return { status: 405, headers: ['Allow', 'POST'], body: 'Use POST' };
  if (request.body.length > maxBody) return { status: 413, headers: [], body: 'Body too large' };
  return null;
}

/** The answer to a delivery that is not taken; null where it is. It tells the sender nothing but the kind of fault. */
export function refuse(
  judgement: Judgement,
  { invalidStatus, strict }: { invalidStatus: number; strict: boolean },
): Answer | null {
  const { result } = judgement.verdict;
  if (result !== 'valid' && result !== 'unchecked')
    return { status: invalidStatus, headers: [], body: 'Invalid signature' };
  if (judgement.badEventId) return { status: 400, headers: [], body: `Invalid ${HEADER.eventId}` };
  if (judgement.unsupportedEncoding)
    return { status: 415, headers: [], body: 'Unsupported Content-Encoding' };
  if (!strict) return null;
  if (judgement.stale) return { status: invalidStatus, headers: [], body: 'Stale delivery' };
  if (judgement.payload.problem !== null) return { status: 422, headers: [], body: 'Not an event' };
  return null;
}

/** What of the app's headers its body is nothing without, and what its retries go by. */
const PASSED = ['Content-Type', 'Content-Encoding', 'Retry-After'];

/** The app's own answer for the sender, so that its retries work; 502 or 504 where the app gave none. */
export function appAnswer({ status, outcome, headers, responseBody, bodyCut }: AppAnswer): ReceiverAnswer {
  if (status === null)
    return {
      status: outcome === 'timeout' ? 504 : 502,
      headers: RETRY_AFTER,
      body: 'The app behind this receiver did not answer',
      unavailable: true,
    };
  const passed = PASSED.flatMap((name) => {
    const value = headerValue(headers, name);
    return value === undefined || !canBeHeader(name, value) ? [] : [name, value];
  });
  if (bodyCut) passed.push(HEADER.bodyCut, 'true');
  return { status, headers: passed, body: responseBody };
}
