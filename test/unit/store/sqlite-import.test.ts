import Database from 'libsql';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { LogRecord } from '../../../src/core/record.ts';
import { openStore } from '../../../src/store/open.ts';
import { newAttempt, newReceipt } from '../../helpers/records.ts';

/** An attempt, a receipt with a body and one without, each handed on to an app. */
function records(i: number): LogRecord[] {
  const forward = { status: 204, durationMs: 3, error: null };
  const receipt = (id: string) => ({
    ...newReceipt({ id, eventId: id }),
    duplicate: null,
    forward,
    shownAt: null,
  });
  return [
    { kind: 'attempt', attempt: newAttempt({ id: `at_${i}` }), headers: null, body: null },
    { kind: 'receipt', receipt: receipt(`rc_${i}`), headers: ['A', 'b'], body: Buffer.from(`body ${i}`) },
    { kind: 'receipt', receipt: receipt(`rn_${i}`), headers: null, body: null },
  ];
}

test('a statement is made once for a connection, however many records it adds', async () => {
  const all = Array.from({ length: 100 }, (_, i) => records(i)).flat();
  const prepare = vi.spyOn(Database.prototype, 'prepare');
  onTestFinished(() => prepare.mockRestore());
  for (const _ of ['one connection', 'another']) {
    const store = await openStore('sqlite::memory:');
    prepare.mockClear();
    await Promise.all(all.map((record) => store.addRecord(record)));
    const made = prepare.mock.calls.map(([sql]) => sql);
    expect(made).toHaveLength(new Set(made).size);
    expect([await store.count('attempt', {}), await store.count('receipt', {})]).toEqual([100, 200]);
    await store.close();
  }
});
