import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { tempFolder } from '../helpers/spawn-cli.ts';
import { ATTEMPTS, call, newStore, ODD_TEXTS, variedStore } from '../helpers/varied-log.ts';

const FORMATS = ['ndjson', 'json', 'csv'] as const;
const FULL = ['--with-bodies', '--show-numbers'];
let store: string;
const file = {} as Record<(typeof FORMATS)[number], string>;

beforeAll(async () => {
  store = await variedStore();
  for (const format of FORMATS) {
    file[format] = join(tempFolder(), `log.${format}`);
    const { code } = await call(store, ['logs', 'export', '--format', format, ...FULL, '-o', file[format]]);
    expect(code).toBe(0);
  }
});

async function reported(location: string, args: string[] = []) {
  const { code, out, err } = await call(location, ['report', '--json', ...args]);
  expect(err).not.toContain('mo-notify:');
  return { code, out };
}

async function exported(location: string, args: string[] = FULL): Promise<string> {
  return (await call(location, ['logs', 'export', ...args])).out;
}

test('the store holds records of every kind, or the rest shows nothing', async () => {
  const rows = (await exported(store)).trim().split('\n');
  const records = rows.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(records.length).toBeGreaterThan(ATTEMPTS.length + ODD_TEXTS.length);
  const of = (key: string) => new Set(records.map((record) => record[key]));
  expect([...of('duplicate')]).toEqual(
    expect.arrayContaining([null, 'duplicate', 'conflict', 'suspected_replay']),
  );
  expect([...of('signature')]).toEqual(expect.arrayContaining(['valid', 'mismatch', 'missing', 'unchecked']));
  expect(records.filter(({ forward }) => forward !== null && forward !== undefined)).toHaveLength(3);
  expect(records.filter(({ flags }) => (flags as string[] | undefined)?.includes('redelivery'))).toHaveLength(
    1,
  );
  for (const key of ['replay_of', 'fault', 'error', 'headers', 'body_base64', 'shown_at'])
    expect(records.filter((record) => (record[key] ?? null) !== null).length, key).toBeGreaterThan(0);
  expect((await reported(store)).out).toMatch(/"duplicates":1,"refused":2.*clock skew.*1 conflicts/);
});

describe.each(FORMATS)('what is exported as %s', (format) => {
  test('is judged as the store is, byte for byte', async () => {
    expect(await reported(newStore(), [file[format]])).toEqual(await reported(store));
  });

  test('is imported whole, and once however often it is imported', async () => {
    const copy = newStore();
    const first = await call(copy, ['logs', 'import', file[format], '--json']);
    const count = (await exported(store)).split('\n').length - 1;
    expect(first).toEqual({
      code: 0,
      out: `${JSON.stringify({ imported: count, known: 0, skipped: 0 })}\n`,
      err: '',
    });
    expect(await exported(copy)).toBe(await exported(store));
    expect(await reported(copy)).toEqual(await reported(store));

    const second = await call(copy, ['logs', 'import', file[format]]);
    expect(second.out).toContain(`0 records imported into `);
    expect(second.out).toContain(`${count} were there already`);
    expect(await exported(copy)).toBe(await exported(store));
  });

  test('is imported from standard input too', async () => {
    const copy = newStore();
    const { out: text } = await call(store, ['logs', 'export', '--format', format, ...FULL]);
    expect((await call(copy, ['logs', 'import', '-'], { stdin: text })).code).toBe(0);
    expect(await exported(copy)).toBe(await exported(store));
  });

  test('is what the import adds where some of it is there already', async () => {
    const half = newStore();
    const some = join(tempFolder(), 'some.ndjson');
    writeFileSync(some, (await exported(store)).split('\n').slice(10, 30).join('\n'));
    await call(half, ['logs', 'import', some]);
    const { out } = await call(half, ['logs', 'import', file[format], '--json']);
    expect(JSON.parse(out)).toMatchObject({ known: 20, skipped: 0 });
    expect(await reported(half)).toEqual(await reported(store));
  });
});

describe('a report of a part of the store is the report of a file that holds that part', () => {
  test.each([
    ['--since', ['--since', '2026-01-31T12:00:10Z']],
    ['--since a while ago', ['--since', '3585s']],
    ['--until', ['--until', '2026-01-31T12:00:12Z']],
    ['--since and --until', ['--since', '2026-01-31T12:00:03Z', '--until', '2026-01-31T12:00:20.500Z']],
    ['--endpoint by name', ['--endpoint', 'crm']],
    ['--endpoint by URL', ['--endpoint', 'http://127.0.0.1:3000/in?a=1&b="2"']],
    ['--endpoint of an odd name', ['--endpoint', 'half \ud83d of a pair']],
    ['--event', ['--event', 'call_missed']],
    ['--run', ['--run', 'run_2']],
    ['--run of an odd name', ['--run', 'a\0b']],
    ['all of them', ['--since', '1h', '--endpoint', 'erp', '--event', 'missed', '--run', 'run_1']],
    ['what matches nothing', ['--run', 'run_9']],
  ])('%s', async (_, filter) => {
    const part = join(tempFolder(), 'part.ndjson');
    await call(store, ['logs', 'export', ...FULL, ...filter, '-o', part]);
    const whole = await reported(store, filter);
    // The filter is in the window, so it is given here as well; the file's other reading shows it did the choosing.
    expect(await reported(newStore(), [part, ...filter])).toEqual(whole);
    const totals = (text: string) => JSON.parse(text) as { totals: object; kpis: object; endpoints: object };
    const { totals: counts, kpis, endpoints } = totals((await reported(newStore(), [part])).out);
    expect(totals(whole.out)).toMatchObject({ totals: counts, kpis, endpoints });
    for (const format of FORMATS)
      expect(await reported(newStore(), [file[format], ...filter]), format).toEqual(whole);
  });
});
