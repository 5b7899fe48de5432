import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { attemptToJson } from '../../src/core/record.ts';
import { newAttempt } from '../helpers/records.ts';
import { bash, tempFolder } from '../helpers/spawn-cli.ts';
import { call, newStore } from '../helpers/varied-log.ts';

const BODY = Buffer.from('{"event":"call_connected","call_id":"MO1"}').toString('base64');

/** A line that holds a delivery, as an export with bodies has it. */
function line(i: number): string {
  const attempt = newAttempt({ id: `at_${i}`, eventId: `ev_${i}` });
  return JSON.stringify({ ...attemptToJson(attempt), body_base64: BODY });
}

function file(content: string | Uint8Array, name = 'log.ndjson'): string {
  const path = join(tempFolder(), name);
  writeFileSync(path, content);
  return path;
}

const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');
const [a, b, c] = [1, 2, 3].map(line) as [string, string, string];
const LONG = 'x'.repeat(17 * 1024 ** 2);

/** A log, how many deliveries it holds, and the lines that hold none. */
const LOGS: [
  name: string,
  content: string | Uint8Array,
  good: number,
  bad: [line: number, problem: string][],
][] = [
  ['a corrupt line', `${a}\n{"kind":"attempt","id":\n${b}\n`, 2, [[2, 'not JSON']]],
  ['a corrupt first line', `%PDF-1.4\n${a}\n${b}\n`, 2, [[1, 'not JSON']]],
  [
    'a line that is no record',
    `${a}\n[]\n${b}\n{"x":1}\n`,
    2,
    [
      [2, 'not an object'],
      [4, 'no record: it has no kind'],
    ],
  ],
  [
    'a wrong value',
    `${a}\n${b.replace('"status":200', '"status":20')}\n`,
    1,
    [[2, 'status: 20 is not an HTTP status']],
  ],
  ['a very long line', `${a}\n"${LONG}"\n${b}\n`, 2, [[2, 'longer than 16 MiB']]],
  ['a very long line at its end', `${a}\n${b}\n${LONG}`, 2, [[3, 'longer than 16 MiB']]],
  ['NUL in a text', `${a}\n${b.replace('"ev_2"', '"ev\0_2"')}\n${c}\n`, 2, [[2, 'not JSON']]],
  ['a block of NUL, as a crash leaves it', `${a}\n${b}\n${'\0'.repeat(4096)}`, 2, [[3, 'not JSON']]],
  ['a torn tail', `${a}\n${b}\n${c.slice(0, 100)}`, 2, [[3, 'not JSON']]],
  ['CRLF', `${a}\r\n\r\n${b}\r\nx\r\n`, 2, [[4, 'not JSON']]],
  ['CRLF and nothing else wrong', `${a}\r\n${b}\r\n`, 2, []],
  ['no final newline', `${a}\n${b}`, 2, []],
  ['blank lines', `\n\n${a}\n \n\t\n${b}\n\n`, 2, []],
  ['a byte order mark', `\ufeff${a}\n${b}\nx\n`, 2, [[3, 'not JSON']]],
  ['UTF-16', utf16(`${a}\r\n${b}\r\nx\r\n`), 2, [[3, 'not JSON']]],
  ['UTF-16, the other way round', utf16(`${a}\n${b}\nx\n`).swap16(), 2, [[3, 'not JSON']]],
  ['lines of a stream besides', `{"type":"ready","url":"x"}\n${a}\n{"type":"summary"}\n`, 1, []],
  ['an array with a spoilt record', `[\n${a},\n{"kind":,\n${b}\n]\n`, 2, [[3, 'not JSON']]],
];

describe.each(LOGS)('E7 a log with %s', (_, content, good, bad) => {
  const path = file(content);
  const expected = bad.length > 0 ? 1 : 0;
  const expectNamed = (err: string) => {
    const named = [...err.matchAll(/^ {2}line (\d+): (.*)$/gm)].map(([, number, problem]) => [
      Number(number),
      problem,
    ]);
    expect(named).toEqual(bad);
    if (bad.length === 1) expect(err).toContain('1 line holds no record in ');
    if (bad.length > 1) expect(err).toContain(`${bad.length} lines hold no record in `);
  };

  test('is judged without those lines, and the report says so', async () => {
    const { code, out, err } = await call(newStore(), ['report', path, '--json']);
    expect(JSON.parse(out)).toMatchObject({
      totals: { attempts: good, events: good },
      kpis: { 2: { verdict: 'pass' } },
    });
    expectNamed(err);
    expect(code).toBe(expected);
  });

  test('is replayed without those lines, and the dry run says so', async () => {
    const args = ['replay', path, '--to', '9', '--dry-run', '--json'];
    const { code, out, err } = await call(newStore(), args, { env: { MO_SECRET: 'a secret' } });
    expect(JSON.parse(out)).toMatchObject({ deliveries: good, skipped: bad.length });
    expectNamed(err);
    expect(code).toBe(expected);
  });

  test('is imported without those lines, and the import says so', async () => {
    const store = newStore();
    const { code, out, err } = await call(store, ['logs', 'import', path, '--json']);
    expect(JSON.parse(out)).toEqual({ imported: good, known: 0, skipped: bad.length });
    expectNamed(err);
    expect(code).toBe(expected);
    const { out: report } = await call(store, ['report', '--json']);
    expect(JSON.parse(report)).toMatchObject({ totals: { attempts: good, events: good } });
  });
});

test('E7 of very many spoilt lines the first are named, and the rest counted', async () => {
  const path = file(`${a}\n${'\u001b[2J +919876543210\n'.repeat(5000)}${b}\n`);
  const { code, out, err } = await call(newStore(), ['logs', 'import', path]);
  expect(code).toBe(1);
  expect(out).toMatch(/^2 records imported into /);
  expect(err).toContain('5000 lines hold no record in ');
  expect(err).toContain('  line 11: not JSON\n  and 4990 more\n');
  expect(err).not.toContain('line 12:');
});

test('what a message shows of a spoilt line is harmless and masked', async () => {
  const spoilt = a.replace('"delivered"', JSON.stringify('\u009b2J\u202e\n +919876543210'));
  const { err } = await call(newStore(), ['report', file(`${spoilt}\n${b}\n`), '--json']);
  expect(err.split('\n').filter((text) => text.includes('line 1:'))).toHaveLength(1);
  expect(err).not.toMatch(/[\u0080-\u009f\u202e]/);
  expect(err).not.toContain('919876543210');
});

test('a record with a body larger than what is looked at first is known for one', async () => {
  const large = a.replace(BODY, Buffer.alloc(1024 ** 2, '{}').toString('base64'));
  const { code, out } = await call(newStore(), ['report', file(`${large}\n${b}\n`), '--json']);
  expect([code, JSON.parse(out)]).toMatchObject([0, { totals: { attempts: 2 } }]);
});

describe('a log that cannot be read', () => {
  test.each([
    ['a folder', tempFolder(), /is a folder. Name a file/],
    ['nothing', join(tempFolder(), 'none.ndjson'), /none\.ndjson cannot be read \(ENOENT\)/],
    ['a file in a file', join(file('x'), 'log'), /cannot be read \(ENOTDIR\)/],
    ['no log at all', file('\u0089PNG\r\n\u001a\n\0\0\0\rIHDR'), /no column that is known to hold event ids/],
    ['a broken archive', file('{"log":{"entries":[', 'x.har'), /is not JSON/],
  ])('such as %s ends with 2, says why, and nothing is imported', async (_, path, message) => {
    const store = newStore();
    for (const args of [
      ['logs', 'import', path],
      ['report', path],
    ]) {
      const { code, out, err } = await call(store, args);
      expect(err).toMatch(message);
      expect(err).not.toMatch(/unexpected error|\bat /);
      expect([code, out]).toEqual([2, '']);
    }
  });
});

test('a log comes through a pipe as well, though it is read twice', async () => {
  const script = `mo report <(cat '${file(`${a}\n${b}\n`)}') --json; cat '${file(`${a}\n`)}' | mo report /dev/stdin --json`;
  const { out, err } = await bash(script);
  expect(err).toBe('');
  const reports = out.trim().split('\n');
  expect(reports.map((text) => JSON.parse(text))).toMatchObject([
    { totals: { attempts: 2 } },
    { totals: { attempts: 1 } },
  ]);
});
