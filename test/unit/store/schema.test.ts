import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import { DELIVERY_LOG } from '../../../src/store/schema.ts';
import { migrateBy } from '../../../src/store/sqlite-connect.ts';
import { AT, collect, newReceipt } from '../../helpers/records.ts';

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
