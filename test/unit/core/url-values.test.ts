import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeValue,
  MASK,
  mapValues,
  maskLiterals,
  queryValues,
  referenceOf,
} from '../../../src/core/url-values.ts';

test.each([
  ['https://a.example/', []],
  ['https://a.example/?', []],
  ['https://a.example/#?key=x', []],
  ['/notify?key=x', [{ name: 'key', value: 'x' }]],
  [
    'https://a.example/?a=1&b&=c&d=e=f&&g=#h=i',
    [
      { name: 'a', value: '1' },
      { name: '', value: 'b' },
      { name: '', value: 'c' },
      { name: 'd', value: 'e=f' },
    ],
  ],
])('queryValues(%s)', (text, values) => {
  expect(queryValues(text)).toEqual(values);
});

test('mapValues leaves names, order and empty parts as they are, and drops the fragment', () => {
  const change = (value: string, name: string) => `<${name}:${value}>`;
  expect(mapValues('https://a.example/p?a=1&&b&c=&d=2?3#e=4', change)).toBe(
    'https://a.example/p?a=<a:1>&&<:b>&c=&d=<d:2?3>',
  );
  expect(mapValues('https://a.example/p#f', change)).toBe('https://a.example/p');
});

test.each([
  ['env:NAME', 'NAME'],
  ['env:_n1', '_n1'],
  ['env:', null],
  ['env:1', null],
  ['env:A-B', null],
  ['xenv:A', null],
  ['env:A ', null],
  ['env:A\n', null],
])('referenceOf(%j) is %s', (value, name) => {
  expect(referenceOf(value)).toBe(name);
});

test('property: an encoded value comes out of a URL as it went in, and the URL keeps it so', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const url = new URL(`https://a.example/?key=${encodeValue(value)}&b=c`);
      expect(url.searchParams.get('key')).toBe(value);
      expect(url.search).toBe(`?key=${encodeValue(value)}&b=c`);
    }),
  );
});

test('property: of a URL that was masked no value is left, and masking it again changes nothing', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
      const masked = maskLiterals(text);
      for (const { value } of queryValues(masked)) expect(value).toBe(MASK);
      expect(maskLiterals(masked)).toBe(masked);
      expect(new URL(masked).pathname).toBe(new URL(text).pathname);
    }),
  );
});
