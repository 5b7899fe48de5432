import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hmacSha256 } from '../../../src/core/hmac.ts';

const nodes = (key: string, body: Uint8Array) => createHmac('sha256', key).update(body).digest('hex');

test('property: the same as node:crypto for any key and body', () => {
  const key = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.string({ minLength: 60, maxLength: 70 }),
  );
  fc.assert(
    fc.property(key, fc.uint8Array({ maxLength: 2000 }), (k, body) => {
      expect(hmacSha256(k, body)).toBe(nodes(k, body));
    }),
    { numRuns: 500 },
  );
});

test.each([0, 1, 16_383, 16_384, 16_385, 100_000])('a body of %d bytes, after a longer one', (length) => {
  hmacSha256('key', Buffer.alloc(16_384, 0xff));
  const body = Buffer.alloc(length, 'abc');
  expect(hmacSha256('key', body)).toBe(nodes('key', body));
});

test('more keys than are kept', () => {
  const body = Buffer.from('body');
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 40; i++) expect(hmacSha256(`key ${i}`, body)).toBe(nodes(`key ${i}`, body));
  }
});

test('RFC 4231, test case 2', () => {
  expect(hmacSha256('Jefe', Buffer.from('what do ya want for nothing?'))).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});
