// A million attempts to be judged: as a store, and as an export with a line of about 360 bytes each.
import { execFileSync } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const PLACES = [
  ['crm', 'https://crm.example.com/notify'],
  ['billing', 'https://billing.example.com/hook'],
  ['dash', 'http://127.0.0.1:3000/'],
];
const TYPES = ['call_initiated', 'call_connected', 'call_disconnected', 'call_missed'];
const STATUSES = [200, 200, 200, 200, 200, 200, 200, 503, 500, null];
const START = Date.parse('2026-01-31T12:00:00Z');
const COLUMNS =
  'id, event_id, event, call_id, endpoint, url, attempt, due_at, sent_at, status, outcome, duration_ms, final, run, replay_of, error';

function row(i) {
  const [endpoint, url] = PLACES[i % 3];
  const status = STATUSES[(i * 7) % 10];
  const at = START + i * 37;
  return {
    kind: 'attempt',
    id: `at_${String(i).padStart(16, '0')}`,
    event_id: `ev_${String(i).padStart(16, '0')}`,
    event: TYPES[i % 4],
    call_id: `MO${100_000_000 + (i >> 2)}`,
    endpoint,
    url,
    attempt: 1,
    due_at: at,
    sent_at: at + 3,
    status,
    outcome: status === 200 ? 'delivered' : status === null ? 'timeout' : 'rejected',
    duration_ms: ((i * 7919) % 50_000) / 10,
    final: true,
    run: 'run_1',
    replay_of: null,
    error: status === 200 ? null : `answered ${status}`,
  };
}

/** Makes a store the way mo-notify does, and fills it by SQL, which is faster than sending. */
export function writeStore(path, count) {
  const bin = join(import.meta.dirname, '../bin/mo-notify.js');
  const empty = ['logs', 'import', '-', '--from', 'ndjson', '--quiet', '--store', `sqlite:${path}`];
  execFileSync(process.execPath, [bin, ...empty], { input: '' });
  const Database = createRequire(import.meta.url)('libsql');
  const db = new Database(path);
  const marks = COLUMNS.replaceAll(/\w+/g, '?');
  const insert = db.prepare(`INSERT INTO attempts (${COLUMNS}) VALUES (${marks})`);
  for (let from = 0; from < count; from += 20_000) {
    db.exec('BEGIN');
    for (let i = from; i < Math.min(count, from + 20_000); i++) {
      const { kind, final, ...values } = row(i);
      insert.run(COLUMNS.split(', ').map((name) => (name === 'final' ? Number(final) : values[name])));
    }
    db.exec('COMMIT');
  }
  db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
  db.close();
}

export async function writeExport(path, count) {
  writeFileSync(path, '');
  const file = createWriteStream(path);
  let bytes = 0;
  for (let from = 0; from < count; from += 2000) {
    let text = '';
    for (let i = from; i < Math.min(count, from + 2000); i++) {
      const { due_at, sent_at, ...rest } = row(i);
      const times = { due_at: new Date(due_at).toISOString(), sent_at: new Date(sent_at).toISOString() };
      text += `${JSON.stringify({ ...ORDER, ...rest, ...times })}\n`;
    }
    bytes += text.length;
    if (!file.write(text)) await new Promise((resolve) => file.once('drain', resolve));
  }
  await new Promise((resolve) => file.end(resolve));
  return bytes / count;
}

/** Has the keys come out in the order of a real export. */
const ORDER = Object.fromEntries(['kind', ...COLUMNS.split(', ')].map((key) => [key, null]));
