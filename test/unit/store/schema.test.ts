import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import { DELIVERY_LOG } from '../../../src/store/schema.ts';
import { migrateBy } from '../../../src/store/sqlite-connect.ts';
import { AT, collect, newReceipt, refusedReceipt } from '../../helpers/records.ts';

const { applicationId, migrations } = DELIVERY_LOG;
const EARLIER = Array.from({ length: migrations.length - 1 }, (_, i) => i + 1);

/** A store as an earlier version left it, with the receipt that `newReceipt` makes, forwarded. */
function earlierStore(version: number): string {
  const path = join(mkdtempSync(join(tmpdir(), 'mo-notify-schema-')), 'deliveries.db');
  const db = new Database(path);
  for (const step of migrations.slice(0, version)) migrateBy(db, step);
  db.exec(`PRAGMA application_id = ${applicationId}`);
  db.exec(`PRAGMA user_version = ${version}`);
  const { body } = newReceipt();
  db.prepare(
    `INSERT INTO receipts (id, event_id, event, call_id, received_at, signature, latency_ms, status, forward, detail, body)
     VALUES ('rc_1', 'ev_1', 'call_connected', 'MO1', ${AT}, 'valid', 100, 200, '[200,7,null]', '[1,"MO_SECRET",5]', ?)`,
  ).run([body]);
  db.close();
  return path;
}

test.each(EARLIER)('a store of version %d is brought up to date as it is opened', async (version) => {
  const path = earlierStore(version);
  const store = await openStore(path);
  const { body, headers, asked, timestampMs, accepted, forwarding, ...about } = newReceipt();
  const receipt = {
    ...about,
    duplicate: null,
    forward: { status: 200, durationMs: 7, error: null },
    shownAt: null,
  };
  const [found, ...others] = await collect(store.entries('receipt', {}, { bodies: true }));
  expect(others).toEqual([]);
  expect(found?.record).toEqual({ kind: 'receipt', receipt, headers: [], body });
  await store.noteShown([{ seq: found?.seq ?? 0, at: AT + 30 }]);
  expect((await store.tally({})).received.widget.buckets()).toEqual([[130, 1]]);
  expect(await store.replay('run_1')).toBeNull();
  await store.close();

  const again = await openStore(path);
  expect(await collect(again.receipts({}))).toEqual([{ ...receipt, shownAt: AT + 30 }]);
  await again.close();
});

test('G4 what an earlier version kept whole of refused deliveries goes in its turn, and is counted', async () => {
  const path = earlierStore(3);
  const db = new Database(path);
  const forged = db.prepare(
    `INSERT INTO receipts (id, event_id, received_at, signature, status, detail, body)
     VALUES (?, 'ev_1', ${AT}, 'mismatch', 400, '[1,null,5]\nX-A\nb', ?)`,
  );
  const body = Buffer.alloc(100_000, 'x');
  for (let i = 0; i < 30; i++) forged.run([`old_${i}`, body]);
  db.close();

  const store = await openStore(path, { refused: { rows: 20, bytes: 10 * body.length + 16_000 } });
  const ids = async () => (await collect(store.receipts({}))).map(({ id }) => id);
  expect(await ids()).toHaveLength(31);
  const [, whole] = await collect(store.entries('receipt', {}, { bodies: true }));
  expect([whole?.cut, whole?.record.body?.length]).toEqual([false, body.length]);
  expect((await store.tally({})).received.refused).toBe(30);
  await store.addReceipt(refusedReceipt({ id: 'rc_2' }));
  expect(await ids()).toEqual(['rc_1', ...Array.from({ length: 10 }, (_, i) => `old_${i + 20}`), 'rc_2']);
  expect((await store.tally({})).received.refused).toBe(31);
  await store.close();
});

test('G4 an earlier store with very many of them is brought within bounds bit by bit', async () => {
  const path = earlierStore(3);
  const db = new Database(path);
  db.exec(`INSERT INTO receipts (id, received_at, signature, detail)
    WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 5000)
    SELECT 'old_' || n, ${AT}, 'missing', '[1,null,5]' FROM up`);
  db.close();
  const store = await openStore(path, { refused: { rows: 100 } });
  const counts: number[] = [];
  for (let i = 0; i < 6; i++) {
    await store.addReceipt(refusedReceipt({ id: `rc_${i}` }));
    counts.push((await store.count('receipt', {})) - 1);
  }
  expect(counts).toEqual([4001, 3002, 2003, 1004, 100, 100]);
  expect((await store.tally({})).received.refused).toBe(5006);
  await store.close();
});

test('G20 what an earlier version left unforwarded is handed out at once', async () => {
  const path = earlierStore(3);
  const db = new Database(path);
  db.exec('UPDATE receipts SET owed = 1, forward = NULL, detail = \'[1,"MO_SECRET",5]\nX-A\nb\'');
  db.close();
  const store = await openStore(path);
  expect((await store.takeUnforwarded()).receipts).toEqual([
    { seq: 1, status: 200, headers: ['X-A', 'b'], asked: '', body: newReceipt().body },
  ]);
  expect((await store.takeUnforwarded()).receipts).toEqual([]);
  await store.close();
});
