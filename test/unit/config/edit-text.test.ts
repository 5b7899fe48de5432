import fc from 'fast-check';
import { createScanner, type ParseError, parse, parseTree } from 'jsonc-parser';
import { describe, expect, test } from 'vitest';
import { type Config, parseConfig } from '../../../src/config/config.ts';
import { removeProperty, setProperty } from '../../../src/config/edit-text.ts';

const A = { url: 'https://a.example/', secret: 'env:A' };

describe('a removed property leaves the comments of others', () => {
  test.each([
    [
      '{ // first\n  "a": 1, // of a\n  // above b\n  "b": 2 // of b\n}\n',
      'a',
      '{ // first\n  // above b\n  "b": 2 // of b\n}\n',
    ],
    [
      '{\n  "a": 1, // of a\n  // above b\n  "b": 2 // of b\n}\n',
      'b',
      '{\n  "a": 1 // of a\n  // above b\n}\n',
    ],
    ['{\n  "a": 1, // of a\n  "b": 2,\n}\n', 'b', '{\n  "a": 1, // of a\n}\n'],
    ['{ // first\n  "a": 1\n  // last\n}', 'a', '{ // first\n  // last\n}'],
    ['{ "a": 1, "b": 2, "c": 3 }', 'a', '{ "b": 2, "c": 3 }'],
    ['{ "a": 1, "b": 2, "c": 3 }', 'c', '{ "a": 1, "b": 2 }'],
    ['{ "a": 1, /* of b */ "b": 2 }', 'b', '{ "a": 1 /* of b */ }'],
    ['{\n  "a": 1 // of a\n  , "b": 2\n}', 'b', '{\n  "a": 1 // of a\n  \n}'],
    ['{\n  "a": 1 // of a\n  , "b": 2\n}', 'a', '{\n  "b": 2\n}'],
    ['{\r\n  "a": 1,\r\n  "b": 2\r\n}', 'a', '{\r\n  "b": 2\r\n}'],
    ['{ "a": 1, "b": 2, "a": 3 }', 'a', '{ "b": 2 }'],
    ['{ "a": 1 }', 'b', '{ "a": 1 }'],
  ])('%j without %j', (text, key, rest) => {
    expect(removeProperty(text, [key])).toBe(rest);
  });
});

describe('an added property stands at the end, below the comments of the one before', () => {
  test.each([
    ['{\n  "a": 1 // of a\n}\n', 2, '{\n  "a": 1, // of a\n  "b": 2\n}\n'],
    ['{\n  "a": 1, // of a\n}\n', 2, '{\n  "a": 1, // of a\n  "b": 2,\n}\n'],
    ['{}', 2, '{\n  "b": 2\n}'],
    ['{\n  // "a": 1\n}', 2, '{\n  // "a": 1\n  "b": 2\n}'],
    ['{ "a": 1 /* of a */ }', [2, 3], '{ "a": 1, /* of a */ "b": [2, 3] }'],
    ['{\n\t"a": 1\n}', { c: 2 }, '{\n\t"a": 1,\n\t"b": {\n\t\t"c": 2\n\t}\n}'],
    ['{\r\n  "a": 1\r\n}', 2, '{\r\n  "a": 1,\r\n  "b": 2\r\n}'],
    ['{ "b": 1, "b": 2 } // end', 3, '{ "b": 1, "b": 3 } // end'],
  ])('%j with %j', (text, value, result) => {
    expect(setProperty(text, ['b'], value)).toBe(result);
  });

  test('the objects around it are made where they are missing', () => {
    expect(JSON.parse(setProperty('{}', ['endpoints', 'a'], A))).toEqual({ endpoints: { a: A } });
  });
});

/** What may stand between two tokens; each comment is numbered, so that none is like another. */
const gap = fc.array(fc.constantFrom('', ' ', '\n', '\n  ', '\t', '//', '/**/', '/*\n*/'), { maxLength: 4 });
const NAMES = ['a', 'b', 'c', 'd'];
const sprinkled = fc.record({
  names: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 4 }),
  gaps: fc.infiniteStream(gap),
  trailing: fc.infiniteStream(fc.boolean()),
  eol: fc.constantFrom('\n', '\r\n'),
});
type Sprinkled = typeof sprinkled extends fc.Arbitrary<infer Value> ? Value : never;

/** A config's text with white space and comments between its tokens, and commas behind the last where it pleases. */
function write({ names, gaps, trailing, eol }: Sprinkled): string {
  let comments = 0;
  const between = () =>
    (gaps.next().value as string[])
      .map((part) => {
        if (part === '//') return `// c${++comments}.  \n`;
        return part.startsWith('/*') ? `/* c${++comments}.${part.slice(2)}` : part;
      })
      .join('');
  const object = (entries: [string, () => string][]): string => {
    const written = entries.map(
      ([key, value]) => `${between()}"${key}"${between()}:${between()}${value()}${between()}`,
    );
    const comma = entries.length > 0 && trailing.next().value === true ? ',' : '';
    return `{${written.join(',')}${comma}${between()}}`;
  };
  const endpoint = () => object(Object.entries(A).map(([key, value]) => [key, () => JSON.stringify(value)]));
  const text =
    between() + object([['endpoints', () => object(names.map((name) => [name, endpoint]))]]) + between();
  return text.replaceAll('\n', eol);
}

function comments(text: string): { text: string; offset: number }[] {
  const scanner = createScanner(text);
  const found: { text: string; offset: number }[] = [];
  for (;;) {
    scanner.scan();
    const [offset, end] = [scanner.getTokenOffset(), scanner.getPosition()];
    if (offset === end) return found;
    if (text[offset] === '/') found.push({ text: text.slice(offset, end), offset });
  }
}

/** The comments that must still be there without a property: all but those in it and behind it on its last line. */
function commentsBeside(text: string, name: string): string[] {
  const endpoints = parseTree(text)?.children?.[0]?.children?.[1]?.children ?? [];
  const property = endpoints.find(({ children }) => children?.[0]?.value === name);
  if (property === undefined) return comments(text).map((comment) => comment.text);
  const end = text.indexOf('\n', property.offset + property.length);
  return comments(text)
    .filter(
      ({ offset }) =>
        offset < property.offset ||
        (end >= 0 && offset > end) ||
        (end < 0 && offset > property.offset + property.length),
    )
    .map((comment) => comment.text);
}

const hasTrailingComma = (text: string) => {
  const errors: ParseError[] = [];
  parse(text, errors);
  return errors.length > 0;
};

function check(before: string, after: string, expected: Config, kept: string[]) {
  expect(parseConfig(after, 'x')).toEqual(expected);
  expect(Object.keys(parseConfig(after, 'x').endpoints)).toEqual(Object.keys(expected.endpoints));
  if (!hasTrailingComma(before)) expect(hasTrailingComma(after)).toBe(false);
  const left = comments(after).map(({ text }) => text);
  for (const comment of kept) expect(left.filter((one) => one === comment)).toEqual([comment]);
}

describe('whatever comments are sprinkled in, and wherever', () => {
  const RUNS = { numRuns: 1000 };

  test('a removed endpoint takes none of the others’ with it', () => {
    fc.assert(
      fc.property(sprinkled, fc.constantFrom(...NAMES), (given, name) => {
        const text = write(given);
        const expected = parseConfig(text, 'x');
        delete expected.endpoints[name];
        check(text, removeProperty(text, ['endpoints', name]), expected, commentsBeside(text, name));
      }),
      RUNS,
    );
  });

  test('an added endpoint moves none', () => {
    fc.assert(
      fc.property(sprinkled, (given) => {
        const text = write(given);
        const expected = parseConfig(text, 'x');
        expected.endpoints.new = A;
        const all = comments(text).map((comment) => comment.text);
        const after = setProperty(text, ['endpoints', 'new'], A);
        check(text, after, expected, all);
        expect(comments(after).map((comment) => comment.text)).toEqual(all);
      }),
      RUNS,
    );
  });

  test('a setting that is set and taken out again leaves all of them', () => {
    fc.assert(
      fc.property(sprinkled, (given) => {
        const text = write(given);
        const [name] = given.names;
        if (name === undefined) return;
        const all = comments(text).map((comment) => comment.text);
        const set = setProperty(text, ['endpoints', name, 'queues'], ['x']);
        const expected = parseConfig(text, 'x');
        check(text, removeProperty(set, ['endpoints', name, 'queues']), expected, all);
        check(text, setProperty(text, ['endpoints', name, 'url'], A.url), expected, all);
        expected.endpoints[name] = { ...A, queues: ['x'] };
        check(text, set, expected, all);
      }),
      RUNS,
    );
  });
});
