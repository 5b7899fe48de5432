import { expect, test } from 'vitest';
import { encodeContent } from '../../../src/tunnel/frames.ts';
import { readContent, sayable } from '../../../src/tunnel/hand-over.ts';

const content = (headers: string[]) => Buffer.concat(encodeContent(headers, [Buffer.from('{}')]));

test.each([
  ['none', ['A', '1'], { headers: ['A', '1'], query: '' }],
  ['one', ['A', '1', 'X-MO-Query', 'key=1&x=%2F'], { headers: ['A', '1'], query: 'key=1&x=%2F' }],
  ['in lower case', ['x-mo-query', 'key=1', 'A', '1'], { headers: ['A', '1'], query: 'key=1' }],
  ['with what ends a query', ['X-MO-Query', 'a=1#b c'], { headers: [], query: 'a=1' }],
  ['with blanks', ['X-MO-Query', 'a=b c'], { headers: [], query: 'a=b%20c' }],
])('a query that a relay says, %s, is no header of the delivery', (_, headers, expected) => {
  expect(readContent(content(headers))).toEqual({ ...expected, body: Buffer.from('{}') });
});

test.each([
  ['a value with a line break', ['X-A', '1\r\nX-B: 2']],
  ['a name with a line break', ['X-A: 1\r\nX-B', '2']],
  ['a NUL', ['X-A', 'a\0b']],
  ['an empty name', ['', '1']],
  ['Content-Length', ['Content-Length', '5']],
  ['Transfer-Encoding', ['transfer-ENCODING', 'chunked']],
  ['Connection and what it names', ['Connection', 'close, X-Hop', 'X-Hop', '1']],
  ['Upgrade, Trailer, Keep-Alive', ['Upgrade', 'h2c', 'Trailer', 'X', 'Keep-Alive', 'timeout=5']],
  ['Date, which the server says itself', ['Date', 'now']],
])('G7 an answer with %s goes without it', (_, odd) => {
  const headers = ['Content-Type', 'text/plain', ...odd, 'Retry-After', '1'];
  expect(sayable({ status: 503, headers, body: 'x' })).toEqual({
    status: 503,
    headers: ['Content-Type', 'text/plain', 'Retry-After', '1'],
    body: 'x',
  });
});

test.each([204, 304])('G7 a %i has no body, whatever comes with it', (status) => {
  expect(sayable({ status, headers: [], body: 'HTTP/1.1 200 OK\r\n\r\n' }).body).toBe('');
});

test.each([0, 100, 101, 199, 600, 999])('G7 %i is no final status of HTTP: 502', (status) => {
  expect(sayable({ status, headers: [], body: '' }).status).toBe(502);
});
