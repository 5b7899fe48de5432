import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { askedFor, askedPath, placeAt, targetPath, targetQuery } from '../../../src/core/asked.ts';

describe("a request's target", () => {
  test.each([
    ['/', '/', ''],
    ['/crm', '/crm', ''],
    ['/crm?key=1&x=/y?z', '/crm', 'key=1&x=/y?z'],
    ['/crm?', '/crm', ''],
    ['?key=1', '/', 'key=1'],
    ['', '/', ''],
    ['/crm#part?no=1', '/crm', ''],
    ['/crm?key=1#part', '/crm', 'key=1'],
    ['http://other.example/crm?key=1', '/crm', 'key=1'],
    ['HTTP://user:pass@other.example:81', '/', ''],
    ['//other.example/crm', '//other.example/crm', ''],
    ['/../crm', '/../crm', ''],
    ['/%2e%2e%2fcrm', '/%2e%2e%2fcrm', ''],
    ['/x://y/crm', '/x://y/crm', ''],
    ['*', '*', ''],
    ['/?a=\u00e9&b=x y\t"', '/', 'a=%E9&b=x%20y%09"'],
    ['/?a=\r\nX: 1', '/', 'a=%0D%0AX:%201'],
  ])('%j', (target, path, query) => {
    expect([targetPath(target), targetQuery(target)]).toEqual([path, query]);
  });
});

test.each([
  ['/crm?key=1', false, '?key=1', ''],
  ['/crm?key=1', true, '/crm?key=1', '/crm'],
  ['/crm', false, '', ''],
  ['/crm', true, '/crm', '/crm'],
  ['/', false, '', ''],
  ['/', true, '/', '/'],
])('of %j, the path counting: %s, a forward goes by %j', (target, pathCounts, asked, path) => {
  expect(askedFor(target, pathCounts)).toBe(asked);
  expect(askedPath(asked)).toBe(path);
});

describe('where a forward goes', () => {
  test.each([
    ['http://app/', '', '/'],
    ['http://app/', '?key=1', '/?key=1'],
    ['http://app/', '/crm?key=1', '/crm?key=1'],
    ['http://app', '/crm', '/crm'],
    ['http://app/hook', '/crm?key=1', '/hook?key=1'],
    ['http://app/hook/', '/crm', '/hook/'],
    ['http://app/?own=1', '/crm?key=1', '/crm?own=1&key=1'],
    ['http://app/hook?key=own', '?key=1', '/hook?key=own'],
    ['http://app/hook?key=own', '?k%65y=1', '/hook?key=own'],
    ['http://app/hook?a+b=own', '?a%20b=1&c=2', '/hook?a+b=own&c=2'],
    ['http://app/hook?key=own', '?Key=1&key=2&x&y=1&y=2', '/hook?key=own&Key=1&x&y=1&y=2'],
    ['http://app/hook', '?a=%2F&b=+&c=%', '/hook?a=%2F&b=+&c=%'],
  ])('%s, asked for %j: %s', (url, asked, place) => {
    expect(placeAt(new URL(url), asked)).toBe(place);
  });

  test('F13 property: whatever is asked for, a target with a path keeps it, and its own values', () => {
    const url = new URL('http://app/hook?key=own');
    const sign = fc.constantFrom(...'/?#&=%.:@+ \r\n\0\u00e9k', 'key', '..', '%6b', 'http://');
    fc.assert(
      fc.property(fc.string({ unit: sign }), fc.boolean(), (target, pathCounts) => {
        const place = placeAt(url, askedFor(target, pathCounts));
        expect(place).toMatch(/^\/hook\?key=own(?:&[!-~]*)?$/);
        expect(place).not.toContain('#');
        expect(new URLSearchParams(place.slice('/hook'.length)).getAll('key')).toEqual(['own']);
      }),
    );
  });
});
