import { askedFor } from '../core/asked.ts';
import { visible } from '../core/redact.ts';
import { formatDuration } from '../core/time.ts';
import type { Dashboard } from '../dashboard/server.ts';
import type { App } from './app-forwarder.ts';
import { browse } from './browse.ts';
import { clearScreen } from './clear-screen.ts';
import type { Context } from './context.ts';
import type { ListenLog } from './listen-log.ts';

const CTRL_C = '\u0003';

/** What keys do something to. */
interface Keyed {
  log: ListenLog;
  app: App | null;
  /** See askedFor. */
  pathCounts: boolean;
  dashboard: Dashboard | null;
  quit: () => void;
}

/** The keys of a listening receiver; none without a terminal. */
export function listenKeys(
  context: Context,
  { log, app, pathCounts, dashboard, quit }: Keyed,
): { stop: () => void } {
  const stdin = context.io.stdin as NodeJS.ReadStream;
  if (stdin.isTTY !== true || !context.io.stdout.isTTY || context.options.json === true)
    return { stop: () => {} };
  const onKey = (key: Buffer) => {
    switch (key.toString()) {
      case 'q':
        return quit();
      case CTRL_C:
        return context.io.interrupt();
      case 'c':
        return clearScreen(context.io.stdout);
      case 'p':
        return context.note(
          log.pause() ? 'Paused; deliveries are still received. p shows them again.' : 'Going on.',
        );
      case 'r':
        return void resend();
      case 'o':
        if (dashboard === null) return context.note('There is no dashboard: --no-dashboard was given.');
        return browse(context, dashboard.linkOnce());
    }
  };

  async function resend(): Promise<void> {
    const request = log.last();
    if (request === null) return context.note('Nothing was received yet.');
    if (app === null)
      return context.note("There is no app to resend to; start with 'mo-notify listen 3000'.");
    const { headers, body, target } = request;
    const { result } = await app.forwarder.forward({ headers, body, asked: askedFor(target, pathCounts) });
    const answer = result.status === null ? visible(result.error ?? '') : `[${result.status}]`;
    context.print(`Resent to ${app.shown}: ${answer} (${formatDuration(result.durationMs)})`);
  }

  stdin.setRawMode(true);
  stdin.on('data', onKey);
  stdin.resume();
  const offered = dashboard === null ? '' : 'o open the dashboard, ';
  context.note(`Keys: ${offered}r resend the last, p pause, c clear, q quit\n`);
  return {
    stop: () => {
      stdin.off('data', onKey);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
