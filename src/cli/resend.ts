import { withoutMasked } from '../core/credentials.ts';
import { UsageError } from '../core/errors.ts';
import { HEADER, withoutHeaders } from '../core/headers.ts';
import { newId } from '../core/id.ts';
import type { LogEntry, Store } from '../core/store.ts';
import { formatTimestamp } from '../core/time.ts';
import type { Resent } from '../dashboard/wire.ts';
import type { App } from './app-forwarder.ts';

/** Sends a delivery on record to the app again, as it was forwarded but for the tool's own headers; the attempt is recorded. */
export function createResend({ name, shown, forwarder }: App, store: Store, now: () => number) {
  return async function resend({ record }: LogEntry): Promise<Resent> {
    if (record.kind !== 'receipt' || record.body === null)
      throw new TypeError('Only receipts are sent again.');
    const { receipt, body, asked = '' } = record;
    const sentAt = now();
    const run = newId('run', sentAt);
    const kept = withoutHeaders(withoutMasked(record.headers ?? []), [HEADER.sentAt, HEADER.replay]);
    const headers = [...kept, HEADER.sentAt, formatTimestamp(sentAt), HEADER.replay, run];
    const answer = await forwarder.forward({ headers, body, asked }).catch((error) => {
      // A log from elsewhere may hold headers that no request can carry.
      throw error instanceof TypeError ? new UsageError(error.message) : error;
    });
    const { outcome, status, durationMs, error, said } = answer;
    await store.addAttempt(
      {
        id: newId('at', sentAt),
        // One without an id is known by its receipt's.
        eventId: receipt.eventId ?? receipt.id,
        event: receipt.event,
        callId: receipt.callId,
        endpoint: name,
        url: shown,
        attempt: 1,
        dueAt: sentAt,
        sentAt,
        status,
        outcome,
        durationMs,
        final: true,
        run,
        replayOf: receipt.id,
        error,
        fault: null,
      },
      body,
    );
    return { status, duration_ms: durationMs, error, answer: said };
  };
}
