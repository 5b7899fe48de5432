import type { CallMoment } from '../core/call-story.ts';
import type { CallEvent } from '../core/event.ts';
import { type Payload, parsePayload } from '../core/payload.ts';
import { isRefused, type LogRecord, recordTime } from '../core/record.ts';

/**
 * What a record says of its call; negative tests and forged deliveries say nothing. `arrival` breaks ties; `payload` is
 * what its body says, where that has been read already.
 */
export function callMoment(
  record: LogRecord,
  arrival: number,
  payload?: Payload | null,
): { callId: string; moment: CallMoment } | null {
  const { event, eventId, callId } = record.kind === 'attempt' ? record.attempt : record.receipt;
  if (event === null || callId === null || !isTrusted(record)) return null;
  const said = payload === undefined && record.body !== null ? parsePayload(record.body) : (payload ?? null);
  // A retry has no body of its own, and its first attempt's says all there is.
  if (said === null && record.kind === 'attempt' && record.attempt.attempt > 1) return null;
  const moment = {
    event,
    eventId,
    arrival,
    recordedAt: recordTime(record),
    timestampMs: said?.timestampMs ?? null,
    data: said === null || said.data === null ? null : slim(said.data),
  };
  return { callId, moment };
}

function isTrusted(record: LogRecord): boolean {
  return record.kind === 'attempt' ? record.attempt.fault === null : !isRefused(record.receipt);
}

/** What a call's story is told by; a report keeps many of them. */
function slim({ duration_seconds: duration, metadata }: CallEvent): CallMoment['data'] {
  const data: CallMoment['data'] = { recorded: typeof metadata?.recording_url === 'string' };
  if (typeof duration === 'number') data.duration = duration;
  if (typeof metadata?.queue === 'string') data.queue = metadata.queue;
  return data;
}
