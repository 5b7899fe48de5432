import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import { delivery, eventBody } from '../../helpers/delivery.ts';
import { PATIENCE_MS } from '../../helpers/patience.ts';
import { testReceiver } from '../../helpers/test-receiver.ts';

test('C8 while the disk is slow the queue fills up, then 503 with Retry-After; what was acknowledged is stored', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'mo-notify-test-')), 'deliveries.db');
  const receiver = await testReceiver({
    store: await openStore(path, { limits: { patienceMs: PATIENCE_MS } }),
  });
  const holder = new Database(path);
  holder.exec('BEGIN IMMEDIATE');
  const count = 11_000;
  const answers: Promise<{ status: number; headers: readonly string[] }>[] = [];
  for (let i = 0; i < count; i++) {
    answers.push(receiver.send(delivery({ id: `ev_${i}`, body: eventBody({ call_id: `MO${i}` }) })));
  }
  const refused = await Promise.race(answers);
  expect(refused).toMatchObject({ status: 503, headers: ['Retry-After', '1'] });
  holder.exec('ROLLBACK');
  holder.close();
  const settled = await Promise.all(answers);
  const count503 = settled.filter(({ status }) => status === 503).length;
  const acknowledged = settled.filter(({ status }) => status === 200).length;
  expect(count503).toBeGreaterThan(0);
  expect(acknowledged).toBe(count - count503);
  expect(acknowledged).toBeGreaterThanOrEqual(10_000);
  expect((await receiver.store.tally({})).received.events).toBe(acknowledged);
  expect((await receiver.send(delivery({ id: 'ev_after' }))).status).toBe(200);
  await receiver.store.close();
});
