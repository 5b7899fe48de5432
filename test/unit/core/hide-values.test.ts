import { expect, test } from 'vitest';
import { hiding, secretsIn } from '../../../src/core/hide-values.ts';

test('values of a URL are hidden in whatever form an endpoint repeats them', () => {
  const url = new URL('https://a.example/?key=a%20%22b%22%26c%2B&page=12&plain=hunter2');
  const hide = hiding(secretsIn(url));
  expect(hide('Cannot POST /?key=a%20%22b%22%26c%2B&page=12&plain=hunter2')).toBe(
    'Cannot POST /?key=***&page=12&plain=***',
  );
  expect(hide(JSON.stringify({ key: 'a "b"&c+', page: '12' }))).toBe('{"key":"***","page":"12"}');
  expect(hide('a "b"&c+ and on')).toBe('*** and on');
});

test('a value that holds another is hidden whole', () => {
  expect(hiding(['abcd', 'abcdefgh'])('abcdefgh abcd')).toBe('*** ***');
});

test('without values a text stays as it is', () => {
  expect(hiding(secretsIn(new URL('https://a.example/?a=&b=1')))('1 and a=1')).toBe('1 and a=1');
});
