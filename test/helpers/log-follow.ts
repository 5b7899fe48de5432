import { expect, onTestFinished } from 'vitest';
import { parsePayload } from '../../src/core/payload.ts';
import type { Receipt } from '../../src/core/record.ts';
import type { Store } from '../../src/core/store.ts';
import { LogFollower } from '../../src/dashboard/log-follower.ts';
import { eventBody } from './delivery.ts';
import { AT, newReceipt } from './records.ts';

export const MINUTE = 60_000;
export const POLL_MS = 250;
export const PAYLOAD = parsePayload(Buffer.from(eventBody()));

/** A follower that has started, and what it has told: `+r1` for a receipt that was added, `=r1` for one settled. */
export async function follow(store: Store, { start = true } = {}) {
  const told: string[] = [];
  const added: { seq: number; caller: unknown }[] = [];
  const settled: Receipt[] = [];
  /** What it was set by stands for itself. */
  const clock = { now: AT + MINUTE, set: 0 };
  const follower = new LogFollower(
    store,
    {
      added: (seq, { kind, headers, body }, payload) => {
        told.push(`+${kind.charAt(0)}${seq}`);
        added.push({ seq, caller: payload?.data?.caller_number });
        expect([headers, body]).toEqual([null, null]);
      },
      settled: (seq, receipt) => {
        told.push(`=r${seq}`);
        settled.push(receipt);
      },
      skipped: (count) => told.push(`skipped ${count}`),
      reset: () => told.push('reset'),
      behind: (count) => {
        if (count > 0) told.push(`behind ${count}`);
      },
      trouble: (message) => told.push(message === null ? 'well' : `trouble: ${message}`),
    },
    { now: () => clock.now + clock.set, elapsed: () => clock.now },
  );
  onTestFinished(() => follower.stop());
  if (start) await follower.start();
  /** What was told since this was asked last. */
  const news = () => told.splice(0).join(' ');
  return { follower, news, added, settled, clock };
}

export const offered = (seq: number, about: Partial<Receipt> = {}): Receipt => ({
  ...newReceipt({ id: `rc_${seq}`, eventId: `ev_${seq}`, receivedAt: AT + seq }),
  duplicate: null,
  forward: null,
  shownAt: null,
  ...about,
});
