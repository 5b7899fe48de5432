import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collect, parseBytes, parseHeaders, wholeNumber } from '../../../src/cli/options.ts';
import { UsageError } from '../../../src/core/errors.ts';

describe('parseHeaders', () => {
  test.each([
    ['X-Team: sales', ['X-Team', 'sales']],
    ['X-Team:sales', ['X-Team', 'sales']],
    ['X-Team: \t sales \t', ['X-Team', 'sales']],
    ['X-Team: a, b, c', ['X-Team', 'a, b, c']],
    ['X-Url: https://example.com:80/', ['X-Url', 'https://example.com:80/']],
    ['X-Empty:', ['X-Empty', '']],
    ['Content-Type: text/plain', ['Content-Type', 'text/plain']],
    ['X-Latin: caf\xe9', ['X-Latin', 'caf\xe9']],
    ['X-Tab: a\tb', ['X-Tab', 'a\tb']],
  ])('%j', (line, header) => {
    expect(parseHeaders([line])).toEqual(header);
  });

  test('several stay in their order, repeated ones apart', () => {
    expect(parseHeaders(['B: 1', 'A: 2', 'B: 3'])).toEqual(['B', '1', 'A', '2', 'B', '3']);
    expect(parseHeaders([])).toEqual([]);
  });

  test.each([
    'x',
    '',
    ': x',
    'X Team: x',
    'X-Team : x',
    ' X-Team: x',
    'X\r\nY: x',
    'X-\xe9: x',
    'X-Team\0: x',
    '(x): y',
  ])('D14 %j is no header', (line) => {
    expect(() => parseHeaders([line])).toThrow(UsageError);
    expect(() => parseHeaders([line])).toThrow(
      `-H: '${line}' is not a header. Write it like 'X-Team: sales'.`,
    );
  });

  test.each([
    ['CR LF and another header', 'X-Team: a\r\nX-MO-Signature: forged'],
    ['LF', 'X-Team: a\nb'],
    ['CR', 'X-Team: a\rb'],
    ['a line break at the end', 'X-Team: a\n'],
    ['NUL', 'X-Team: a\0'],
    ['ESC', 'X-Team: \x1b[2J'],
    ['DEL', 'X-Team: a\x7f'],
    ['a euro sign, which latin1 has not', 'X-Team: €'],
    ['a character beyond latin1', 'X-Team: 漢字'],
    ['an emoji', 'X-Team: 😀'],
  ])('D14 a value with %s is refused, without being repeated', (_, line) => {
    expect(() => parseHeaders([line])).toThrow(UsageError);
    expect(() => parseHeaders([line])).toThrow(/^-H: the value of X-Team has a line break or a character/);
  });

  test.each([
    'Content-Length',
    'transfer-encoding',
    'Connection',
    'Keep-Alive',
    'Upgrade',
    'Expect',
    'HOST',
    'X-MO-Signature',
    'x-mo-event-id',
    'X-MO-Delivery-Attempt',
  ])('%s cannot be set', (name) => {
    expect(() => parseHeaders([`${name}: 1`])).toThrow(UsageError);
    expect(() => parseHeaders([`${name}: 1`])).toThrow(`-H: ${name} cannot be set`);
  });

  test('D14 property: what is taken can go over the wire, else it is a usage error', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.stringMatching(/^[A-Za-z-]{1,8}$/), fc.string({ unit: 'binary' }))
        .map(([a, b]) => `${a}: ${b}`),
    );
    fc.assert(
      fc.property(line, (text) => {
        let header: string[];
        try {
          header = parseHeaders([text]);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
          return;
        }
        // The platform's own check of names and values.
        expect(() => new Headers([header as [string, string]])).not.toThrow();
        expect(header.join('')).not.toMatch(/[\r\n\0]/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('parseBytes', () => {
  test.each([
    ['65536', 65_536],
    ['1b', 1],
    ['64KiB', 65_536],
    ['64kb', 64_000],
    ['1MiB', 1_048_576],
    ['1mb', 1_000_000],
    ['10 MiB', 10_485_760],
    ['256MiB', 268_435_456],
  ])('%s is %d', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each([
    '',
    '0',
    '0MiB',
    '-1',
    '1.5MiB',
    '1GiB',
    '257MiB',
    '268435457',
    'MiB',
    '1e6',
    '1 M B',
    '9'.repeat(400),
  ])('%.12s is refused', (text) => {
    expect(() => parseBytes(text)).toThrow(UsageError);
    expect(() => parseBytes(text)).toThrow(`--max-body: '${text}' is not a size.`);
  });
});

describe('wholeNumber', () => {
  test.each([
    ['0', 0],
    ['7', 7],
    ['10', 10],
  ])('%s is taken', (text, number) => {
    expect(wholeNumber(0, 10)(text)).toBe(number);
  });

  test.each(['', ' ', '-1', '11', '1.5', '1e1', '0x1', '+1', 'x', 'NaN', 'Infinity', '٣'])(
    '%j is refused',
    (text) => {
      expect(() => wholeNumber(0, 10)(text)).toThrow(InvalidArgumentError);
      expect(() => wholeNumber(0, 10)(text)).toThrow('Give a whole number from 0 to 10.');
    },
  );

  test('without an upper end it goes as far as whole numbers do', () => {
    expect(wholeNumber(1)('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => wholeNumber(1)('9007199254740992')).toThrow('Give a whole number from 1 up.');
    expect(() => wholeNumber(1)('0')).toThrow('Give a whole number from 1 up.');
  });
});

test('collect gathers what a repeated flag was given', () => {
  const first = collect('a', undefined);
  expect(collect('b', first)).toEqual(['a', 'b']);
  expect(first).toEqual(['a']);
});
