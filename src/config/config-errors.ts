import { findNodeAtLocation, type Node, type ParseErrorCode, printParseErrorCode } from 'jsonc-parser';
import type { z } from 'zod';
import { nearest } from '../core/nearest.ts';
import { maskNumbers, shownUrl } from '../core/redact.ts';

type Path = (string | number)[];

/** What is wrong with a config, in words: its file and line, the place, the value there, and what is wanted. */
export function describeIssue(
  text: string,
  file: string,
  tree: Node,
  { issue, known }: { issue: z.core.$ZodIssue; known: readonly string[] },
): string {
  const surplus = issue.code === 'unrecognized_keys' ? (issue.keys[0] as string) : null;
  const path = [...issue.path, ...(surplus === null ? [] : [surplus])] as Path;
  const found = findNodeAtLocation(tree, path);
  const node = found ?? findNodeAtLocation(tree, path.slice(0, -1)) ?? tree;
  const where = path.length === 0 ? 'the config' : path.map((part) => shownUrl(String(part))).join('.');
  const why = surplus === null ? reason(issue, found) : `is not known here.${hint(surplus, known)}`;
  return `${file}:${lineOf(text, node.offset)}: ${where}${shownValue(found, path)}: ${why}.`.replace(
    /\.\.$/,
    '.',
  );
}

export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** The value at a path, for a message; nothing for a secret, a list or an object. */
function shownValue(node: Node | undefined, path: Path): string {
  if (node === undefined || node.type === 'object' || node.type === 'array') return '';
  if (path.some((part) => /secret/.test(String(part)) && part !== 'previous_secret_until')) return '';
  const value = String(node.value);
  return ` '${path.includes('numbers') ? maskNumbers(value) : shownUrl(value)}'`;
}

/** A message that has the value in it, shown as it may be. */
function withoutValue(message: string, { value }: Node): string {
  return typeof value === 'string' ? message.replaceAll(`'${value}'`, () => `'${shownUrl(value)}'`) : message;
}

function reason(issue: z.core.$ZodIssue, found: Node | undefined): string {
  if (found === undefined) return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `${KINDS[issue.expected] ?? issue.expected} is wanted here${STANDS[found.type] ?? ''}`;
    case 'invalid_value':
      return `is not known.${hint(String(found.value), issue.values.map(String))}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    case 'too_small':
      if (issue.origin === 'array') return 'is empty. Name at least one, or leave it out';
      return issue.origin === 'string' ? 'is empty' : `is too small; the least is ${issue.minimum}`;
    case 'too_big':
      return `is too large; the most is ${issue.maximum}`;
    case 'invalid_format':
      return issue.format === 'datetime'
        ? 'is not a time. Write it like 2026-01-31T12:00:00Z'
        : issue.message;
    default:
      return withoutValue(issue.message, found);
  }
}

function hint(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return `${meant === null ? '' : ` Did you mean '${meant}'?`} Known: ${known.join(', ')}`;
}

const KINDS: Record<string, string> = {
  string: 'a text in double quotes',
  int: 'a whole number',
  number: 'a whole number',
  array: 'a list in [ ]',
  object: 'an object in { }',
  record: 'an object in { }',
};

/** What stands in a place, where its value is not shown. */
const STANDS: Record<string, string> = { object: ', not an object', array: ', not a list' };

/** What is wrong with a text that is not JSON, in words. */
export function describeParseError(code: ParseErrorCode | undefined): string {
  if (code === undefined) return 'a value is missing';
  const name = printParseErrorCode(code);
  return PARSE_ERRORS[name] ?? name;
}

const PARSE_ERRORS: Record<string, string> = {
  InvalidSymbol: 'a word that is not true, false or null; texts stand in double quotes',
  InvalidNumberFormat: 'a number that is not written as numbers are',
  PropertyNameExpected: 'a name in double quotes is missing, or there is a comma too many',
  ValueExpected: 'a value is missing',
  ColonExpected: 'a colon is missing',
  CommaExpected: 'a comma is missing',
  CloseBraceExpected: 'a closing } is missing',
  CloseBracketExpected: 'a closing ] is missing',
  EndOfFileExpected: 'something stands behind the last }',
  InvalidCommentToken: 'a comment that is none; they begin with // or stand in /* */',
  UnexpectedEndOfComment: 'a comment without its closing */',
  UnexpectedEndOfString: 'a text without its closing quote',
  UnexpectedEndOfNumber: 'a number that breaks off',
  InvalidUnicode: 'a \\u that four hexadecimal digits do not follow',
  InvalidEscapeCharacter: 'a backslash in front of a letter that it does not go with',
  InvalidCharacter: 'a control character in a text',
};
