import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64, toHex, toJson, toText } from '../../../../src/dashboard/app/body-text.ts';
import { maskAll, maskWritten } from '../../../../src/dashboard/app/written-number.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

describe('bytes', () => {
  test('come out of base64 as they went in', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(decodeBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes);
      }),
    );
  });

  test('are told by their hex, sixteen a line, each line by its place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const lines = toHex(bytes).split('\n');
        const parsed = lines.map(
          (line) => /^([\da-f]{6}) {2}(.{47}) {2}(.*)$/.exec(line) ?? ['', '0', '', ''],
        );
        expect(Buffer.from(parsed.map(([, , hex]) => hex?.replaceAll(' ', '')).join(''), 'hex')).toEqual(
          Buffer.from(bytes),
        );
        expect(parsed.map(([, place]) => Number.parseInt(place as string, 16))).toEqual(
          lines.map((_, i) => i * 16),
        );
        expect(parsed.map(([, , , text]) => text).join('')).toHaveLength(bytes.length);
      }),
    );
    expect(toHex(utf8('a\té~'))).toBe(`000000  61 09 c3 a9 7e${' '.repeat(35)}a...~`);
  });

  test('are text where they are UTF-8, their byte order mark too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(toText(utf8(text))).toBe(text);
      }),
    );
    expect(toText(utf8('\ufeff{}'))).toBe('\ufeff{}');
    expect(toText(Uint8Array.of(0xff))).toBeNull();
    expect(toText(Uint8Array.of(0xc0, 0x80))).toBeNull();
  });
});

describe('JSON', () => {
  /** Without the white space between tokens. */
  const bare = (json: string) => json.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');

  test('means the same over several lines, by the same tokens', () => {
    const spaces = fc.constantFrom('', ' ', '\n', '\r\n', '\t ');
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, 3), spaces, (value, indent, space) => {
        const source = `${space}${JSON.stringify(value, null, indent)}${space}`;
        const shown = toJson(source) as string;
        expect(JSON.parse(shown)).toEqual(JSON.parse(source));
        expect(bare(shown)).toBe(bare(source));
        // It is what an indentation by two would be.
        expect(shown).toBe(JSON.stringify(JSON.parse(source), null, 2));
      }),
    );
  });

  test.each([
    '[12345678901234567890,1.0,-0,1e2,1E+2,0.10]',
    '{"a":"\\u00e9\\/\\u002b","a":"é/+","__proto__":{"x":null}}',
    '{"text":"{\\"not\\":[\\\\]}, : \\n"}',
  ])('keeps its source: %s', (source) => {
    expect(bare(toJson(source) as string)).toBe(source);
  });

  test('is laid out as people do', () => {
    expect(toJson('{"a":[],"b":{},"c":[1,{"d":[[]]}]}')).toBe(`{
  "a": [],
  "b": {},
  "c": [
    1,
    {
      "d": [
        []
      ]
    }
  ]
}`);
    expect(toJson(' "alone" ')).toBe('"alone"');
  });

  test.each(['', '{', '{"a":01}', "{'a':1}", '\ufeff{}', '[1,]', 'event=x'])('is not %j', (text) => {
    expect(toJson(text)).toBeNull();
  });

  test('however deep it nests, is not more than a few times as long', () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    expect((toJson(deep) as string).length).toBeLessThan(deep.length * 40);
    expect(bare(toJson(deep) as string)).toBe(deep);
  });
});

describe('numbers', () => {
  test.each([
    ['+919876543210', '+91******3210'],
    ['+91 98765-43210', '+91 *****-*3210'],
    ['(022) 6100 0001', '(02*) **** 0001'],
    ['98765', '***65'],
  ])('%s is masked as it is written', (number, masked) => {
    expect(maskWritten(number)).toBe(masked);
  });

  test('in a body are masked however they are written, where they are known to be numbers', () => {
    const body =
      '{"caller_number":"+91 98765-43210","at":"2025-07-21","other":"9876543210","x":"\\u002b91 98765-43210"}';
    expect(maskAll(body, ['+91 98765-43210', null, 'anonymous'])).toBe(
      '{"caller_number":"+91 *****-*3210","at":"2025-07-21","other":"98****3210","x":"\\u002b91 *****-*3210"}',
    );
  });
});
