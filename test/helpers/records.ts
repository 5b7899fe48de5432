import { keepEvidence } from '../../src/core/evidence.ts';
import type { Attempt } from '../../src/core/record.ts';
import type { NewReceipt, Store } from '../../src/core/store.ts';

export const AT = Date.parse('2026-01-31T12:00:00Z');

/** A receipt that counts: verified and answered 200. Its body is its own event's, unless told otherwise. */
export function newReceipt(about: Partial<Omit<NewReceipt, 'body'>> & { body?: string | Uint8Array } = {}) {
  const eventId = about.eventId === undefined ? 'ev_1' : about.eventId;
  const receipt: NewReceipt = {
    id: 'rc_1',
    event: 'call_connected',
    callId: 'MO1',
    attempt: 1,
    receivedAt: AT,
    signature: 'valid',
    secret: 'MO_SECRET',
    latencyMs: 100,
    transitMs: 5,
    status: 200,
    bodyBytes: 0,
    flags: [],
    headers: [],
    asked: '',
    timestampMs: AT - 100,
    accepted: true,
    forwarding: false,
    ...about,
    eventId,
    body: Buffer.from(about.body ?? `body of ${eventId}`),
  };
  receipt.bodyBytes = receipt.body.length;
  return receipt;
}

/** One that was refused for its signature: what is kept of it. */
export function refusedReceipt(
  about: Parameters<typeof newReceipt>[0] = {},
  cause: string | null = null,
): NewReceipt {
  const forged = { signature: 'mismatch', secret: null, status: 400, accepted: false } as const;
  const receipt = newReceipt({ ...forged, ...about });
  keepEvidence(receipt, cause);
  return receipt;
}

export function newAttempt(about: Partial<Attempt> = {}): Attempt {
  return {
    id: 'at_1',
    eventId: 'ev_1',
    event: 'call_connected',
    callId: 'MO1',
    endpoint: 'crm',
    url: 'https://crm.example.com/notify',
    attempt: 1,
    dueAt: AT,
    sentAt: AT,
    status: 200,
    outcome: 'delivered',
    durationMs: 12.5,
    final: true,
    run: 'run_1',
    replayOf: null,
    error: null,
    fault: null,
    ...about,
  };
}

/** Adds receipts one after another, each in a transaction of its own. */
export async function addInTurn(store: Store, receipts: readonly NewReceipt[]) {
  const stored = [];
  for (const receipt of receipts) stored.push(await store.addReceipt(receipt));
  return stored;
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
