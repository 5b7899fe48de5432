import { describe, expect, test } from 'vitest';
import { retime } from '../../../src/cli/retime.ts';

const AT = Date.parse('2026-01-31T12:00:00.120Z');
const NEW = '"2026-01-31T12:00:00.120Z"';

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

describe('--retime puts another time into a body, and changes no other byte', () => {
  test.each([
    [
      'compact',
      '{"event":"x","timestamp":"2025-07-21T12:45:00Z","n":1.0}',
      `{"event":"x","timestamp":${NEW},"n":1.0}`,
    ],
    [
      'pretty',
      '{\r\n  "timestamp" : "old",\r\n  "n": 1e2\r\n}\r\n',
      `{\r\n  "timestamp" : ${NEW},\r\n  "n": 1e2\r\n}\r\n`,
    ],
    ['a number', '{"timestamp":1753101900}', `{"timestamp":${NEW}}`],
    ['null', '{"timestamp":null}', `{"timestamp":${NEW}}`],
    ['an escaped key', '{"time\\u0073tamp":"old"}', `{"time\\u0073tamp":${NEW}}`],
    [
      'text beyond ASCII before it',
      '{"q":"विक्रय 📞","timestamp":"old"}',
      `{"q":"विक्रय 📞","timestamp":${NEW}}`,
    ],
    [
      'one that is deeper is another',
      '{"m":{"timestamp":"a"},"timestamp":"old"}',
      `{"m":{"timestamp":"a"},"timestamp":${NEW}}`,
    ],
    ['a byte order mark', '\ufeff{"timestamp":"old"}', `\ufeff{"timestamp":${NEW}}`],
    [
      'twice: the last is the one that counts',
      '{"timestamp":"a","timestamp":"b"}',
      `{"timestamp":"a","timestamp":${NEW}}`,
    ],
  ])('%s', (_, body, expected) => {
    expect(Buffer.from(retime(Buffer.from(body), AT)).toString()).toBe(expected);
  });

  test('bytes that are no UTF-8 stay', () => {
    const body = Buffer.from('{"q":"\xff\xfe\xc3(","timestamp":"old"}', 'latin1');
    expect(latin1(retime(body, AT))).toBe(`{"q":"\xff\xfe\xc3(","timestamp":${NEW}}`);
  });

  test.each([
    ['no timestamp', '{"event":"x"}'],
    ['an array', '["timestamp"]'],
    ['a text', '"timestamp"'],
    ['nothing', ''],
    ['no JSON', 'timestamp=old'],
  ])('%s: it stays as it is', (_, text) => {
    const body = Buffer.from(text);
    expect(latin1(retime(body, AT))).toBe(latin1(body));
  });

  test('B7 nested without end: it stays as it is, without an error', () => {
    const body = Buffer.from(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`);
    expect(latin1(retime(body, AT))).toBe(latin1(body));
  });
});
