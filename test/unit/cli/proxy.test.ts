import { afterEach, expect, test, vi } from 'vitest';
import { proxyFor } from '../../../src/cli/proxy.ts';

afterEach(() => vi.unstubAllEnvs());

function proxyOf(url: string, env: Record<string, string>): string | undefined {
  for (const name of [
    'HTTPS_PROXY',
    'https_proxy',
    'HTTP_PROXY',
    'http_proxy',
    'NO_PROXY',
    'no_proxy',
    'ALL_PROXY',
    'all_proxy',
  ])
    vi.stubEnv(name, env[name]);
  return proxyFor(new URL(url))?.host;
}

const BOTH = { HTTPS_PROXY: 'http://secure:1', HTTP_PROXY: 'http://plain:2' };

test.each([
  ['https://a.example/', BOTH, 'secure:1'],
  ['wss://a.example/', BOTH, 'secure:1'],
  ['http://a.example/', BOTH, 'plain:2'],
  ['https://a.example/', { http_proxy: 'http://plain:2' }, undefined],
  ['https://a.example/', { https_proxy: 'http://lower:3' }, 'lower:3'],
  ['https://a.example/', { HTTPS_PROXY: 'bare.example:3128' }, 'bare.example:3128'],
  ['https://a.example/', { ...BOTH, NO_PROXY: 'a.example' }, undefined],
  ['https://b.a.example/', { ...BOTH, NO_PROXY: '.a.example, x' }, undefined],
  ['https://b.example/', { ...BOTH, NO_PROXY: 'a.example' }, 'secure:1'],
  ['https://a.example/', { ...BOTH, NO_PROXY: '*' }, undefined],
  ['https://a.example/', {}, undefined],
  // Never for this machine.
  ['http://localhost:3000/', BOTH, undefined],
  ['http://127.0.0.1:3000/', BOTH, undefined],
  ['http://[::1]:3000/', BOTH, undefined],
] as const)('%s with %j goes through %s', (url, env, host) => {
  expect(proxyOf(url, env)).toBe(host);
});

test.each([
  ['http://', 'is not a proxy'],
  ['http://user:canary@:80', 'is not a proxy'],
  ['socks5://user:canary@h:1', 'socks5'],
])('%s is refused, and not repeated', (value, words) => {
  const refused = () => proxyOf('https://a.example/', { HTTPS_PROXY: value });
  expect(refused).toThrow(words);
  expect(refused).not.toThrow('canary');
});
