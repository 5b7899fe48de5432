import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  displayUrl,
  displayUrls,
  maskNumber,
  maskNumbers,
  shownUrl,
  visible,
  visibleJson,
  withoutCredentials,
} from '../../../src/core/redact.ts';

// Controls (ESC and so ANSI sequences, C1, CR, LF among them), bidi and other format characters, line separators,
// halves of surrogate pairs, and everything that takes no room.
const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}]/u;
const STACKED = /\p{M}{3,}/u;

describe('visible', () => {
  test.each([
    ['plain text', 'Hello, World! é 漢字 😀', 'Hello, World! é 漢字 😀'],
    ['Devanagari with its own marks', 'हिन्दी', 'हिन्दी'],
    ['line breaks and tabs', 'a\r\nb\tc', 'a\\r\\nb\\tc'],
    ['F1 the clipboard sequence', '\x1b]52;c;aGk=\x07', '\\x1b]52;c;aGk=\\x07'],
    ['F1 clear screen', '\x1b[2J', '\\x1b[2J'],
    ['F1 the C1 form of CSI', '\x9b2J', '\\x9b2J'],
    ['F1 right-to-left override', 'a\u202egpj.exe', 'a\\u{202e}gpj.exe'],
    ['bidi isolates', '\u2066a\u2069', '\\u{2066}a\\u{2069}'],
    ['zero-width space, joiner and mark', 'a\u200bb\u200dc\ufeff', 'a\\u{200b}b\\u{200d}c\\u{feff}'],
    ['soft hyphen', 'a\u00adb', 'a\\xadb'],
    ['Hangul fillers', '\u3164\u115f', '\\u{3164}\\u{115f}'],
    ['grapheme joiner', 'a\u034f', 'a\\u{34f}'],
    ['line and paragraph separators', 'a\u2028b\u2029', 'a\\u{2028}b\\u{2029}'],
    ['half of a surrogate pair', 'a\ud800', 'a\\u{d800}'],
    ['tag characters beyond the first plane', '\u{e0041}', '\\u{e0041}'],
    ['NUL and DEL', '\0\x7f', '\\x00\\x7f'],
    ['nothing', '', ''],
  ])('%s', (_, text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test('F1 10,000 combining marks become one sign', () => {
    expect(visible(`a${'\u0301'.repeat(10_000)}b`, 20_000)).toBe('a…b');
    expect(visible(`a${'\u0301'.repeat(10_000)}b`)).toBe('a……');
  });

  test('what is too long is cut, and says so', () => {
    expect(visible('x'.repeat(200))).toBe('x'.repeat(200));
    expect(visible('x'.repeat(201))).toBe(`${'x'.repeat(200)}…`);
    expect(visible('abcdef', 3)).toBe('abc…');
  });

  test('escapes take no more room than plain text would', () => {
    expect(visible('\u202e'.repeat(200), 40)).toHaveLength(41);
  });

  test('property: one line, bounded, without anything that acts on a terminal', () => {
    const nasty = fc.constantFrom(
      '\x1b[31m',
      '\x9b',
      '\r',
      '\n',
      '\u202e',
      '\u200b',
      '\u0301',
      '😀',
      '\ud83d',
      '\u{e0041}',
    );
    const text = fc
      .array(fc.oneof(nasty, fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), {
        maxLength: 30,
      })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 60 }), (value, maxLength) => {
        const shown = visible(value, maxLength);
        expect(shown).not.toMatch(HARMFUL);
        expect(shown).not.toMatch(STACKED);
        expect(shown.length).toBeLessThanOrEqual(maxLength + 1);
        expect(visible(maskNumbers(value), maxLength)).not.toMatch(HARMFUL);
      }),
      { numRuns: 1000 },
    );
  });

  test('property: harmless text is shown as it is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(visible(text)).toBe(text);
      }),
    );
  });
});

test('property: visibleJson means the same and holds no control or bidi character', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
      const json = visibleJson([value, text]);
      expect(json).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify([value, text])));
    }),
  );
});

describe('maskNumber', () => {
  test.each([
    ['+919876543210', '+91******3210'],
    ['9876543210', '98****3210'],
    ['919876543210', '91******3210'],
    ['12345678', '12**5678'],
    ['1234567', '*****67'],
    ['+1234', '***34'],
    ['100', '*00'],
    ['', ''],
  ])('%s -> %s', (number, masked) => {
    expect(maskNumber(number)).toBe(masked);
  });
});

describe('maskNumbers', () => {
  test.each([
    [
      'in JSON',
      '{"caller_number":"+919876543210","to":"9876543210"}',
      '{"caller_number":"+91******3210","to":"98****3210"}',
    ],
    ['as a JSON number', '{"caller_number":919876543210}', '{"caller_number":91******3210}'],
    ['in a tel: URL', 'tel:+919876543210', 'tel:+91******3210'],
    ['behind two plus signs', '++919876543210', '++91******3210'],
    ['glued by plus signs', '+919876543210+911234567890', '+91******3210+91******7890'],
    ['glued by commas', '+919876543210,+911234567890', '+91******3210,+91******7890'],
    ['beside line breaks', '9876543210\n9876543210', '98****3210\n98****3210'],
    ['the end of a sentence', 'from 9876543210.', 'from 98****3210.'],
    ['behind an escaped plus sign', '"\\u002b919876543210"', '"\\u002b91******3210"'],
    ['behind an escape in capitals', '"\\u002B919876543210"', '"\\u002B91******3210"'],
    [
      'in JSON inside of JSON',
      '"{\\"to\\":\\"\\\\u002b919876543210\\"}"',
      '"{\\"to\\":\\"\\\\u002b91******3210\\"}"',
    ],
    ['on a line of its own in JSON', '"ring\\n9876543210\\nback"', '"ring\\n98****3210\\nback"'],
    ['in a form or a query', 'from=%2B919876543210&to=1', 'from=%2B91******3210&to=1'],
    ['behind a space in a query', 'q=%209876543210', 'q=%20******3210'],
  ])('%s', (_, text, masked) => {
    expect(maskNumbers(text)).toBe(masked);
  });

  test.each([
    ['a call id', 'MO123456789'],
    ['an event id', 'ev_01J8Z3K4M5N6P7Q8R9S0T1V2W3'],
    ['a time', '2025-07-21T12:45:00.123Z'],
    ['a short number', '200 in 123456 ms'],
    ['a digest', '757107ea0eb2509fc211221cce984b8a'],
    ['a short number behind an escape', '"\\u002b123456"'],
    ['what only looks like an escape', 'u002b9876543210 n9876543210 2B9876543210'],
  ])('%s is left alone', (_, text) => {
    expect(maskNumbers(text)).toBe(text);
  });

  test('property: no caller survives, between whatever is no letter or digit, or escapes one', () => {
    const number = fc.stringMatching(/^\+?[1-9][0-9]{7,14}$/);
    const escapes = fc.constantFrom('\\n', '\\t', '\\u002b', '\\u00E9', '%2B', '%0a');
    const between = fc.oneof(fc.stringMatching(/^[^\w]{1,5}$/), escapes);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(between, number), { minLength: 1, maxLength: 4 }),
        between,
        (pairs, end) => {
          const text = pairs.flat().join('') + end;
          const masked = maskNumbers(text);
          expect(masked).not.toMatch(/\d{5,}/);
          expect(masked).toHaveLength(text.length);
        },
      ),
    );
  });
});

test.each([
  ['https://example.com/hook', 'https://example.com/hook'],
  ['https://example.com/hook?a=1', 'https://example.com/hook?a=***'],
  [
    'https://example.com/hook?a=1&b&c=&=d&e=f=g&h=?#top',
    'https://example.com/hook?a=***&***&c=&=***&e=***&h=***',
  ],
  ['https://example.com/hook?a=env:NAME&b=env:1', 'https://example.com/hook?a=env:NAME&b=***'],
  ['https://example.com/hook?', 'https://example.com/hook?'],
  ['https://example.com/hook?next=https://user:hunter2@x/', 'https://example.com/hook?next=***'],
  ['https://user:hunter2@example.com/', 'https://***@example.com/'],
  ['https://user@example.com/', 'https://***@example.com/'],
  ['https://:hunter2@example.com/', 'https://***@example.com/'],
])('D13 displayUrl(%s) shows no user, password or value', (url, shown) => {
  expect(displayUrl(url)).toBe(shown);
  expect(displayUrl(new URL(url))).toBe(shown);
});

test.each([
  [
    'at https://a.example/?key=hunter2, and (http://b.example/?hunter2).',
    'at https://a.example/?key=***, and (http://b.example/?***).',
  ],
  [
    "'HTTPS://me:hunter2@a.example/x' 'https://***@exa mple'",
    "'HTTPS://***@a.example/x' 'https://***@exa mple'",
  ],
  ['https://a.example/?key=env:NAME.', 'https://a.example/?key=env:NAME.'],
  ['What? A=b, x://y?z=1 http:// …', 'What? A=b, x://y?z=1 http:// …'],
])('displayUrls(%s)', (text, shown) => {
  expect(displayUrls(text)).toBe(shown);
});

test.each([
  ['nowhere?key=hunter2', 'nowhere?key=***'],
  ['https://example.com/hook', 'https://example.com/hook'],
  ['https://example.com?key=hunter2#x', 'https://example.com?key=***'],
  ['me:hunter2@example.com', '***@example.com'],
  ['ftp://me:hun/ter2@exa mple.com/?key=hunter2', 'ftp://***@exa mple.com/?key=***'],
])('shownUrl(%s) is %s', (text, shown) => {
  expect(shownUrl(text)).toBe(shown);
});

test.each([
  ['https://user:hunter2@example.com/hook?a=1', 'https://***@example.com/hook?a=1'],
  ['https://hunter2@example.com', 'https://***@example.com/'],
  ['https:/user:hunter2@example.com/', 'https://***@example.com/'],
  ['https://user:hunt@er2@example.com/', 'https://***@example.com/'],
  ['https://user:hunter2@example.com:99999/no-port', 'https://***@example.com:99999/no-port'],
  ['//user:hunter2@example.com/no-scheme', '//***@example.com/no-scheme'],
  [
    'https://example.com/?next=https://user:hunter2@example.com/',
    'https://example.com/?next=https://***@example.com/',
  ],
  ['to https://user:hunter2@example.com/ and on', 'to https://***@example.com/ and on'],
])('D13 withoutCredentials(%s) keeps no user or password', (text, kept) => {
  expect(withoutCredentials(text)).toBe(kept);
  expect(withoutCredentials(kept)).toBe(kept);
});

test.each([
  'https://example.com',
  'HTTP://Example.com/@team?to=a@b.example',
  'ops@example.com',
  '@',
  'crm',
  '',
])('withoutCredentials(%j) is left alone', (text) => {
  expect(withoutCredentials(text)).toBe(text);
});
