import type { RawHeaders } from './headers.ts';
import { headerPairs } from './headers.ts';
import { MASK } from './url-values.ts';

/** By their last word: `Authorization`, `Set-Cookie`, `X-Api-Key`, `X-Auth-Token`, `Private-Token`, … (contract §3). */
const CREDENTIAL =
  /(?:^|[-_])(?:authorization|authentication|auth|cookie2?|credentials?|passwd|password|secret|token|jwt|key|apikey|session)$/i;

/** Whether a header of this name holds what lets somebody in. */
export function isCredential(name: string): boolean {
  return CREDENTIAL.test(name);
}

/** Headers as people, files and pages may have them: of credentials only the name. The same list where there are none. */
export function maskCredentials(headers: RawHeaders): RawHeaders {
  let masked: string[] | null = null;
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] as string;
    if (value === '' || value === MASK || !isCredential(headers[i] as string)) continue;
    masked ??= [...headers];
    masked[i + 1] = MASK;
  }
  return masked ?? headers;
}

/** The headers that can be sent: without the credentials of which only the name is left. */
export function withoutMasked(headers: RawHeaders): string[] {
  return headerPairs(headers)
    .filter(([name, value]) => value !== MASK || !isCredential(name))
    .flat();
}

/** The secrets in headers: the values of credentials, and what follows their scheme (`Bearer …`). */
export function credentialsIn(headers: RawHeaders): string[] {
  return headerPairs(headers)
    .filter(([name]) => isCredential(name))
    .flatMap(([, value]) => [value, value.replace(/^\S+ +/, '')]);
}

/** Names with their values, in order, for JSON and for people; credentials are masked. */
export function shownHeaders(headers: RawHeaders): [name: string, value: string][] {
  return headerPairs(maskCredentials(headers));
}
