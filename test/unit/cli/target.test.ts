import { describe, expect, test } from 'vitest';
import { parseTarget } from '../../../src/cli/target.ts';
import { UsageError } from '../../../src/core/errors.ts';
import { isLoopback } from '../../../src/core/loopback.ts';

describe('parseTarget', () => {
  test.each([
    ['3000', 'http://127.0.0.1:3000/'],
    ['1', 'http://127.0.0.1:1/'],
    ['65535', 'http://127.0.0.1:65535/'],
    ['http://127.0.0.1:3000/notify', 'http://127.0.0.1:3000/notify'],
    ['https://example.com/hook?a=1', 'https://example.com/hook?a=1'],
    ['HTTPS://EXAMPLE.com', 'https://example.com/'],
    ['http://[::1]:3000/', 'http://[::1]:3000/'],
    ['http://2130706433/', 'http://127.0.0.1/'],
  ])('%s is %s', (text, url) => {
    expect(parseTarget(text).href).toBe(url);
  });

  test.each(['0', '65536', '99999999999999999999'])('%s is no port', (text) => {
    expect(() => parseTarget(text)).toThrow(UsageError);
    expect(() => parseTarget(text)).toThrow(`'${text}' is not a port. Ports go from 1 to 65535.`);
  });

  test.each([
    '',
    'nowhere',
    '3000/notify',
    '-1',
    '30 00',
    'http://',
    'http://exa mple.com/',
    '//example.com',
  ])('%j is refused with what would do', (text) => {
    expect(() => parseTarget(text)).toThrow(UsageError);
    expect(() => parseTarget(text)).toThrow(
      /is not a target\. Give a URL \(https:.*or a local port \(3000\)/,
    );
  });

  test.each([
    ['file:///etc/passwd', 'file:'],
    ['ftp://example.com/', 'ftp:'],
    ['javascript:alert(1)', 'javascript:'],
    ['data:text/plain,x', 'data:'],
    ['ws://example.com/', 'ws:'],
    ['mailto:a@example.com', 'mailto:'],
  ])('D13 %s is refused for its scheme', (text, scheme) => {
    expect(() => parseTarget(text)).toThrow(UsageError);
    expect(() => parseTarget(text)).toThrow(`scheme is '${scheme}'. Deliveries go over https:`);
  });

  test.each(['localhost:3000', 'example.com:8080/notify'])(
    '%s lacks a scheme, and the hint supplies it',
    (text) => {
      expect(() => parseTarget(text)).toThrow(`Did you mean 'http://${text}'?`);
    },
  );

  test.each([
    'https://user:hunter2@example.com/',
    'https://hunter2@example.com/',
    'https://:hunter2@example.com/',
    'https://user:hunter2@exa mple.com/',
    'https://user:hunter2@example.com:99999/',
    'https://user:hun/ter@hunter2@[::bad/',
    'ftp://user:hunter2@example.com/',
  ])('D13 credentials are refused and not repeated: %s', (text) => {
    const parse = () => parseTarget(text);
    expect(parse).toThrow(UsageError);
    expect(parse).not.toThrow(/hunter2/);
  });
});

describe('isLoopback', () => {
  test.each([
    'http://127.0.0.1:3000/',
    'http://127.1.2.3/',
    'http://localhost/',
    'http://LOCALHOST:1/',
    'http://[::1]/',
    'http://0x7f000001/',
    'http://127。0。0。1/',
  ])('%s is this machine', (url) => {
    expect(isLoopback(new URL(url))).toBe(true);
  });

  test.each([
    'http://127.evil.example/',
    'http://127.0.0.1.evil.example/',
    'http://localhost.evil.example/',
    'http://evil-localhost/',
    'http://128.0.0.1/',
    'http://10.0.0.1/',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'https://example.com/?localhost',
  ])('%s is not', (url) => {
    expect(isLoopback(new URL(url))).toBe(false);
  });
});
