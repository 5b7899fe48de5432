import { expect } from 'vitest';
import { parsePayload } from '../../src/core/payload.ts';
import type { Receipt } from '../../src/core/record.ts';
import type { CallBoard } from '../../src/dashboard/call-board.ts';
import type { CallRow } from '../../src/dashboard/wire.ts';
import { AT, newReceipt } from './records.ts';

/** An event of a call, as its body says it. */
export interface Said {
  event: string;
  /** Seconds after the call began. */
  second: number;
  call_id?: string;
  [more: string]: unknown;
}

export const HOUR = 3_600_000;

/** Tells the board of an event that arrives as the `seq`th, an hour after the call began unless told otherwise. */
export function arrive(board: CallBoard, seq: number, said: Said, about: Partial<Receipt> = {}): void {
  const { second, ...rest } = said;
  const timestamp = new Date(AT + second * 1000).toISOString();
  const payload = parsePayload(Buffer.from(JSON.stringify({ call_id: 'MO1', timestamp, ...rest })));
  const receipt = {
    ...newReceipt({ id: `rc_${seq}`, eventId: `ev_${seq}`, receivedAt: AT + HOUR + seq }),
    event: payload.event,
    callId: payload.callId,
    duplicate: null,
    forward: null,
    shownAt: null,
    ...about,
  };
  board.add(seq, receipt, payload);
}

export const NOW = AT + 2 * HOUR;
export const only = (board: CallBoard) => {
  const [row, ...others] = board.all(NOW);
  expect(others).toEqual([]);
  return row as CallRow;
};

export const WHOLE: Said[] = [
  {
    event: 'call_initiated',
    second: 0,
    direction: 'inbound',
    caller_number: '+919876543210',
    metadata: { queue: 'Sales' },
  },
  { event: 'call_connected', second: 8, receiver_number: '+911234567890', metadata: { agent_id: 'ag_72' } },
  { event: 'call_transferred', second: 20, metadata: { queue: 'Billing', agent_id: 'ag_9' } },
  {
    event: 'call_disconnected',
    second: 50,
    duration_seconds: 42,
    metadata: { recording_url: 'https://r/1' },
  },
];
