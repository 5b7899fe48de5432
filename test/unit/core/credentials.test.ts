import { expect, test } from 'vitest';
import { isCredential, maskCredentials, shownHeaders, withoutMasked } from '../../../src/core/credentials.ts';

test.each([
  'Authorization',
  'authorization',
  'Proxy-Authorization',
  'Cookie',
  'Set-Cookie',
  'X-Api-Key',
  'X-API-KEY',
  'x-key',
  'X-Auth-Token',
  'X-Access-Token',
  'X-Amz-Security-Token',
  'X-Client-Secret',
  'Private-Token',
  'Api-Key',
  'apikey',
  'X_API_KEY',
  'X-Auth',
  'X-Password',
])('%s is a credential', (name) => {
  expect(isCredential(name)).toBe(true);
});

test.each([
  'Content-Type',
  'X-MO-Signature',
  'X-MO-Event-Id',
  'X-MO-Delivery-Attempt',
  'X-MO-Replay',
  'User-Agent',
  'X-Request-Id',
  'X-Monkey',
  'X-Tokens-Left',
  'Author',
  'X-Forwarded-For',
])('%s is none', (name) => {
  expect(isCredential(name)).toBe(false);
});

const HEADERS = [
  'X-Team',
  'sales',
  'authorization',
  'Bearer hunter2',
  'X-Api-Key',
  '',
  'Cookie',
  'a=hunter2',
];

test('headers are shown in their order, of credentials the name alone', () => {
  expect(shownHeaders(HEADERS)).toEqual([
    ['X-Team', 'sales'],
    ['authorization', '***'],
    ['X-Api-Key', ''],
    ['Cookie', '***'],
  ]);
  expect(HEADERS).toContain('Bearer hunter2');
});

test('headers without credentials are the very same list', () => {
  const plain = ['X-Team', 'sales', 'Accept', '*/*'];
  expect(maskCredentials(plain)).toBe(plain);
  const masked = maskCredentials(HEADERS);
  expect(maskCredentials(masked)).toEqual(masked);
});

test('what is masked cannot be sent; all else can', () => {
  expect(withoutMasked([...maskCredentials(HEADERS), 'X-Stars', '***'])).toEqual([
    'X-Team',
    'sales',
    'X-Api-Key',
    '',
    'X-Stars',
    '***',
  ]);
  expect(withoutMasked(HEADERS)).toEqual(HEADERS);
});
