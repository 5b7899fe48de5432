import type { Command } from 'commander';
import { wantedEndpoint } from '../core/endpoint-identity.ts';
import { UsageError } from '../core/errors.ts';
import { eventType } from '../core/event.ts';
import type { RecordFilter, StatusFilter } from '../core/store.ts';
import { parseMoment } from '../core/time.ts';

/** The flags that say which records are meant. */
export interface FilterOptions {
  since?: string;
  until?: string;
  endpoint?: string;
  event?: string;
  run?: string;
  eventId?: string;
  callId?: string;
  status?: string;
}

export function withTimeOptions(command: Command): Command {
  return command
    .option('--since <time>', 'only records from then on: ISO 8601, or how long ago (2h)')
    .option('--until <time>', 'only records before then');
}

export function withFilterOptions(command: Command): Command {
  return withTimeOptions(command)
    .option('-e, --event <type>', 'only this event type')
    .option('--event-id <id>', 'only this event')
    .option('--call-id <id>', 'only this call')
    .option('--status <which>', 'only failed, 2xx, 5xx, 503, …')
    .option('--endpoint <name>', 'only attempts at this endpoint (its name, host or URL)')
    .option('--run <id>', 'only attempts of this run');
}

/** Throws UsageError. */
export function parseFilter(options: FilterOptions, now: number): RecordFilter {
  const { since, until, endpoint, event, run, eventId, callId, status } = options;
  const filter: RecordFilter = {
    ...(since === undefined ? {} : { since: parseMoment(since, now, '--since') }),
    ...(until === undefined ? {} : { until: parseMoment(until, now, '--until') }),
    ...(endpoint === undefined ? {} : { endpoint: wantedEndpoint(endpoint) }),
    ...(event === undefined ? {} : { event: eventType(event) }),
    ...(run === undefined ? {} : { run }),
    ...(eventId === undefined ? {} : { eventId }),
    ...(callId === undefined ? {} : { callId }),
    ...(status === undefined ? {} : statusFilter(status)),
  };
  if (filter.since !== undefined && filter.until !== undefined && filter.since >= filter.until) {
    throw new UsageError(`--since '${since}' is not before --until '${until}'.`);
  }
  return filter;
}

/** `failed`, `all`, `2xx`, `503`. Throws UsageError. */
function statusFilter(text: string): { status?: StatusFilter } {
  if (text === 'all') return {};
  if (text === 'failed') return { status: 'failed' };
  const digits = /^([1-9])(?:xx|(\d\d))$/i.exec(text);
  if (digits === null)
    throw new UsageError(`--status: '${text}' is not a status. Write failed, all, 2xx, 5xx or 503.`);
  const hundred = Number(digits[1]) * 100;
  if (digits[2] === undefined) return { status: { least: hundred, most: hundred + 99 } };
  return { status: { least: Number(text), most: Number(text) } };
}
