import { join } from 'node:path';
import type { Attempt, Receipt } from '../../src/core/record.ts';
import { openStore } from '../../src/store/open.ts';

/** When the seeded records were made. */
export const SEEDED_AT = Date.parse('2026-01-31T12:00:00.000Z');

/** Fills the delivery log of a project folder; what a record leaves out is a delivered `call_connected`. */
export async function seedStore(
  cwd: string,
  { attempts = [], receipts = [] }: { attempts?: Partial<Attempt>[]; receipts?: Partial<Receipt>[] },
): Promise<string> {
  const location = `sqlite:${join(cwd, 'seeded.db')}`;
  const store = await openStore(location);
  for (const [i, attempt] of attempts.entries()) {
    const sentAt = attempt.sentAt ?? SEEDED_AT + i * 1000;
    await store.addAttempt(
      {
        id: `at_${i}`,
        eventId: `ev_${i}`,
        event: 'call_connected',
        callId: `MO${i}`,
        endpoint: 'crm',
        url: 'https://crm.example.com/notify',
        attempt: 1,
        dueAt: sentAt,
        sentAt,
        status: 200,
        outcome: 'delivered',
        durationMs: 100,
        final: true,
        run: 'run_1',
        replayOf: null,
        error: null,
        fault: null,
        ...attempt,
      },
      null,
    );
  }
  for (const [i, receipt] of receipts.entries()) {
    const receivedAt = receipt.receivedAt ?? SEEDED_AT + i * 1000;
    const { seq } = await store.addReceipt({
      id: `rc_${i}`,
      eventId: `ev_${i}`,
      event: 'call_connected',
      callId: `MO${i}`,
      attempt: 1,
      receivedAt,
      signature: 'valid',
      secret: 'local',
      latencyMs: 1000,
      transitMs: 5,
      status: 200,
      bodyBytes: 2,
      flags: [],
      body: Buffer.from(`{"call_id":"${receipt.eventId ?? i}"}`),
      headers: [],
      asked: '',
      timestampMs: SEEDED_AT,
      accepted: receipt.signature === undefined || receipt.signature === 'valid',
      forwarding: false,
      ...receipt,
    });
    if (typeof receipt.shownAt === 'number') await store.noteShown([{ seq, at: receipt.shownAt }]);
  }
  await store.close();
  return location;
}
