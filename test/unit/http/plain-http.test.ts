import { describe, expect, test } from 'vitest';
import { plainHttpBehindProxy, plainHttpRefusal } from '../../../src/http/plain-http.ts';

const PUBLIC = ['93.184.215.14', '2606:2800:21f::1', '64:ff9b::5db8:d70e', '::ffff:8.8.8.8'];
const NEAR = [
  '127.0.0.1',
  '::1',
  '10.0.0.1',
  '172.16.3.4',
  '192.168.1.2',
  '100.64.0.1',
  'fd12::1',
  '::ffff:10.0.0.1',
];

const http = new URL('http://crm.example/notify?key=hunter2');

describe('plain http', () => {
  test.each(PUBLIC)('to %s wants --allow-http', (address) => {
    expect(plainHttpRefusal(http, address, false)).toBe(
      `crm.example (${address}) is a public address, and plain http can be read on the way; --allow-http permits it`,
    );
    expect(plainHttpRefusal(http, address, true)).toBeNull();
    expect(plainHttpRefusal(new URL('ws://crm.example/'), address, false)).not.toBeNull();
  });

  test.each(NEAR)('to %s is nobody’s else', (address) => {
    expect(plainHttpRefusal(http, address, false)).toBeNull();
  });

  test.each(['169.254.169.254', '0.0.0.0', 'fe80::1'])(
    'to %s is not what the guard refuses it for',
    (address) => {
      expect(plainHttpRefusal(http, address, false)).toBeNull();
    },
  );

  test.each(['93.184.215.14', '2606:2800:21f::1'])('to the literal %s names it once', (address) => {
    const host = address.includes(':') ? `[${address}]` : address;
    const said = plainHttpRefusal(new URL(`http://${host}/`), address, false);
    expect(said?.startsWith(`${address} is a public address`)).toBe(true);
  });

  test('behind a proxy leads nobody knows where', () => {
    const proxy = new URL('http://me:hunter2@proxy.example:3128');
    expect(plainHttpBehindProxy(http, proxy, false)).toMatch(
      /^where crm\.example leads is not known here, because the proxy proxy\.example:3128 resolves it.*--allow-http permits it$/,
    );
    expect(plainHttpBehindProxy(http, proxy, false)).not.toContain('hunter2');
    expect(plainHttpBehindProxy(http, proxy, true)).toBeNull();
    expect(plainHttpBehindProxy(new URL('https://crm.example/'), proxy, false)).toBeNull();
  });
});

test.each([...PUBLIC, ...NEAR])('https to %s is fine', (address) => {
  expect(plainHttpRefusal(new URL('https://crm.example/'), address, false)).toBeNull();
});
