import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { SECRET } from '../helpers/delivery.ts';
import { collect } from '../helpers/records.ts';
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
