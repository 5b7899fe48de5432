import type { Store } from '../../src/core/store.ts';
import { AT, newReceipt } from './records.ts';

export const CALLER = '+919812345678';

/** A moment of a call: its type, seconds after the call began, what else its body says, when it came. */
export type Moment = [event: string, second: number, more?: Record<string, unknown>, arrival?: number];

export const ENDED = {
  duration_seconds: 42,
  metadata: { queue: 'Sales', recording_url: 'https://rec.example.com/1' },
};
/** A call as it should be. */
export const WHOLE: Moment[] = [
  ['call_initiated', 0],
  ['call_connected', 8, { metadata: { queue: 'Sales' } }],
  ['call_disconnected', 50, ENDED],
];

export function bodyOf(callId: string, [event, second, more = {}]: Moment): string {
  const timestamp = new Date(AT + second * 1000).toISOString();
  return JSON.stringify({ event, call_id: callId, caller_number: CALLER, timestamp, ...more });
}

/** Receives a call's events in the order they are given; their ids are ev_0, ev_1, … */
export async function receiveCall(store: Store, callId: string, moments: readonly Moment[]): Promise<void> {
  for (const [i, moment] of moments.entries()) {
    const [event, second, , arrival = second] = moment;
    const about = { id: `rc_${i}`, eventId: `ev_${i}`, event, callId, receivedAt: AT + arrival * 1000 + 200 };
    await store.addReceipt(newReceipt({ ...about, body: bodyOf(callId, moment) }));
  }
}
