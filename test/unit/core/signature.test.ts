import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { checkSecret, type Secret, signPayload, verifySignature } from '../../../src/core/signature.ts';
import { watchCompare } from '../../helpers/watch-compare.ts';

const BODY = Buffer.from('Hello, World!');
const SECRET = "It's a Secret to Everybody";
const DIGEST = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
const GOOD = `sha256=${DIGEST}`;
const BAD = `sha256=${'0'.repeat(64)}`;
const SECRETS: Secret[] = [{ name: 'env:MO_SECRET', value: SECRET }];

test('signs the published example to its published digest', () => {
  expect(signPayload(BODY, SECRET)).toBe(GOOD);
  expect(signPayload('Hello, World!', SECRET)).toBe(GOOD);
});

test('signs with RFC 4231 test case 2', () => {
  expect(signPayload('what do ya want for nothing?', 'Jefe')).toBe(
    'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test('the right signature is valid, and the verdict names the secret', () => {
  expect(verifySignature(BODY, GOOD, SECRETS)).toEqual({
    result: 'valid',
    secret: 'env:MO_SECRET',
    old: false,
  });
});

test.each([undefined, null])('A1 a header that is %s is missing', (header) => {
  expect(verifySignature(BODY, header, SECRETS)).toEqual({ result: 'missing' });
});

test.each([
  ['A2 no prefix', DIGEST, 'prefix missing', true],
  ['A2 no prefix, digest of another body', BAD.slice(7), 'prefix missing', false],
  ['A3 upper-case hex', `sha256=${DIGEST.toUpperCase()}`, 'upper-case hex', true],
  ['A3 upper-case scheme', `SHA256=${DIGEST}`, 'upper-case hex', true],
  ['A3 one upper-case digit', `sha256=${DIGEST.replace('e', 'E')}`, 'upper-case hex', true],
  ['A4 63 digits (an odd nibble)', `sha256=${DIGEST.slice(0, 63)}`, 'wrong length', false],
  ['A4 65 digits', `${GOOD}0`, 'wrong length', false],
  ['A4 62 digits', `sha256=${DIGEST.slice(0, 62)}`, 'wrong length', false],
  ['A4 128 digits', `${GOOD}${DIGEST}`, 'wrong length', false],
  ['A4 no digits', 'sha256=', 'wrong length', false],
  ['A4 a tail that is no hex, which Buffer.from would cut off', `${GOOD}zz`, 'not hex', false],
  ['A4 a digit that is no hex', `sha256=${DIGEST.slice(0, 63)}g`, 'not hex', false],
  ['A4 white space inside', `sha256= ${DIGEST}`, 'not hex', false],
  ['A4 base64', `sha256=${Buffer.from(DIGEST, 'hex').toString('base64')}`, 'not hex', false],
  ['A4 nothing', '', 'empty', false],
  ['A4 white space alone', ' \t', 'empty', false],
  ['A10 sha1', 'sha1=2fd4e1c67a2d28fced849ee1bb76e7391b93eb12', 'unsupported scheme', false],
  ['A10 sha512', `sha512=${DIGEST}${DIGEST}`, 'unsupported scheme', false],
  ['A10 sha1 before the right digest', `sha1=${DIGEST}`, 'unsupported scheme', false],
  ['A10 v0', `v0=${DIGEST}`, 'unsupported scheme', false],
] as const)('%s is malformed', (_, header, reason, digestMatches) => {
  expect(verifySignature(BODY, header, SECRETS)).toEqual({ result: 'malformed', reason, digestMatches });
});

test.each([
  ['A6 bad and good', `${BAD},${GOOD}`],
  ['A6 good and bad', `${GOOD},${BAD}`],
  ['A6 with a space, as Node joins two headers', `${BAD}, ${GOOD}`],
  ['A6 beside another scheme', `sha1=abc, ${GOOD}`],
  ['A6 fifth of five', `${BAD},${BAD},${BAD},${BAD},${GOOD}`],
  ['A6 between empty ones', `,${GOOD},`],
])('%s: a list is valid when any of it is right', (_, header) => {
  expect(verifySignature(BODY, header, SECRETS)).toMatchObject({ result: 'valid', secret: 'env:MO_SECRET' });
});

test('A6 a sixth candidate is not looked at', () => {
  const header = [...Array(5).fill(BAD), GOOD].join(',');
  expect(verifySignature(BODY, header, SECRETS)).toEqual({ result: 'mismatch' });
});

test('A7 two well-formed signatures, none right, are a mismatch', () => {
  expect(verifySignature(BODY, `${BAD}, sha256=${'f'.repeat(64)}`, SECRETS)).toEqual({ result: 'mismatch' });
});

test('A7 the work does not depend on where the right one stands, nor on whether there is one', () => {
  const compare = watchCompare();
  const old = { name: 'old', value: 'old' };
  const work = [`${GOOD},${BAD},${BAD}`, `${BAD},${BAD},${GOOD}`, `${BAD},${BAD},${BAD}`].flatMap((header) =>
    [
      [...SECRETS, old],
      [old, ...SECRETS],
    ].map((secrets) => {
      compare.mockClear();
      verifySignature(BODY, header, secrets);
      return compare.mock.calls.length;
    }),
  );
  expect(work).toEqual([6, 6, 6, 6, 6, 6]);
});

test('A8 a secret other than the first is accepted and called old; a revoked one is not', () => {
  const rotation = [{ name: 'new', value: 'n' }, ...SECRETS];
  expect(verifySignature(BODY, GOOD, rotation)).toEqual({
    result: 'valid',
    secret: 'env:MO_SECRET',
    old: true,
  });
  expect(verifySignature(BODY, GOOD, [rotation[0] as Secret])).toEqual({ result: 'mismatch' });
});

test('without any secret nothing is valid', () => {
  expect(verifySignature(BODY, GOOD, [])).toEqual({ result: 'mismatch' });
});

test.each([
  ['empty', ''],
  ['trailing newline', 's3cret\n'],
  ['trailing space', 's3cret '],
  ['leading space', ' s3cret'],
  ['white space alone', '   '],
  ['byte order mark', '\ufeffs3cret'],
])('A9 a secret with %s is refused, by its name and not by its value', (_, value) => {
  const check = () => checkSecret({ name: 'env:MO_SECRET', value });
  expect(check).toThrow(UsageError);
  expect(check).toThrow(/env:MO_SECRET/);
  expect(check).not.toThrow(/s3cret/);
});

test('A9 white space inside a secret is fine', () => {
  expect(() => checkSecret({ name: 'x', value: SECRET })).not.toThrow();
});

const bytes = fc.uint8Array({ maxLength: 300 });
const secret = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' });

test('property: whatever is signed verifies, alone and anywhere in a list', () => {
  fc.assert(
    fc.property(bytes, secret, fc.nat(4), (body, value, place) => {
      const secrets = [{ name: 's', value }];
      const list = Array(5).fill(BAD);
      list[place] = signPayload(body, value);
      for (const header of [list[place], list.join(', ')]) {
        expect(verifySignature(body, header, secrets)).toEqual({ result: 'valid', secret: 's', old: false });
      }
    }),
  );
});

test('property: one changed byte of the body, or another secret, never verifies', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      secret,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (body, value, at, flip) => {
        const header = signPayload(body, value);
        const tampered = Uint8Array.from(body);
        tampered[at % body.length] = (tampered[at % body.length] as number) ^ flip;
        expect(verifySignature(tampered, header, [{ name: 's', value }]).result).toBe('mismatch');
        expect(verifySignature(body, header, [{ name: 's', value: `${value}x` }]).result).toBe('mismatch');
      },
    ),
  );
});

test('property: no header throws, and only the right digest, whole and in lower case, is valid', () => {
  const digest = fc.constantFrom(DIGEST, DIGEST.toUpperCase(), DIGEST.slice(1), `${DIGEST}0`, '');
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.tuple(fc.constantFrom('sha256=', 'SHA256=', 'sha1=', '', '='), digest).map(([a, b]) => a + b),
    fc.constantFrom(',', ', ', '\0', '\n', GOOD, BAD),
  );
  const header = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(header, (value) => {
      const verdict = verifySignature(BODY, value, SECRETS);
      const rightOne = value
        .split(',')
        .slice(0, 5)
        .some((candidate) => candidate.trim() === GOOD);
      expect(verdict.result === 'valid').toBe(rightOne);
    }),
    { numRuns: 1000 },
  );
});

test('what JavaScript callers pass in place of bytes or text is judged, not thrown at', () => {
  const secrets = [{ name: 'current', value: SECRET }];
  const signature = signPayload('{}', SECRET);
  expect(verifySignature({ event: 'x' } as never, signature, secrets)).toMatchObject({
    reason: 'body not bytes',
  });
  expect(verifySignature(Buffer.from('{}'), ['sha256=00', signature] as never, secrets).result).toBe('valid');
  expect(verifySignature(Buffer.from('{}'), 7 as never, secrets).result).toBe('malformed');
});
