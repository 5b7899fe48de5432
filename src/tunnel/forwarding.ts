import { targetQuery } from '../core/asked.ts';
import { endToEnd, HEADER, headerValue, type RawHeaders } from '../core/headers.ts';
import { isLoopbackAddress } from '../core/loopback.ts';

/** What a sender may claim of where it came from and what it asked for; the relay says it anew. */
const FORWARDING = /^(?:forwarded|x-forwarded-.*|x-real-ip|x-mo-query)$/i;

/** Where a request came from, by the relay's own knowledge. */
export interface Origin {
  address: string;
  proto: string;
}

/** Where a request came from: the address of its connection, or with `trustProxy` what a proxy on this machine says of it. */
export function clientAddress(peer: string, headers: RawHeaders, trustProxy: boolean): string {
  if (trustProxy && isLoopbackAddress(peer)) {
    // A proxy adds its own word at the end; what stands before it is only what it was told.
    const word = headerValue(headers, 'X-Forwarded-For')?.split(',').at(-1)?.trim() ?? '';
    const last = word.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$|^\[([\da-f:]+)\](?::\d+)?$/i, '$1$2');
    if (/^[\da-f.:]{2,45}$/i.test(last)) return last;
  }
  return peer.replace(/^::ffff:/, '');
}

/** Whether a proxy on this machine says where a request came from, as far as one can see: so may anybody there. */
export function speaksForAnother(peer: string, headers: RawHeaders): boolean {
  return isLoopbackAddress(peer) && headerValue(headers, 'X-Forwarded-For') !== undefined;
}

/**
 * The headers that go on to the listener: no hop's own, in their order, and at the end who sent them, and the query that
 * was asked for. Its path is not: which one a delivery goes to is the listener's to say (fault F13).
 */
export function forwardedHeaders(
  { headers, target }: { headers: RawHeaders; target: string },
  from: Origin,
): string[] {
  const kept: string[] = [];
  const passed = endToEnd(headers);
  for (let i = 0; i < passed.length; i += 2) {
    const name = passed[i] as string;
    if (!FORWARDING.test(name)) kept.push(name, passed[i + 1] as string);
  }
  kept.push('X-Forwarded-For', from.address, 'X-Forwarded-Proto', from.proto);
  const host = headerValue(headers, 'Host');
  if (host !== undefined) kept.push('X-Forwarded-Host', host);
  const query = targetQuery(target);
  if (query !== '') kept.push(HEADER.query, query);
  return kept;
}
