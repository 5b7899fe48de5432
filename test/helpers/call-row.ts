import type { CallRow } from '../../src/dashboard/wire.ts';

/** When the call of `callRow` began. */
export const CALL_AT = Date.parse('2026-01-31T12:00:00Z');

/** A call that rings, of which nothing else is known. */
export function callRow(about: Partial<CallRow> = {}): CallRow {
  return {
    key: 1,
    call_id: 'MO1',
    status: 'Ringing',
    caller_number: null,
    receiver_number: null,
    direction: null,
    queue: null,
    agent_id: null,
    started_ms: CALL_AT,
    connected_ms: null,
    since_ms: CALL_AT,
    ended: false,
    duration_seconds: null,
    last: { event: 'call_initiated', event_id: 'ev_1', received_ms: CALL_AT },
    seqs: [1],
    events: 1,
    warnings: 0,
    ...about,
  };
}
