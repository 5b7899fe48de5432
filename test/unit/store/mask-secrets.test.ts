import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { expect, test } from 'vitest';
import { endpointName } from '../../../src/core/endpoint-identity.ts';
import type { Store } from '../../../src/core/store.ts';
import { maskSecrets } from '../../../src/store/mask-secrets.ts';
import { openStore } from '../../../src/store/open.ts';
import { DELIVERY_LOG } from '../../../src/store/schema.ts';
import { migrateBy } from '../../../src/store/sqlite-connect.ts';
import { filesWith } from '../../helpers/find-text.ts';
import { AT, collect } from '../../helpers/records.ts';

const CANARIES = ['hunter2', 'hunter3'];
const ONE = 'https://crm.example/notify?key=hunter2';
const OTHER = 'https://crm.example/notify?key=hunter3';
const HEADERS = ['X-Team', 'sales', 'Authorization', 'Bearer hunter2', 'Cookie', 'a=hunter3'];

const { applicationId, migrations } = DELIVERY_LOG;
const EARLIER = migrations.indexOf(maskSecrets);

/** A store as versions left it that kept secrets in clear, and the folder it is in. */
function earlierStore(rows: number): { folder: string; path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-masking-'));
  const path = join(folder, 'deliveries.db');
  const db = new Database(path);
  for (const step of migrations.slice(0, EARLIER)) migrateBy(db, step);
  db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${EARLIER}; BEGIN`);
  const attempt = db.prepare(
    `INSERT INTO attempts (id, event_id, endpoint, url, attempt, due_at, sent_at, status, outcome, duration_ms, final, run)
     VALUES (?, 'ev', ?, ?, 1, ${AT}, ${AT}, 200, 'delivered', 5, 1, 'run_1')`,
  );
  const receipt = db.prepare(
    `INSERT INTO receipts (id, received_at, signature, status, detail, owed, body) VALUES (?, ${AT}, 'valid', 200, ?, ?, x'7b7d')`,
  );
  const urls = [ONE, OTHER, 'https://crm.example/plain', `${ONE}&b=\ufdd0d800`];
  for (let n = 0; n < rows; n++) {
    const url = urls[n % urls.length] as string;
    attempt.run([`at_${n}`, n % 5 === 4 ? 'crm' : 'crm.example', url]);
    receipt.run([`rc_${n}`, ['[1,"MO_SECRET",5]', ...HEADERS].join('\n'), n === 1 ? 1 : null]);
  }
  receipt.run(['rc_plain', '[1,"MO_SECRET",5]\nX-Team\nsales', null]);
  const plan = { options: { to: ONE, endpoint: OTHER, limit: 3 }, pid: 1 };
  db.prepare("INSERT INTO replays VALUES ('run_1', ?, 1, 1, 'stopped')").run([JSON.stringify(plan)]);
  db.exec('COMMIT');
  db.close();
  return { folder, path };
}

async function places(store: Store): Promise<string[]> {
  return (await collect(store.attempts({}))).slice(0, 5).map(({ endpoint, url }) => `${endpoint} ${url}`);
}

test('values of URLs and credentials are masked in a store of an earlier version, and their bytes are gone', async () => {
  const { folder, path } = earlierStore(2500);
  expect(filesWith(folder, CANARIES)).toHaveLength(1);
  const store = await openStore(path);
  const masked = 'https://crm.example/notify?key=***';
  const expected = [
    `${endpointName(ONE)} ${masked}`,
    `${endpointName(OTHER)} ${masked}`,
    'crm.example https://crm.example/plain',
    `${endpointName(`${ONE}&b=\ud800`)} ${masked}&b=***`,
    `crm ${masked}`,
  ];
  expect(await places(store)).toEqual(expected);
  expect(await store.count('attempt', {})).toBe(2500);
  const receipts = await collect(store.entries('receipt', {}, { bodies: true }));
  const seen = new Set(receipts.map(({ record }) => JSON.stringify(record.headers)));
  const shown = ['X-Team', 'sales', 'Authorization', '***', 'Cookie', '***'];
  expect([...seen].sort()).toEqual([JSON.stringify(shown), JSON.stringify(shown.slice(0, 2))]);
  expect(JSON.parse((await store.replay('run_1'))?.plan ?? '')).toEqual({
    options: { to: masked, endpoint: endpointName(OTHER), limit: 3 },
    pid: 1,
  });
  // One receipt's event is still owed to an app, which needs what it came with.
  expect((await store.takeUnforwarded()).receipts.map(({ headers }) => headers)).toEqual([HEADERS]);
  await store.settleForward({ seqs: [2], forward: null, status: 200, owed: false });
  await store.close();
  expect(filesWith(folder, CANARIES)).toEqual([]);

  const again = await openStore(path);
  expect(await places(again)).toEqual(expected);
  await again.close();
});
