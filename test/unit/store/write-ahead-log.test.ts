import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'libsql';
import { expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import { AT, newReceipt } from '../../helpers/records.ts';
import { tempFolder } from '../../helpers/spawn-cli.ts';

const MIB = 1024 ** 2;
const ROWS = 25_000;

/** A store of receipts whose ids and keys are random, so that each lies somewhere else in the indexes. */
async function randomStore(): Promise<string> {
  const path = join(tempFolder(), 'deliveries.db');
  await (await openStore(path)).close();
  const db = new Database(path);
  db.exec('PRAGMA synchronous = OFF; BEGIN');
  const insert = db.prepare(
    `INSERT INTO receipts (id, event_id, received_at, signature, status, detail, body_key, body)
     VALUES ('rc', ?, ${AT}, 'valid', 200, '[1,"s",5]', ?, ?)`,
  );
  const body = Buffer.alloc(300, 'x');
  for (let i = 0; i < ROWS; i++) insert.run([randomBytes(16).toString('hex'), randomBytes(38), body]);
  db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  return path;
}

test('G9 a prune of random rows beside a receiver that goes on storing keeps the write-ahead log short', async () => {
  const path = await randomStore();
  const [receiver, pruner] = [await openStore(path), await openStore(path)];
  let longest = 0;
  let done = false;
  const pruning = pruner.prune(AT + 1, AT + 1, { dryRun: false }).finally(() => {
    done = true;
  });
  let stored = 0;
  while (!done) {
    stored += 1;
    await receiver.addReceipt(
      newReceipt({ id: `rc_${stored}`, eventId: `ev_${stored}`, receivedAt: AT + 2 }),
    );
    longest = Math.max(longest, statSync(`${path}-wal`).size);
    // A receiver has pauses, too.
    await pause(5);
  }
  expect(await pruning).toMatchObject({ receipts: ROWS });
  expect(await receiver.count('receipt', {})).toBe(stored);
  // Without checkpoints between, it had 75 MiB.
  expect(longest).toBeLessThan(52 * MIB);
  await pruner.close();
  await receiver.close();
});
