import { explainSignature } from '../check/explain.ts';
import { EnvironmentError } from '../core/errors.ts';
import { HEADER, headerValue } from '../core/headers.ts';
import { isCut, type LogRecord } from '../core/record.ts';
import { displayUrl } from '../core/redact.ts';
import type { Secret } from '../core/signature.ts';
import type { Store } from '../core/store.ts';
import { VERSION } from '../core/version.ts';
import { type Dashboard, startDashboard } from '../dashboard/server.ts';
import type { App } from './app-forwarder.ts';
import type { Context } from './context.ts';
import { createResend } from './resend.ts';

export const DASHBOARD_PORT = 4801;

export interface DashboardSetting {
  store: Store;
  host: string;
  /** Null for the usual one, or any that is free where that is taken. */
  port: number | null;
  portFlag: string;
  /** Names besides the address's own. */
  allowHosts?: readonly string[];
  token?: string;
  /** The receiver's URL, where one runs in this process. */
  receiver: string | null;
  /** Where deliveries can be sent again. */
  app: App | null;
  /** What signatures are judged by, where that is known. */
  secrets: readonly Secret[];
}

/** Serves the dashboard for a command. Rejects with EnvironmentError where its port cannot be had. */
export async function serveDashboard(
  context: Context,
  setting: DashboardSetting,
  start = startDashboard,
): Promise<Dashboard> {
  const { store, app, receiver, secrets, port, host, portFlag, token } = setting;
  const { now, elapsed } = context.io;
  const serve = (chosen: number) =>
    start({
      host,
      port: chosen,
      portFlag,
      store,
      now,
      elapsed,
      about: {
        version: VERSION,
        location: store.location,
        receiver,
        app: app === null ? null : displayUrl(app.written),
      },
      allowHosts: setting.allowHosts ?? [],
      ...(token === undefined ? {} : { token }),
      resend: app === null ? null : createResend(app, store, now),
      explain: (record) => explain(record, secrets),
      onFault: (error) => context.warn(`mo-notify: the dashboard failed at something: ${String(error)}`),
    });
  return serve(port ?? DASHBOARD_PORT).catch((error) => {
    if (port !== null || !isTaken(error)) throw error;
    return serve(0);
  });
}

function isTaken(error: unknown): boolean {
  return error instanceof EnvironmentError && (error.cause as NodeJS.ErrnoException)?.code === 'EADDRINUSE';
}

/** By the whole body, where that is on record, else by what was found when it was there. */
function explain(record: LogRecord, secrets: readonly Secret[]): string | null {
  if (record.kind !== 'receipt' || record.receipt.signature === 'valid') return null;
  const { headers, body } = record;
  const { evidence } = record.receipt;
  if (body !== null && !isCut(record) && secrets.length > 0) {
    const found = explainSignature(body, headerValue(headers ?? [], HEADER.signature), secrets);
    return found === null
      ? 'None of the current secrets produces it for these bytes.'
      : `${capital(found.cause)}. ${found.remedy}`;
  }
  if (evidence === undefined) return null;
  return evidence.cause === null ? 'Its cause was not searched.' : `${capital(evidence.cause)}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
