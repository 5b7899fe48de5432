import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { AT, newAttempt, newReceipt } from '../helpers/records.ts';
import { bash, tempFolder } from '../helpers/spawn-cli.ts';
import { testIo } from '../helpers/test-io.ts';
import { call, fill, newStore, variedStore } from '../helpers/varied-log.ts';

const CALLER = '+919812345678';
const MASKED = '+91******5678';
const FORMATS = ['ndjson', 'json', 'csv'] as const;
type Row = Record<string, string>;

const exported = async (store: string, ...args: string[]) =>
  (await call(store, ['logs', 'export', ...args])).out;

async function csvRows(store: string, ...args: string[]): Promise<Row[]> {
  return parse(await exported(store, '--format', 'csv', ...args), { columns: true });
}

describe('F4 a cell of a CSV export', () => {
  test.each([
    ['=HYPERLINK("http://evil","x")', `'=HYPERLINK("http://evil","x")`],
    ['@SUM(A1:A9)', `'@SUM(A1:A9)`],
    ['-1+1', `'-1+1`],
    ['+1+cmd|x', `'+1+cmd|x`],
    ['\t=1', `'\t=1`],
    ['\r=1', `'\r=1`],
    [`'=1`, `''=1`],
    ['+919876543210', '+919876543210'],
    ['-12.5', '-12.5'],
    [`'quoted`, `'quoted`],
    ['a "quoted", cell', 'a "quoted", cell'],
    ['two\r\nlines', 'two\r\nlines'],
    [' spaces ', ' spaces '],
    ['', ''],
    ['\u001b[2J\u009b', '\\u001b[2J\\u009b'],
    ['half \ud83d', 'half \\ud83d'],
    ['\\u001b', '\\u005cu001b'],
    ['कॉल 📞 \u200d', 'कॉल 📞 \u200d'],
  ])('with %j is %j, and becomes that again', async (text, cell) => {
    const fields = { eventId: text, event: text, callId: text };
    const store = await fill(newStore(), async (open) => {
      const replayOf = text;
      await open.addAttempt(
        newAttempt({ ...fields, endpoint: text, url: text, run: text, replayOf, error: text }),
        null,
      );
      await open.addReceipt(
        newReceipt({ ...fields, secret: text, flags: text === '' ? [] : [text.replaceAll(' ', '_')] }),
      );
    });
    const [attempt, receipt] = await csvRows(store, '--show-numbers');
    for (const key of ['event_id', 'event', 'call_id', 'endpoint', 'url', 'run', 'replay_of', 'error'])
      expect(attempt?.[key], key).toBe(cell);
    for (const key of ['event_id', 'event', 'call_id', 'secret']) expect(receipt?.[key], key).toBe(cell);
    const copy = newStore();
    const csv = await exported(store, '--format', 'csv', '--with-bodies', '--show-numbers');
    expect((await call(copy, ['logs', 'import', '-'], { stdin: csv })).code).toBe(0);
    const whole = ['--with-bodies', '--show-numbers'];
    expect(await exported(copy, ...whole)).toBe(await exported(store, ...whole));
  });

  test('begins with nothing that a spreadsheet would run, in a log of every kind of record', async () => {
    for (const row of await csvRows(await variedStore(), '--with-bodies', '--show-numbers'))
      for (const [key, cell] of Object.entries(row))
        expect(cell, key).not.toMatch(/^(?![+-]?[\d.]+$)[=+\-@\t\r]|(?![\t\r\n])\p{Cc}/u);
  });
});

describe('logs export', () => {
  let store: string;
  beforeAll(async () => {
    const body = `{"event":"call_missed","caller_number":"${CALLER}","note":"ring ${CALLER} back"}`;
    const url = 'https://crm.example.com/notify';
    store = await fill(newStore(), async (open) => {
      const error = `reset by ${CALLER}`;
      await open.addAttempt(newAttempt({ url, error, status: null, outcome: 'reset' }), Buffer.from(body));
      const about = { receivedAt: AT + 1000, forwarding: true, headers: ['X-Caller', CALLER] };
      const { seq } = await open.addReceipt(newReceipt({ ...about, body }));
      const forward = { status: null, durationMs: 1, error: `refused for ${CALLER}` };
      await open.settleForward({ seqs: [seq], forward, status: 502, owed: false });
    });
  });

  test.each(FORMATS)(
    'as %s masks callers’ numbers in texts, headers and bodies, unless --show-numbers',
    async (format) => {
      const read = async (...flags: string[]) => {
        const text = await exported(store, '--format', format, '--with-bodies', ...flags);
        const bodies = [...text.matchAll(/[A-Za-z0-9+/]{80,}=*/g)].map(([found]) =>
          Buffer.from(found, 'base64').toString(),
        );
        expect(bodies).toHaveLength(2);
        return [text, ...bodies];
      };
      for (const text of await read()) {
        expect(text).not.toContain(CALLER);
        expect(text).toContain(MASKED);
      }
      for (const text of await read('--show-numbers')) {
        expect(text).toContain(CALLER);
        expect(text).not.toContain(MASKED);
      }
    },
  );

  test('says that masked bodies cannot be replayed, and neither they nor their import can', async () => {
    const { out, err } = await call(store, ['logs', 'export', '--with-bodies']);
    expect(err).toBe(
      '2 records.\nNumbers are masked, so these bodies cannot be replayed; with --show-numbers they can.\n',
    );
    const copy = newStore();
    await call(copy, ['logs', 'import', '-'], { stdin: out });
    expect(await exported(copy, '--with-bodies', '--show-numbers')).not.toContain('body_base64');
    expect((await call(copy, ['report', '--json'])).out).toBe((await call(store, ['report', '--json'])).out);
  });

  test('as ndjson has a record a line, as json an array of the same, as csv a row for each', async () => {
    const lines = (await exported(store))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Row);
    expect(lines.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['attempt at_1', 'receipt rc_1']);
    expect(JSON.parse(await exported(store, '--format', 'json'))).toEqual(lines);
    const rows = await csvRows(store);
    expect(rows).toMatchObject([
      { kind: 'attempt', id: 'at_1', status: '', final: 'true', duration_ms: '12.5', received_at: '' },
      { kind: 'receipt', id: 'rc_1', status: '502', received_at: lines[1]?.received_at, sent_at: '' },
    ]);
    expect(JSON.parse(rows[1]?.forward as string)).toEqual(lines[1]?.forward);
    expect(rows.every((row) => row.body_base64 === '' && row.headers === '')).toBe(true);
  });

  test('of nothing is whole too', async () => {
    const empty = await fill(newStore(), async () => {});
    expect(await exported(empty)).toBe('');
    expect(JSON.parse(await exported(empty, '--format', 'json'))).toEqual([]);
    expect(await csvRows(empty)).toEqual([]);
    for (const format of FORMATS) {
      const text = await exported(empty, '--format', format);
      expect((await call(newStore(), ['logs', 'import', '-', '--json'], { stdin: text })).out).toBe(
        '{"imported":0,"known":0,"skipped":0}\n',
      );
    }
  });

  test.each([
    [['--kind', 'receipt'], ['rc_1']],
    [['--until', '2026-01-31T12:00:01Z'], ['at_1']],
    [['--endpoint', 'crm'], ['at_1']],
    [['--status', '502'], ['rc_1']],
    [['--event', 'missed'], []],
  ])('with %j has only what matches', async (flags, ids) => {
    const out = await exported(store, ...flags);
    expect([...out.matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id)).toEqual(ids);
  });

  test('-o writes the same to a file for its owner alone, and says how much', async () => {
    for (const format of FORMATS) {
      const path = join(tempFolder(), `log.${format}`);
      const { code, out, err } = await call(store, ['logs', 'export', '--format', format, '-o', path]);
      expect([code, out, err]).toEqual([0, '', `2 records in ${path}.\n`]);
      expect(readFileSync(path, 'utf8')).toBe(await exported(store, '--format', format));
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
  });

  test('-o over a longer file leaves nothing of that', async () => {
    const path = join(tempFolder(), 'log.ndjson');
    writeFileSync(path, 'x'.repeat(100_000));
    chmodSync(path, 0o600);
    await call(store, ['logs', 'export', '-o', path]);
    expect(readFileSync(path, 'utf8')).toBe(await exported(store));
  });

  test.each([
    ['/nowhere/log.ndjson', 'ENOENT'],
    ['/dev/full', 'ENOSPC'],
    [tempFolder(), 'EISDIR'],
  ])('-o %s ends with 3 and says why', async (path, reason) => {
    const { code, out, err } = await call(store, ['logs', 'export', '-o', path]);
    expect([code, out]).toEqual([3, '']);
    expect(err).toContain(`--output: ${path} cannot be written (${reason}).`);
  });

  test('that is interrupted ends with 130 and leaves whole JSON', async () => {
    const io = testIo();
    io.interrupt();
    expect(await run(['logs', 'export', '--format', 'json', '--store', store], io)).toBe(130);
    expect(JSON.parse(io.out())).toEqual([]);
  });

  test('into `head` ends quietly, into a full disk does not', async () => {
    const many = await fill(newStore(), (open) =>
      Promise.all(
        Array.from({ length: 5000 }, (_, i) => open.addAttempt(newAttempt({ id: `at_${i}` }), null)),
      ),
    );
    const { out, err } = await bash(
      `set -o pipefail; mo logs export -q --store ${many} | head -1; echo "code $?"
       mo logs export -q --store ${many} > /dev/full; echo "code $?"`,
    );
    expect(out.trimEnd().split('\n').slice(1)).toEqual(['code 0', 'code 3']);
    expect(err).toMatch(/^mo-notify: Standard output cannot be written: .*\n$/);
  });
});
