import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../src/store/open.ts';
import { newReceipt } from './records.ts';
import { tempFolder } from './spawn-cli.ts';

/** A store of 400 receipts, closed; `live` leaves its log beside it, as `kill -9` would. */
export async function soundStore(live = false): Promise<string> {
  const folder = tempFolder();
  const path = join(folder, 'deliveries.db');
  const store = await openStore(path);
  await Promise.all(
    Array.from({ length: 400 }, (_, i) =>
      store.addReceipt(newReceipt({ eventId: `ev_${i}`, body: `${i} ${'x'.repeat(400)}` })),
    ),
  );
  if (!live) await store.close();
  const copy = join(tempFolder(), 'deliveries.db');
  for (const suffix of live ? ['', '-wal'] : ['']) cpSync(path + suffix, copy + suffix);
  if (live) await store.close();
  return copy;
}
