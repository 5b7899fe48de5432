import tls, { type ConnectionOptions } from 'node:tls';
import { afterEach, expect, test, vi } from 'vitest';
import { answers, startEndpoint, startTlsEndpoint, tlsFixture } from '../../helpers/endpoint.ts';
import { attempt } from '../../helpers/open-transport.ts';

afterEach(() => vi.restoreAllMocks());

/** What NODE_EXTRA_CA_CERTS does for a process: makes the CA of fixtures/tls a known one. */
function trustTestCa(): void {
  const connect = tls.connect as (options: ConnectionOptions) => tls.TLSSocket;
  vi.spyOn(tls, 'connect').mockImplementation(((options: ConnectionOptions) =>
    connect({ ...options, ca: tlsFixture('ca') })) as typeof tls.connect);
}

test.each([
  [
    'self-signed',
    'self-signed',
    false,
    /self-signed certificate.*DEPTH_ZERO_SELF_SIGNED_CERT.*NODE_EXTRA_CA_CERTS/,
  ],
  ['of an unknown CA', 'valid', false, /unknown authority.*UNABLE_TO_VERIFY_LEAF.*NODE_EXTRA_CA_CERTS/],
  ['expired', 'expired', true, /certificate has expired.*CERT_HAS_EXPIRED/],
  [
    'for another host',
    'other-host',
    true,
    /for other\.example, not for 127\.0\.0\.1 \(ERR_TLS_CERT_ALTNAME_INVALID/,
  ],
] as const)(
  'D10 a certificate that is %s: tls, with the exact reason; --insecure accepts it',
  async (_, certificate, trusted, reason) => {
    if (trusted) trustTestCa();
    const endpoint = await startTlsEndpoint(certificate);
    const result = await attempt(endpoint.url);
    expect(result).toMatchObject({ outcome: 'tls', status: null });
    expect(result.error).toMatch(reason);
    expect(endpoint.requests).toEqual([]);
    expect(await attempt(endpoint.url, { insecure: true })).toMatchObject({
      outcome: 'delivered',
      status: 200,
    });
  },
);

test('D10 a right certificate of a known CA is accepted', async () => {
  trustTestCa();
  const endpoint = await startTlsEndpoint('valid');
  expect(await attempt(endpoint.url)).toMatchObject({ outcome: 'delivered' });
  const byName = new URL(`https://localhost:${endpoint.port}/`);
  expect(await attempt(byName)).toMatchObject({ outcome: 'delivered' });
});

test.each([false, true])(
  'D10 an endpoint that speaks TLS 1.0 alone: tls (insecure: %s)',
  async (insecure) => {
    const endpoint = await startTlsEndpoint('self-signed', {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const result = await attempt(endpoint.url, { insecure });
    expect(result).toMatchObject({ outcome: 'tls', status: null });
    expect(result.error).toMatch(/protocol version|unsupported protocol/i);
  },
);

test('D10 https to an endpoint that speaks http: tls', async () => {
  const endpoint = await startEndpoint(answers(200));
  const result = await attempt(new URL(`https://127.0.0.1:${endpoint.port}/`), { insecure: true });
  expect(result).toMatchObject({ outcome: 'tls', status: null });
  expect(result.error).toBe('the port speaks plain HTTP, not TLS: use http://…');
  expect(result.failure?.text).toMatch(/wrong version number|packet length/i);
});
