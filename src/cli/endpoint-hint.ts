import { isLoopback } from '../core/loopback.ts';
import { visible } from '../core/redact.ts';
import { redirectOf } from '../core/redirect.ts';
import type { AttemptResult } from '../http/attempt.ts';
import { proxyFor } from './proxy.ts';

/**
 * Where else the endpoint may be, or what would have it accepted, after an attempt that failed; null where nothing is
 * known. It may connect once more to find out, but sends nothing.
 */
export async function endpointHint(url: URL, result: AttemptResult): Promise<string | null> {
  const { outcome, failure } = result;
  const to = redirectOf(result);
  if (to !== null)
    return `${url.host} redirects to ${visible(to, 200)}. Deliveries follow no redirect: use that URL.`;
  const { isCertificateFault, isSilentEnd } = await import('../http/failure-words.ts');
  if (failure !== null && isCertificateFault(failure.code))
    return '--insecure accepts any certificate, for an app of your own.';
  // What a proxy leads to cannot be looked at from here.
  if (proxyFor(url) !== null) return null;
  const { byTls, otherLoopback } = await import('../http/elsewhere.ts');
  if (outcome === 'refused' && isLoopback(url)) {
    const other = await otherLoopback(url);
    return other === null
      ? null
      : `Nothing listens at ${url.host}, but ${other.host} answers: use ${placeOf(other)}.`;
  }
  if (url.protocol === 'http:' && failure !== null && isSilentEnd(failure.code)) {
    const secure = await byTls(url);
    return secure === null ? null : `${url.host} speaks TLS, not plain HTTP: use ${placeOf(secure)}.`;
  }
  return null;
}

/** Without the query, in which secrets travel. */
function placeOf({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}
