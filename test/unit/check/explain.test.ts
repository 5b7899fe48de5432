import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainSignature } from '../../../src/check/explain.ts';
import { signPayload } from '../../../src/core/signature.ts';

const SECRET = 'S3CR3T-canary';
const SECRETS = [{ name: 'env:MO_SECRET', value: SECRET }];
const EVENT = { event: 'call_connected', call_id: 'MO/é', metadata: { queue: 'Sales' }, n: [1, null] };
const COMPACT = JSON.stringify(EVENT);
const PRETTY = JSON.stringify(EVENT, null, 2);

/** What is said of a body whose signature was made over other bytes. */
const cause = (body: string, signed: string | Uint8Array, secret: string | Uint8Array = SECRET) =>
  explainSignature(
    Buffer.from(body),
    `sha256=${createHmac('sha256', secret).update(signed).digest('hex')}`,
    SECRETS,
  )?.cause ?? null;

describe('A5 a signature over other bytes than those that arrived names its cause', () => {
  test.each([
    ['minified', PRETTY, COMPACT, 're-serialised without spaces'],
    ['pretty-printed with 2 spaces', COMPACT, PRETTY, 'pretty-printed with 2 spaces'],
    ['pretty-printed with 4 spaces', COMPACT, JSON.stringify(EVENT, null, 4), 'pretty-printed with 4 spaces'],
    ['a newline added', COMPACT, `${COMPACT}\n`, 'and a trailing newline'],
    ['a newline lost', `${COMPACT}\n`, COMPACT, 'without its trailing newline'],
    ['a CRLF lost', `${COMPACT}\r\n`, COMPACT, 'without its trailing newline'],
    ['CRLF for LF', PRETTY, PRETTY.replaceAll('\n', '\r\n'), 'with CRLF line ends'],
    ['LF for CRLF', PRETTY.replaceAll('\n', '\r\n'), PRETTY, 'with LF line ends'],
    ['a byte order mark added', COMPACT, `\ufeff${COMPACT}`, 'behind a byte order mark'],
    ['a byte order mark lost', `\ufeff${COMPACT}`, COMPACT, 'without its byte order mark'],
    ['nothing at all', COMPACT, '', 'an empty body'],
    ['escaped slashes', COMPACT, COMPACT.replaceAll('/', '\\/'), 'with escaped slashes'],
    [
      "PHP's escapes",
      COMPACT,
      COMPACT.replaceAll('/', '\\/').replaceAll('é', '\\u00e9'),
      'escaped slashes and \\u escapes (PHP)',
    ],
    [
      "Python's spaces",
      COMPACT,
      '{"event": "call_connected", "call_id": "MO/\\u00e9", "metadata": {"queue": "Sales"}, "n": [1, null]}',
      'spaces after separators (Python)',
    ],
    ["another number's form", '{"duration":1.0}', '{"duration":1}', 're-serialised without spaces'],
    ['unescaped', '{"a":"\\/"}', '{"a":"/"}', 're-serialised without spaces'],
  ])('%s', (_, body, signed, words) => {
    expect(cause(body, signed)).toMatch(/^it was made over /);
    expect(cause(body, signed)).toContain(words);
  });

  test('the remedy is the raw body', () => {
    expect(explainSignature(Buffer.from(PRETTY), signPayload(COMPACT, SECRET), SECRETS)?.remedy).toMatch(
      /raw body/,
    );
  });

  test('a body that was really changed is not explained', () => {
    expect(cause(COMPACT, COMPACT.replace('Sales', 'Salos'))).toBeNull();
  });

  test('the second of two signatures and of two secrets is tried too', () => {
    const header = `sha256=${'0'.repeat(64)}, ${signPayload(`${COMPACT}\n`, 'old')}`;
    expect(
      explainSignature(Buffer.from(COMPACT), header, [...SECRETS, { name: 'old', value: 'old' }])?.cause,
    ).toContain('trailing newline');
  });
});

describe('A9 a secret that differs by what surrounds it is named', () => {
  test.each([
    ['a trailing newline', `${SECRET}\n`],
    ['a trailing CRLF', `${SECRET}\r\n`],
    ['a trailing space', `${SECRET} `],
    ['double quotes', `"${SECRET}"`],
    ['single quotes', `'${SECRET}'`],
  ])('%s', (words, secret) => {
    expect(cause(COMPACT, COMPACT, secret)).toContain(words);
  });

  test.each([
    ['hex', '00ff10ab'],
    ['base64', Buffer.from('some secret').toString('base64')],
  ] as const)('decoded from %s', (encoding, secret) => {
    const header = `sha256=${createHmac('sha256', Buffer.from(secret, encoding)).update(COMPACT).digest('hex')}`;
    expect(explainSignature(Buffer.from(COMPACT), header, [{ name: 's', value: secret }])?.cause).toBe(
      `it was made with the secret decoded from ${encoding}`,
    );
  });

  test('another secret altogether is not explained', () => {
    expect(cause(COMPACT, COMPACT, 'another')).toBeNull();
  });
});

test.each([
  ['A1 no header', undefined, 'there is no X-MO-Signature'],
  ['A2 no prefix', signPayload(COMPACT, SECRET).slice(7), 'prefix missing (the digest itself is right)'],
  [
    'A3 upper case',
    `sha256=${signPayload(COMPACT, SECRET).slice(7).toUpperCase()}`,
    'upper-case hex (the digest itself is right)',
  ],
  ['A4 63 digits', signPayload(COMPACT, SECRET).slice(0, -1), 'wrong length'],
  ['A4 not hex', `${signPayload(COMPACT, SECRET)}zz`, 'not hex'],
  ['A4 empty', '', 'empty'],
  ['A10 another scheme', `sha1=${'0'.repeat(40)}`, 'unsupported scheme'],
])('%s is said in words, with a remedy', (_, header, words) => {
  const explanation = explainSignature(Buffer.from(COMPACT), header, SECRETS);
  expect(explanation?.cause).toMatch(new RegExp(`${words.replaceAll(/[()]/g, '\\$&')}$`));
  expect(explanation?.remedy).not.toBe('');
});

test('a valid signature needs no explanation', () => {
  expect(explainSignature(Buffer.from(COMPACT), signPayload(COMPACT, SECRET), SECRETS)).toBeNull();
});

test('A5 the tries are bounded in size: a body above 256 KiB is not tried', () => {
  const body = 'x'.repeat(256 * 1024);
  expect(cause(body, `${body}\n`)).toContain('trailing newline');
  expect(cause(`${body}x`, `${body}x\n`)).toBeNull();
});

test('B7 a body nested 100,000 deep is tried without a RangeError', () => {
  const body = '['.repeat(100_000) + ']'.repeat(100_000);
  expect(cause(body, 'something else')).toBeNull();
  expect(cause(body, `${body}\n`)).toContain('trailing newline');
});

test('property: no body and no header throws, and no explanation gives away a secret or a digest', () => {
  const headers = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^sha256=[0-9a-f]{64}(, sha256=[0-9a-f]{64})?$/),
    fc.constantFrom(...['\n', ' ', '"'].map((end) => signPayload(COMPACT, SECRET + end))),
  );
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from)), headers, (body, header) => {
      const said = JSON.stringify(explainSignature(body, header, SECRETS));
      expect(said).not.toContain(SECRET);
      expect(said).not.toMatch(/[0-9a-f]{64}/);
    }),
  );
});
