import { UsageError } from '../core/errors.ts';
import { eventType } from '../core/event.ts';
import { shownUrl } from '../core/redact.ts';
import { parseDuration } from '../core/time.ts';
import type { Rehearsal } from '../receiver/receiver.ts';
import type { CommonOptions } from './context.ts';
import { parseBytes } from './options.ts';
import type { EndpointSecretSources } from './secrets.ts';

export interface ListenOptions extends CommonOptions, EndpointSecretSources {
  port: number;
  host: string;
  path?: string[];
  forwardTo?: string;
  insecure?: boolean;
  allowHttp?: boolean;
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
  const delayMs = options.delay === undefined ? 0 : parseDuration(options.delay, '--delay');
  const statuses = options.respond === undefined ? [] : options.respond.split(',').map(parseStatus);
  return {
    paths: options.path?.map(parsePath) ?? null,
    maxBody: parseBytes(options.maxBody),
    invalidStatus: Number(options.invalidStatus),
    maxAgeMs: options.maxAge === undefined ? null : parseDuration(options.maxAge, '--max-age'),
    events: options.events === undefined ? null : options.events.split(',').map(eventType),
    forMs: options.for === undefined ? null : parseDuration(options.for, '--for'),
    rehearse: (ended: AbortSignal): Rehearsal | null =>
      statuses.length === 0 && delayMs === 0 ? null : { statuses, pause: () => pause(delayMs, ended) },
  };
}

/** A path as it stands in a request, so that what is compared is what comes; nothing in it leads elsewhere. */
function parsePath(path: string): string {
  const url = URL.canParse(path, 'http://x') ? new URL(path, 'http://x') : null;
  if (url === null || url.href !== `http://x${path}`)
    throw new UsageError(`--path: '${shownUrl(path)}' is not a path. Write it like /notify.`);
  if (url.search !== '' || url.hash !== '')
    throw new UsageError(`--path: '${shownUrl(path)}' needs no query. Any query is taken.`);
  return path;
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
