import type { Command } from 'commander';
import { EXIT, type ExitCode, UsageError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';
import { urlHost } from '../core/url-host.ts';
import { appForwarder } from './app-forwarder.ts';
import { browse } from './browse.ts';
import type { CommonOptions, Context, StartContext } from './context.ts';
import {
  address,
  collect,
  wholeNumber,
  withConfigOption,
  withOutputOptions,
  withStoreOption,
} from './options.ts';
import { checkingSecrets } from './secrets.ts';
import { serveDashboard } from './serve-dashboard.ts';
import { ALLOW_HTTP_HELP, TARGET_HELP } from './target.ts';

interface DashboardOptions extends CommonOptions {
  port?: number;
  host: string;
  allowHost?: string[];
  tokenEnv?: string;
  open?: boolean;
  insecure?: boolean;
  allowHttp?: boolean;
}

export function configure(command: Command, start: StartContext): void {
  withConfigOption(withStoreOption(withOutputOptions(command)))
    .argument('[resend-to]', `where Resend sends to: ${TARGET_HELP}`)
    .option(
      '-p, --port <port>',
      'serve on this port; 0 for any free one (default: 4801)',
      wholeNumber(0, 65_535),
    )
    .option('--host <address>', 'serve on this address', address, '127.0.0.1')
    .option('--allow-host <name>', 'also answer to this name, or name:port; repeatable', collect)
    .option('--token-env <name>', 'take the token from this variable instead of making one')
    .option('--insecure', 'accept any TLS certificate of the app')
    .option('--allow-http', ALLOW_HTTP_HELP)
    .option('--open', 'open it in the browser')
    .addHelpText(
      'after',
      `
Examples:
  mo-notify dashboard                        what is on record, and what comes
  mo-notify dashboard --store old.db --open
  mo-notify dashboard 3000                   Resend sends to this app
'mo-notify listen' opens one of its own.`,
    )
    .action(async (resendTo: string | undefined, options: DashboardOptions) => {
      const context = start(options);
      context.exitCode = await dashboard(context, options, resendTo);
    });
}

/** A token that people choose is easier to guess than one that is made. */
const LEAST_TOKEN = 20;

async function dashboard(
  context: Context,
  options: DashboardOptions,
  resendTo: string | undefined,
): Promise<ExitCode> {
  const { io } = context;
  const app = resendTo === undefined ? null : await appForwarder(context, resendTo, options);
  const token = options.tokenEnv === undefined ? undefined : readToken(context, options.tokenEnv);
  const store = await context.recordedStore();
  const served = await serveDashboard(context, {
    store,
    host: options.host,
    port: options.port ?? null,
    portFlag: '--port',
    allowHosts: options.allowHost ?? [],
    ...(token === undefined ? {} : { token }),
    receiver: null,
    app,
    // Only to explain what was refused: without any that is not explained.
    secrets: await checkingSecrets(context, {}).catch(() => []),
  });
  if (options.json === true) context.printJson({ type: 'ready', dashboard: served.link });
  else {
    const { strong, good, dim } = context.style('stdout');
    context.print(`${good('Ready')}  dashboard of ${dim(store.location)}: ${strong(served.link)}`);
    context.note('Ctrl-C ends it.');
  }
  if (!isLoopback(new URL(`http://${urlHost(options.host)}/`)))
    context.warn(
      `Whoever can reach ${options.host} port ${served.port} and has the link sees calls and numbers, over plain HTTP.${
        ['0.0.0.0', '::'].includes(options.host) && options.allowHost === undefined
          ? ' It answers to names of this machine alone; --allow-host adds the one it is asked for by from elsewhere.'
          : ''
      } Safer: leave --host out, and use 'ssh -L ${served.port}:127.0.0.1:${served.port}' from elsewhere.`,
    );
  if (options.open === true) browse(context, served.linkOnce());
  const ended = AbortSignal.any([io.interrupted, io.closed]);
  if (!ended.aborted)
    await new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
  await served.close();
  await app?.forwarder.close();
  return io.interrupted.aborted ? EXIT.interrupted : EXIT.ok;
}

function readToken({ io }: Context, name: string): string {
  const token = io.env[name] ?? '';
  if (/^[\w-]+$/.test(token) && token.length >= LEAST_TOKEN && token.length <= 200) return token;
  throw new UsageError(
    `--token-env: ${name} is ${token === '' ? 'not set' : 'no token'}. Give it ${LEAST_TOKEN} to 200 letters, digits, _ or -, such as 'openssl rand -hex 20' makes.`,
  );
}
