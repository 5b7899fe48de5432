import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { curlCommand, quote } from '../../../src/core/curl.ts';
import { UsageError } from '../../../src/core/errors.ts';
import { signPayload } from '../../../src/core/signature.ts';
import { PATIENCE_MS } from '../../helpers/patience.ts';

const SECRET = 'S3CR3T-canary';
const URL_ = new URL('https://example.com/notify');

/** The words that a POSIX shell makes of this text. Were quoting broken, it would find no program and no files to harm. */
function shellWords(script: string): string[] {
  const nowhere = mkdtempSync(join(tmpdir(), 'mo-notify-test-'));
  const output = execFileSync('/bin/sh', ['-c', script], {
    encoding: 'utf8',
    cwd: nowhere,
    env: { PATH: nowhere, HOME: nowhere },
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PATIENCE_MS,
  });
  return output.split('\0').slice(0, -1);
}

/** What curl would be called with: a function of that name stands in for it. */
function curlArguments(command: string): string[] {
  return shellWords(`curl() { printf '%s\\0' "$@"; }\n${command}`);
}

describe('quote', () => {
  const WORDS = [
    '',
    ' ',
    'plain',
    "it's",
    "'",
    "''",
    "'; exit 7; '",
    '"double"',
    '$HOME $(id) `id` ${x',
    'a\\b\\\\c\\',
    'line\nbreak\r\n',
    '*?[a-z]{1,2}~',
    '! # & | ; < > ( )',
    '-n',
    '%s %d \\0 \\x41',
    '\x1b[31m\x07\t',
    'é 漢字 😀',
  ];

  test('every word comes out of a shell as it went in', () => {
    expect(shellWords(`printf '%s\\0' ${WORDS.map(quote).join(' ')}`)).toEqual(WORDS);
  });

  test('property: so does any text without NUL', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 }).map((word) => word.replaceAll('\0', "'"));
    const words = fc.sample(text, 300);
    expect(shellWords(`printf '%s\\0' ${words.map(quote).join(' ')}`)).toEqual(words);
  });
});

describe('curlCommand', () => {
  const body = `{"event":"call_connected","call_id":"it's $HOME \\"\\\\","timestamp":"2025-07-21T12:45:00Z"}`;
  const signature = signPayload(body, SECRET);

  test('sends the same headers and bytes, read by a real shell', () => {
    const headers = ['Content-Type', 'application/json', 'X-MO-Signature', signature, 'X-Team', "it's; `id`"];
    expect(curlArguments(curlCommand(URL_, headers, Buffer.from(body)))).toEqual([
      '-sS',
      '-i',
      '-X',
      'POST',
      'https://example.com/notify',
      '-H',
      'Content-Type: application/json',
      '-H',
      `X-MO-Signature: ${signature}`,
      '-H',
      "X-Team: it's; `id`",
      '--data-binary',
      body,
    ]);
  });

  test('the secret is not in it', () => {
    expect(curlCommand(URL_, ['X-MO-Signature', signature], Buffer.from(body))).not.toContain(SECRET);
  });

  test.each([
    ['empty', ''],
    ['pretty', '{\n  "a": 1\n}\n'],
    ['with CRLF', '{}\r\n'],
    ['with a byte order mark', '\ufeff{}'],
    ['not ASCII', '{"a":"é😀"}'],
    ['escaped', '{"a":"\\u00e9\\/"}'],
  ])('a body that is %s arrives byte by byte', (_, text) => {
    expect(curlArguments(curlCommand(URL_, [], Buffer.from(text))).slice(-2)).toEqual([
      '--data-binary',
      text,
    ]);
  });

  test('a body that begins with @ is no file to curl', () => {
    expect(curlArguments(curlCommand(URL_, [], Buffer.from('@/etc/passwd'))).slice(-2)).toEqual([
      '--data-raw',
      '@/etc/passwd',
    ]);
  });

  test('a header without a value is written so that curl sends it', () => {
    expect(curlArguments(curlCommand(URL_, ['X-Empty', ''], Buffer.from('{}')))).toContain('X-Empty;');
  });

  test.each([
    'https://example.com/hook?tags[]=***',
    'https://example.com/hook?{x,y}=',
    'https://example.com/[a-z]',
  ])('%s is no pattern to curl', (url) => {
    const words = curlArguments(curlCommand(new URL(url), [], Buffer.from('{}')));
    expect(words).toContain('-g');
    expect(words).toContain(new URL(url).href);
  });

  test('a URL without brackets needs no such flag, an IPv6 host neither', () => {
    expect(
      curlArguments(curlCommand(new URL('http://[::1]:3000/?a=b&c=d'), [], Buffer.from('{}'))),
    ).not.toContain('-g');
  });

  test('values of the URL are masked, and those in variables left to the shell', () => {
    const url = new URL("https://example.com/it's$HOME?a=hunter2&key=env:KEY&env:KEY&b=$HOME&c=env:NONE#d");
    const command = curlCommand(url, [], Buffer.from('{}'));
    expect(command).not.toContain('hunter2');
    const words = curlArguments(`KEY='a b"c$HOME[1]'\n${command}`);
    expect(words).toContain('-g');
    expect(words).toContain(`https://example.com/it's$HOME?a=***&key=a b"c$HOME[1]&a b"c$HOME[1]&b=***&c=`);
  });

  test('a path that looks like a reference to a variable is none', () => {
    const url = 'https://example.com/key=env:HOME';
    expect(curlArguments(curlCommand(new URL(url), [], Buffer.from('{}')))).toContain(url);
  });

  test('--insecure goes along', () => {
    expect(curlArguments(curlCommand(URL_, [], Buffer.from('{}'), true))).toContain('-k');
    expect(curlArguments(curlCommand(URL_, [], Buffer.from('{}')))).not.toContain('-k');
  });

  test.each([
    ['invalid UTF-8', Buffer.from([0xff, 0xfe])],
    ['NUL', Buffer.from('a\0b')],
  ])('B6 a body with %s cannot be a command line', (_, bytes) => {
    expect(() => curlCommand(URL_, [], bytes)).toThrow(UsageError);
    expect(() => curlCommand(URL_, [], bytes)).toThrow(/binary/);
  });
});
