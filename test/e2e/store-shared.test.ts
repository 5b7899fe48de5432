import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { attemptToJson, receiptToJson } from '../../src/core/record.ts';
import { openStore } from '../../src/store/open.ts';
import { SECRET } from '../helpers/delivery.ts';
import { collect, newAttempt, newReceipt } from '../helpers/records.ts';
import { BIN, spawnCli, start, tempFolder } from '../helpers/spawn-cli.ts';

const EACH = 150;

test('E6 two receivers, two senders and reports in processes of their own share one store without a loss', async () => {
  const cwd = tempFolder();
  const path = join(cwd, 'deliveries.db');
  const options = { cwd, env: { MO_SECRET: SECRET } };
  const cli = (...args: string[]) => spawnCli([...args, '--store', path, '--json', '--quiet'], options);
  // Both make the store at once.
  const listens = [1, 2].map(() =>
    start(process.execPath, [BIN, 'listen', '--port', '0', '--store', path, '--json'], options),
  );
  onTestFinished(() => {
    for (const { child } of listens) child.kill('SIGKILL');
  });
  const ports = await Promise.all(
    listens.map(async (listen) => (await listen.waitFor(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/))[1] as string),
  );
  const [sent, reports] = await Promise.all([
    Promise.all(ports.map((port) => cli('send-test', port, '-n', String(EACH), '--retries', '0'))),
    Promise.all([1, 2, 3].map(() => cli('report'))),
  ]);
  for (const { code, err, out } of sent) {
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out.trim().split('\n').at(-1) as string)).toMatchObject({ delivered: EACH, failed: 0 });
  }
  for (const { code, err } of reports) expect([code, err]).toEqual([0, '']);
  for (const { child } of listens) child.kill('SIGINT');
  for (const { code, err } of await Promise.all(listens.map(({ ended }) => ended)))
    expect([code, err]).toEqual([130, '']);

  const store = await openStore(path);
  const ids = (records: { eventId: string | null }[]) => new Set(records.map(({ eventId }) => eventId));
  const attempts = await collect(store.attempts({}));
  const receipts = await collect(store.receipts({}));
  await store.close();
  expect([attempts.length, receipts.length, ids(receipts).size]).toEqual([2 * EACH, 2 * EACH, 2 * EACH]);
  expect(ids(receipts)).toEqual(ids(attempts));
});

test('E6 imports in processes of their own share one store with a receiver, and skip what is known', async () => {
  const path = join(tempFolder(), 'deliveries.db');
  const store = await openStore(path);
  const file = (from: number) => {
    const lines = Array.from({ length: 2000 }, (_, i) => {
      const [id, eventId] = [`id_${from + i}`, `ev_${from + i}`];
      const receipt = { ...newReceipt({ id, eventId }), duplicate: null, forward: null, shownAt: null };
      return [attemptToJson(newAttempt({ id, eventId })), receiptToJson(receipt)];
    });
    const name = join(tempFolder(), 'log.ndjson');
    writeFileSync(
      name,
      lines
        .flat()
        .map((line) => JSON.stringify(line))
        .join('\n'),
    );
    return name;
  };
  const files = [file(0), file(2000)];
  const imported = (name: string) => spawnCli(['logs', 'import', name, '--store', path, '--json']);
  const importing = Promise.all(files.map(imported));
  for (let i = 0; i < EACH; i++) await store.addReceipt(newReceipt({ id: `own_${i}`, eventId: `own_${i}` }));
  for (const ended of await importing)
    expect(ended).toEqual({ code: 0, out: '{"imported":4000,"known":0,"skipped":0}\n', err: '' });
  expect([await store.count('attempt', {}), await store.count('receipt', {})]).toEqual([4000, 4000 + EACH]);
  expect((await imported(files[1] as string)).out).toBe('{"imported":0,"known":4000,"skipped":0}\n');
  await store.close();
});
