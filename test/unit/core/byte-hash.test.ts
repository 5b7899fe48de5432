import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashBytes, hashText } from '../../../src/core/byte-hash.ts';

function ofBytes(bytes: Buffer) {
  const hash = { low: 0, high: 0 };
  hashBytes(bytes, 0, bytes.length, hash);
  return hash;
}

function ofText(text: string) {
  const hash = { low: 0, high: 0 };
  hashText(text, hash);
  return hash;
}

test('property: a text hashes as its UTF-8 does', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
      expect(ofText(text)).toEqual(ofBytes(Buffer.from(text)));
    }),
  );
});

test('property: texts that differ hash differently, in halves of surrogate pairs too', () => {
  const unit = fc.constantFrom('\ud800', '\ud801', '\udc00', '\ufffd', '\ufdd0', 'd800', '\0', 'ÿ', 'a');
  const text = fc.array(unit, { maxLength: 4 }).map((units) => units.join(''));
  fc.assert(
    fc.property(text, text, (one, other) => {
      if (one === other) expect(ofText(one)).toEqual(ofText(other));
      else expect(ofText(one)).not.toEqual(ofText(other));
    }),
    { numRuns: 1000 },
  );
});
