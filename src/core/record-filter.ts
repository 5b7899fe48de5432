import { isSuccess, type LogRecord, recordTime } from './record.ts';
import type { RecordFilter, StatusFilter } from './store.ts';

/** Whether a record is among those that a question is about; a store decides the same in its own way. */
export function matchesFilter(record: LogRecord, filter: RecordFilter): boolean {
  const { since, until, event, eventId, callId, status, endpoint, run } = filter;
  const at = recordTime(record);
  if ((since !== undefined && at < since) || (until !== undefined && at >= until)) return false;
  const about = record.kind === 'attempt' ? record.attempt : record.receipt;
  if (event !== undefined && about.event !== event) return false;
  if (eventId !== undefined && about.eventId !== eventId) return false;
  if (callId !== undefined && about.callId !== callId) return false;
  if (status !== undefined && !matchesStatus(record, status)) return false;
  if (endpoint === undefined && run === undefined) return true;
  if (record.kind === 'receipt') return false;
  const { attempt } = record;
  if (endpoint !== undefined && attempt.endpoint !== endpoint && attempt.url !== endpoint) return false;
  return run === undefined || attempt.run === run;
}

function matchesStatus(record: LogRecord, wanted: StatusFilter): boolean {
  const { status } = record.kind === 'attempt' ? record.attempt : record.receipt;
  if (wanted !== 'failed') return status !== null && status >= wanted.least && status <= wanted.most;
  return hasFailed(record);
}

/** Whether it came to anything but a 2xx; what the app answered counts too, whatever the sender was told. */
export function hasFailed(record: LogRecord): boolean {
  if (record.kind === 'attempt') return record.attempt.outcome !== 'delivered';
  const { status, forward } = record.receipt;
  return !isSuccess(status) || (forward !== null && !isSuccess(forward.status));
}
