import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { attemptToJson } from '../../src/core/record.ts';
import { exportLog } from '../../src/logs/export-log.ts';
import { filesWith } from '../helpers/find-text.ts';
import { collect, newAttempt } from '../helpers/records.ts';
import { tempFolder } from '../helpers/spawn-cli.ts';
import { call } from '../helpers/varied-log.ts';

const URL_WITH = 'https://someone:hunter2@crm.example.com/notify';
const URL_KEPT = 'https://***@crm.example.com/notify';
const CREDENTIALS = ['hunter2', 'someone'];

// A second record has an escape in it, so that it is read in another way than the first.
const OWN = ['plain', 'with a\nbreak'].map((error, i) =>
  newAttempt({ id: `at_${i}`, eventId: `ev_${i}`, endpoint: URL_WITH, url: URL_WITH, error }),
);

async function own(format: 'ndjson' | 'json' | 'csv'): Promise<string> {
  async function* records() {
    for (const attempt of OWN) yield { kind: 'attempt' as const, attempt, headers: null, body: null };
  }
  return (await collect(exportLog(records(), format, { bodies: true, masked: false }))).join('');
}

const entry = (id: string) => ({
  startedDateTime: '2026-01-31T12:00:00Z',
  request: {
    method: 'POST',
    url: URL_WITH,
    headers: [{ name: 'X-MO-Event-Id', value: id }],
    postData: { text: '{}' },
  },
  response: { status: 200 },
});

test.each([
  ['our NDJSON', () => own('ndjson')],
  ['our JSON', () => own('json')],
  ['our CSV', () => own('csv')],
  ['one JSON record', () => JSON.stringify(attemptToJson(OWN[0] as (typeof OWN)[0]), null, 2)],
  ['CSV', () => `event_id,code,url\nev_0,200,${URL_WITH}\nev_1,500,${URL_WITH}\n`],
  ['CSV with a URL for a name', () => `event_id,code,endpoint\nev_0,200,${URL_WITH}\nev_1,500,x\n`],
  ['HAR', () => JSON.stringify({ log: { entries: [entry('ev_0'), entry('ev_1')] } })],
])('D13 a user and password in a URL of %s are neither kept nor shown', async (_, content) => {
  const cwd = tempFolder();
  const file = join(tempFolder(), 'log');
  writeFileSync(file, await content());
  const store = `sqlite:${join(cwd, 'log.db')}`;
  const ofFile = await call(store, ['report', file, '--json'], { cwd });
  const shown = [ofFile.out, ofFile.err];
  for (const args of [
    ['logs', 'import', file],
    ['report', '--json'],
    ['report'],
    ['report', file],
    ['logs', 'list', '--json'],
    ['logs', 'list'],
    ['logs', 'show', 'ev_0'],
    ['logs', 'show', 'ev_0', '--json'],
    ['logs', 'export', '--with-bodies', '--show-numbers'],
    ['logs', 'export', '--format', 'csv'],
    ['replay', file, '--to', '9', '--dry-run'],
    ['support-bundle', '--yes'],
  ]) {
    const { out, err } = await call(store, args, { cwd });
    shown.push(out, err);
    if (args.join(' ') === 'report --json') expect(out).toBe(ofFile.out);
  }
  for (const text of shown) for (const secret of CREDENTIALS) expect(text).not.toContain(secret);
  expect(shown.join('')).toContain(URL_KEPT);
  expect(filesWith(cwd, CREDENTIALS)).toEqual([]);
});

test('an endpoint is chosen by its URL as it is shown, in a file as in the store', async () => {
  const cwd = tempFolder();
  const file = join(tempFolder(), 'log.ndjson');
  writeFileSync(file, await own('ndjson'));
  const store = `sqlite:${join(cwd, 'log.db')}`;
  await call(store, ['logs', 'import', file], { cwd });
  for (const source of [[], [file]]) {
    const { out } = await call(store, ['report', ...source, '--json', '--endpoint', URL_KEPT], { cwd });
    expect(JSON.parse(out), source.join()).toMatchObject({ totals: { attempts: 2 } });
  }
});
