import type { LogRecord, RecordKind } from '../core/record.ts';
import { matchesFilter } from '../core/record-filter.ts';
import type { RecordFilter, Store } from '../core/store.ts';
import { callMoment } from '../logs/call-moments.ts';
import { readLog } from '../logs/log-file.ts';
import type { LogFormat } from '../logs/log-format.ts';
import type { ColumnMap, LogFile } from '../logs/log-item.ts';
import { CallGatherer, type CallSummary } from '../report/calls.ts';

/** The calls of a store, as its receipts tell them; a log without receipts has its attempts tell them. */
export async function storeCalls(store: Store, filter: RecordFilter, now: number): Promise<CallSummary> {
  const kind: RecordKind = (await store.count('receipt', filter)) > 0 ? 'receipt' : 'attempt';
  const gatherer = new CallGatherer();
  let arrival = 0;
  for await (const { record } of store.entries(kind, filter, { bodies: true }))
    gather(gatherer, record, arrival++);
  return gatherer.summary(now);
}

export async function fileCalls(
  file: LogFile,
  format: LogFormat,
  columns: ColumnMap,
  filter: RecordFilter,
  now: number,
): Promise<CallSummary> {
  const gatherers = { attempt: new CallGatherer(), receipt: new CallGatherer() };
  let arrival = 0;
  let receipts = false;
  for await (const item of readLog(file, format, columns)) {
    if (!('record' in item) || !matchesFilter(item.record, filter)) continue;
    receipts ||= item.record.kind === 'receipt';
    gather(gatherers[item.record.kind], item.record, arrival++);
  }
  return gatherers[receipts ? 'receipt' : 'attempt'].summary(now);
}

function gather(gatherer: CallGatherer, record: LogRecord, arrival: number): void {
  const found = callMoment(record, arrival);
  if (found !== null) gatherer.add(found.callId, found.moment);
}
