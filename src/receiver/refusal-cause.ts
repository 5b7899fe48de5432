import { explainSignature, MOST_SEARCHED } from '../check/explain.ts';
import { HEADER, headerValue } from '../core/headers.ts';
import type { Secret } from '../core/signature.ts';
import type { IncomingRequest } from '../http/serve-options.ts';
import type { Judgement } from './judge.ts';

/** A search tries the body and the secrets in many forms: a flood of forgeries gets no more of them than this. */
const SEARCH_EVERY_MS = 1000;

/**
 * Says why a signature was refused, while the whole body is there (contract §2). Null where that would have taken another
 * search within a second, or one over more than `MOST_SEARCHED` bytes. `monotonic` is in ms.
 */
export function refusalCause(secrets: readonly Secret[], monotonic = () => performance.now()) {
  let searchedAt = Number.NEGATIVE_INFINITY;
  return ({ headers, body }: IncomingRequest, { verdict }: Judgement): string | null => {
    if (verdict.result === 'unchecked') return null;
    if (verdict.result === 'mismatch') {
      const now = monotonic();
      if (body.length > MOST_SEARCHED || now - searchedAt < SEARCH_EVERY_MS) return null;
      searchedAt = now;
    }
    const found = explainSignature(body, headerValue(headers, HEADER.signature), secrets, verdict);
    return found?.cause ?? 'none of the current secrets produces it for these bytes';
  };
}
