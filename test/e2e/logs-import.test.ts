import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { attemptToJson } from '../../src/core/record.ts';
import { openStore } from '../../src/store/open.ts';
import { cannotMount, mountTmpfs } from '../helpers/mount.ts';
import { AT, newAttempt, newReceipt } from '../helpers/records.ts';
import { spawnCli, tempFolder } from '../helpers/spawn-cli.ts';
import { testIo } from '../helpers/test-io.ts';
import { call, fill, newStore } from '../helpers/varied-log.ts';

const BODY = '{"event":"call_missed","call_id":"MO7","timestamp":"2026-01-31T12:00:00Z"}';

function file(content: string, name = 'log'): string {
  const path = join(tempFolder(), name);
  writeFileSync(path, content);
  return path;
}

async function imported(store: string, path: string, ...flags: string[]) {
  const { code, out, err } = await call(store, ['logs', 'import', path, '--json', ...flags]);
  return { code, err, ...(out === '' ? {} : (JSON.parse(out) as object)) };
}

const all = (count: number) => ({ code: 0, err: '', imported: count, known: 0, skipped: 0 });

async function totals(args: string[]) {
  return (JSON.parse((await call(newStore(), ['report', '--json', ...args])).out) as { totals: object })
    .totals;
}

const har = (...ids: string[]) =>
  JSON.stringify({
    log: {
      entries: ids.map((id) => ({
        startedDateTime: '2026-01-31T12:00:00Z',
        time: 12,
        request: {
          method: 'POST',
          url: 'https://crm.example.com/notify',
          headers: [{ name: 'X-MO-Event-Id', value: id }],
          postData: { text: BODY },
        },
        response: { status: 200 },
      })),
    },
  });
const http = (id: string) => `POST /hook HTTP/1.1\r\nX-MO-Event-Id: ${id}\r\n\r\n${BODY}`;

/** Logs of other tools: one of two deliveries, then one of two others. */
const FOREIGN: [format: string, one: string, other: string, flags: string[], count: number][] = [
  [
    'CSV',
    'event_id,response_code\nev_1,200\nev_2,503\n',
    'event_id,response_code\nev_3,200\nev_4,503\n',
    [],
    2,
  ],
  ['CSV that counts attempts', 'id,tries,code\nev_1,2,200\n', 'id,tries,code\nev_2,2,200\n', [], 2],
  [
    'CSV with --map',
    'What,How\nev_1,200\nev_2,-\n',
    'What,How\nev_3,200\nev_4,-\n',
    ['--map', 'What=event_id', '--map', 'How=status'],
    2,
  ],
  ['HAR', har('ev_1', 'ev_2'), har('ev_3', 'ev_4'), [], 2],
  ['a saved request', http('ev_1'), http('ev_2'), [], 1],
];

describe.each(FOREIGN)('a log of another tool: %s', (_, one, other, flags, count) => {
  test('is imported once however often, and the next one beside it', async () => {
    const store = newStore();
    expect(await imported(store, file(one), ...flags)).toEqual(all(count));
    expect(await imported(store, file(one, 'a copy'), ...flags)).toMatchObject({
      code: 0,
      imported: 0,
      known: count,
    });
    expect(await imported(store, file(other), ...flags)).toEqual(all(count));
    const { out } = await call(store, ['logs', 'list', '--json']);
    expect(out.trimEnd().split('\n')).toHaveLength(2 * count);
  });

  test('is judged alike in the file and in the store', async () => {
    const store = newStore();
    const path = file(one);
    await imported(store, path, ...flags);
    const judged = await call(newStore(), ['report', path, '--json', ...flags]);
    expect(await call(store, ['report', '--json'])).toEqual(judged);
    expect(JSON.stringify(await totals([path, ...flags]))).toMatch(/"(?:attempts|receipts)":[12]/);
  });
});

describe('logs import', () => {
  test('says how much came in, and where', async () => {
    const store = newStore();
    const path = file(FOREIGN[0]?.[1] as string);
    const first = await call(store, ['logs', 'import', path]);
    expect(first).toEqual({
      code: 0,
      out: `2 records imported into ${store.slice('sqlite:'.length)}\n`,
      err: '',
    });
    const { out } = await call(store, ['logs', 'import', path]);
    expect(out).toMatch(/^0 records imported into .*, 2 were there already\n$/);
  });

  test.each([
    [['--map', 'How'], `--map: 'How' is not COLUMN=FIELD`],
    [['--map', 'How=sttus'], `'sttus' is not a field. Did you mean 'status'?`],
    [['--map', 'Hw=status'], `has no column 'Hw'. It has: What, How.`],
    [[], 'has no column that is known to hold event ids. It has: What, How.'],
    [['--from', 'cvs'], `Did you mean 'csv'?`],
    [['--from', 'har'], 'is not JSON'],
    [['--from', 'http'], 'is neither a saved HTTP request'],
  ])('of a CSV file with %j ends with 2 and says what is allowed', async (flags, message) => {
    const store = newStore();
    const { code, err } = await imported(store, file('What,How\nev_1,200\n'), ...flags);
    expect(err).toContain(message);
    expect(code).toBe(2);
    expect((await call(store, ['logs', 'list'])).out).toBe('');
  });

  test('--from has a file read as what it does not look like', async () => {
    const path = file(`{"event_id",status}\n`);
    expect((await imported(newStore(), path)).code).not.toBe(0);
    const map = ['--map', '{"event_id"=event_id', '--map', 'status}=status'];
    expect((await imported(newStore(), path, '--from', 'csv', ...map)).code).toBe(0);
  });

  test('of what listen and send-test print takes their records and passes over the rest', async () => {
    const stream = [
      { type: 'ready', url: 'http://127.0.0.1:4800/' },
      attemptToJson(newAttempt()),
      { type: 'summary', sent: 1 },
    ];
    const path = file(stream.map((line) => JSON.stringify(line)).join('\n'));
    expect(await imported(newStore(), path)).toEqual(all(1));
  });

  test('keeps records apart whose ids differ in half a surrogate pair only', async () => {
    const lines = ['\ud800', '\ud801', '\ufffd'].map((id) =>
      JSON.stringify(attemptToJson(newAttempt({ id }))),
    );
    expect(await imported(newStore(), file(lines.join('\n')))).toEqual(all(3));
  });

  test('that is interrupted ends with 130 and says how far it came', async () => {
    const io = testIo();
    io.interrupt();
    const path = file(JSON.stringify(attemptToJson(newAttempt())));
    expect(await run(['logs', 'import', path, '--json', '--store', newStore()], io)).toBe(130);
    expect(io.out()).toBe('{"imported":0,"known":0,"skipped":0}\n');
  });
});

describe('what was imported is known when it is delivered again', () => {
  const first = newReceipt({ body: BODY, timestampMs: AT, headers: ['X-MO-Event-Id', 'ev_1'] });

  /** A store that the export of another was imported into. */
  async function moved(flags: string[] = []): Promise<string> {
    const source = await fill(newStore(), (open) => open.addReceipt(first));
    const { out } = await call(source, ['logs', 'export', '--with-bodies', '--show-numbers', ...flags]);
    const store = newStore();
    expect((await call(store, ['logs', 'import', '-'], { stdin: out })).code).toBe(0);
    return store;
  }

  async function verdict(location: string, about: Parameters<typeof newReceipt>[0]) {
    const store = await openStore(location);
    const { duplicate } = await store.addReceipt({
      ...first,
      ...newReceipt({ timestampMs: AT, ...about }),
      id: 'rc_2',
    });
    await store.close();
    return duplicate;
  }

  test.each([
    ['the same as a duplicate', { body: BODY }, 'duplicate'],
    ['another body under its id as a conflict', { body: 'other', timestampMs: null }, 'conflict'],
    ['its body under another id as a suspected replay', { body: BODY, eventId: 'ev_2' }, 'suspected_replay'],
    ['another delivery as new', { body: 'other', eventId: 'ev_2' }, null],
  ])('%s', async (_, about, expected) => {
    expect(await verdict(await moved(), about)).toBe(expected);
    expect(await verdict(await moved(['--format', 'csv']), about)).toBe(expected);
  });

  test('and what is there already goes on standing for the delivery', async () => {
    const store = await fill(newStore(), (open) => open.addReceipt({ ...first, id: 'rc_own' }));
    const { out } = await call(await moved(), ['logs', 'export', '--with-bodies', '--show-numbers']);
    expect((await call(store, ['logs', 'import', '-'], { stdin: out })).code).toBe(0);
    expect((await call(store, ['logs', 'list', '--json'])).out.match(/"id":"rc_\w+"/g)).toHaveLength(2);
    expect(await verdict(store, { body: BODY })).toBe('duplicate');
  });
});

test.skipIf(cannotMount)(
  `E3 an import onto a disk that fills up ends with 3, and once there is room the same file adds the rest${cannotMount ? ` (${cannotMount})` : ''}`,
  async () => {
    const { folder } = mountTmpfs('6m');
    const body_base64 = Buffer.alloc(65_536, BODY).toString('base64');
    // Read in many pieces: writes fail while the next of them is being waited for.
    const lines = Array.from({ length: 150 }, (_, i) =>
      JSON.stringify({ ...attemptToJson(newAttempt({ id: `at_${i}`, eventId: `ev_${i}` })), body_base64 }),
    );
    const path = file(lines.join('\n'));
    const store = join(folder, 'log.db');
    const { code, err } = await spawnCli(['logs', 'import', path, '--store', store]);
    expect(err).toBe(`mo-notify: The disk that holds the store ${store} is full. Free some space.\n`);
    expect(code).toBe(3);
    execFileSync('mount', ['-o', 'remount,size=64m', folder]);
    const { out } = await call(store, ['logs', 'import', path, '--json']);
    const { imported: rest, known } = JSON.parse(out) as { imported: number; known: number };
    expect([rest + known, known > 0, rest > 0]).toEqual([150, true, true]);
    expect((await call(store, ['report', '--json'])).out).toContain('"events":150,"attempts":150');
  },
);
