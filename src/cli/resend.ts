import { UsageError } from '../core/errors.ts';
import { endToEnd, HEADER, withoutHeaders } from '../core/headers.ts';
import { newId } from '../core/id.ts';
import { DEFAULT_TIMEOUT_MS } from '../core/schedule.ts';
import type { LogEntry, Store } from '../core/store.ts';
import { formatTimestamp } from '../core/time.ts';
import type { Resent } from '../dashboard/wire.ts';
import { createTransport } from '../http/attempt.ts';
import { proxyFor } from './proxy.ts';

/** Sends a delivery on record to the app again, as it came but for the tool's own headers; the attempt is recorded. */
export function createResend(url: URL, store: Store, now: () => number) {
  const transport = createTransport({
    url,
    connections: 4,
    timeoutMs: DEFAULT_TIMEOUT_MS,
    proxy: proxyFor(url),
  });
  return {
    async resend({ record }: LogEntry): Promise<Resent> {
      if (record.kind !== 'receipt' || record.body === null)
        throw new TypeError('Only receipts are sent again.');
      const { receipt, headers, body } = record;
      const sentAt = now();
      const run = newId('run', sentAt);
      const kept = withoutHeaders(endToEnd(headers ?? []), [HEADER.sentAt, HEADER.replay]);
      const tool = [HEADER.sentAt, formatTimestamp(sentAt), HEADER.replay, run];
      const result = await transport.send({ headers: [...kept, ...tool], body }).catch((error) => {
        // A log from elsewhere may hold headers that no request can carry.
        throw error instanceof TypeError ? new UsageError(error.message) : error;
      });
      const { outcome, status, durationMs, error, responseBody } = result;
      await store.addAttempt(
        {
          id: newId('at', sentAt),
          // One without an id is known by its receipt's.
          eventId: receipt.eventId ?? receipt.id,
          event: receipt.event,
          callId: receipt.callId,
          endpoint: url.host,
          url: url.href,
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
      return { status, duration_ms: durationMs, error, answer: responseBody.toString('utf8') };
    },
    close: () => transport.close(),
  };
}
