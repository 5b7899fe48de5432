import { getProxyForUrl } from 'proxy-from-env';
import { UsageError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';

/**
 * The proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name for a URL; null where they name none, and always for
 * this machine (cli.md, Everywhere). Throws UsageError.
 */
export function proxyFor(url: URL): URL | null {
  if (isLoopback(url)) return null;
  const named = getProxyForUrl(url.href.replace(/^ws/, 'http'));
  if (named === '') return null;
  // Its value may hold a password, so no message repeats it.
  const variable = url.protocol === 'https:' || url.protocol === 'wss:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = URL.canParse(named) ? new URL(named) : null;
  if (proxy === null || proxy.hostname === '')
    throw new UsageError(`${variable} is not a proxy's URL. Write it like http://proxy.example.com:3128.`);
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:')
    throw new UsageError(
      `${variable} names a proxy for ${proxy.protocol}//. Only http:// and https:// proxies are supported.`,
    );
  return proxy;
}
