import { classifyAddress } from './guard.ts';

/** Why plain http must not go to this address; null where it may: encrypted, near, or permitted (cli.md, Everywhere). */
export function plainHttpRefusal(url: URL, address: string, allowHttp: boolean): string | null {
  if (!isPlain(url) || allowHttp || classifyAddress(address) !== 'public') return null;
  const { hostname } = url;
  const shown = hostname === address || hostname === `[${address}]` ? address : `${hostname} (${address})`;
  return `${shown} is a public address, and plain http can be read on the way; --allow-http permits it`;
}

/** The same where a proxy resolves the name, so that nobody here knows the address. */
export function plainHttpBehindProxy(url: URL, proxy: URL, allowHttp: boolean): string | null {
  if (!isPlain(url) || allowHttp) return null;
  return `where ${url.hostname} leads is not known here, because the proxy ${proxy.host} resolves it, and plain http can be read on the way; --allow-http permits it`;
}

function isPlain({ protocol }: URL): boolean {
  return protocol === 'http:' || protocol === 'ws:';
}
