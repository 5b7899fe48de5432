import { UsageError } from '../core/errors.ts';
import { eventType } from '../core/event.ts';
import { parseDuration } from '../core/time.ts';
import type { Rehearsal } from '../receiver/receiver.ts';
import type { CommonOptions } from './context.ts';
import { parseBytes } from './options.ts';
import type { EndpointSecretSources } from './secrets.ts';

export interface ListenOptions extends CommonOptions, EndpointSecretSources {
  port: number;
  host: string;
  path?: string;
  forwardTo?: string;
  events?: string;
  ack?: 'app' | 'first' | 'relay';
  respond?: string;
  delay?: string;
  verify: boolean;
  invalidStatus: string;
  maxAge?: string;
  strict?: boolean;
  maxBody: string;
  allowHost?: string[];
  for?: string;
  maxEvents?: number;
  withBodies?: boolean;
  printSecret?: boolean;
  writeEnv?: string;
  exec?: string;
  dashboard: boolean;
  dashboardPort?: number;
  tunnel?: string;
  tunnelTokenEnv?: string;
  takeover?: boolean;
  fanOut?: boolean;
  exitOnDisconnect?: boolean;
  publicUrl?: string;
  allowPrivate?: boolean;
  probe: boolean;
}

/** What flags say, as values. Throws UsageError. */
export function readSettings(options: ListenOptions) {
  if (options.path !== undefined && !options.path.startsWith('/')) {
    throw new UsageError(`--path: '${options.path}' does not begin with a slash. Write it like /notify.`);
  }
  const delayMs = options.delay === undefined ? 0 : parseDuration(options.delay, '--delay');
  const statuses = options.respond === undefined ? [] : options.respond.split(',').map(parseStatus);
  return {
    maxBody: parseBytes(options.maxBody),
    invalidStatus: Number(options.invalidStatus),
    maxAgeMs: options.maxAge === undefined ? null : parseDuration(options.maxAge, '--max-age'),
    events: options.events === undefined ? null : options.events.split(',').map(eventType),
    forMs: options.for === undefined ? null : parseDuration(options.for, '--for'),
    rehearse: (ended: AbortSignal): Rehearsal | null =>
      statuses.length === 0 && delayMs === 0 ? null : { statuses, pause: () => pause(delayMs, ended) },
  };
}

function parseStatus(text: string): number {
  const status = Number(text.trim());
  if (!/^\d{3}$/.test(text.trim()) || status < 200 || status > 599) {
    throw new UsageError(`--respond: '${text}' is not a status. Write 503, or a list such as 500,500,200.`);
  }
  return status;
}

function pause(ms: number, ended: AbortSignal): Promise<void> {
  if (ms === 0 || ended.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      ended.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    ended.addEventListener('abort', done, { once: true });
  });
}
