import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ForwardResult } from '../../src/core/record.ts';
import { openStore } from '../../src/store/open.ts';
import { AT, newAttempt, newReceipt, refusedReceipt } from './records.ts';
import { tempFolder } from './spawn-cli.ts';

export const PAGE_SIZE = 4096;

const FAILED: ForwardResult = { status: 500, durationMs: 3, error: 'said-the-error' };

/** A closed store with records of every kind, in texts that occur nowhere else. */
export async function filledStore(): Promise<string> {
  const path = join(tempFolder(), 'deliveries.db');
  const store = await openStore(path);
  for (let i = 0; i < 100; i++) {
    const about = { id: `rc-${i}`, eventId: `ev-${i}`, callId: `call-${i}`, receivedAt: AT + i };
    const { seq } = await store.addReceipt(
      newReceipt({
        ...about,
        forwarding: i % 5 === 0,
        headers: ['X-Header', `header-${i}`],
        flags: ['flag'],
      }),
    );
    if (i % 10 === 0) await store.settleForward({ seqs: [seq], forward: FAILED, status: 500, owed: true });
    if (i % 7 === 0) await store.addReceipt(refusedReceipt({ ...about, id: `bad-${i}` }, 'the-cause'));
    const attempt = { id: `at-${i}`, eventId: `ev-${i}`, endpoint: `endpoint-${i}`, error: 'at-error' };
    await store.addAttempt(newAttempt(attempt), i % 3 === 0 ? Buffer.from(`{"n":${i}}`) : null);
  }
  await store.addReceipt(
    newReceipt({ id: 'rc-large', eventId: 'ev-large', body: Buffer.alloc(20_000, 'x') }),
  );
  await store.saveReplay({ run: 'run_1', plan: 'the-plan', reached: 1, settled: 0, state: 'running' });
  await store.close();
  return path;
}

/** The same store with other bytes: a copy of its own. */
export function damagedCopy(path: string, damage: (bytes: Buffer) => void): string {
  const bytes = readFileSync(path);
  damage(bytes);
  const copy = join(tempFolder(), 'deliveries.db');
  writeFileSync(copy, bytes, { mode: 0o600 });
  return copy;
}

/** Makes every occurrence of a text one that is no UTF-8. */
export function spoilText(text: string): (bytes: Buffer) => void {
  return (bytes) => {
    let found = 0;
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
      bytes[at + 1] = 0xff;
      found += 1;
    }
    if (found === 0) throw new Error(`there is no ${text} in the file`);
  };
}
