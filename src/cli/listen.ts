import type { Command } from 'commander';
import { EXIT, type ExitCode, type KnownError } from '../core/errors.ts';
import { newId } from '../core/id.ts';
import { urlHost } from '../core/url-host.ts';
import type { Dashboard } from '../dashboard/server.ts';
import { type Listening, serve } from '../http/serve.ts';
import { keepResuming } from '../receiver/keep-resuming.ts';
import { createReceiver } from '../receiver/receiver.ts';
import { appForwarder, appHints } from './app-forwarder.ts';
import type { Context, StartContext } from './context.ts';
import { endSignal } from './end-signal.ts';
import { execFor } from './exec.ts';
import { linkStatus } from './link-lines.ts';
import { listenKeys } from './listen-keys.ts';
import { listenLog } from './listen-log.ts';
import { type ListenOptions, readSettings } from './listen-settings.ts';
import { type OpenWay, prepareWay, readWay, TUNNEL_TOKEN } from './listen-way.ts';
import {
  address,
  collect,
  oneOf,
  wholeNumber,
  withEndpointOption,
  withOutputOptions,
  withSecretOptions,
  withStoreOption,
} from './options.ts';
import { startProgress } from './progress.ts';
import { receiverSecrets } from './secrets.ts';
import { ALLOW_HTTP_HELP, TARGET_HELP } from './target.ts';

const GRACE_MS = 5000;

export function configure(command: Command, start: StartContext): void {
  withEndpointOption(withSecretOptions(withStoreOption(withOutputOptions(command))))
    .argument('[forward-to]', `where to forward deliveries: ${TARGET_HELP}`)
    .option('-p, --port <port>', 'listen on this port; 0 for any free one', wholeNumber(0, 65_535), 4800)
    .option('--host <address>', 'listen on this address', address, '127.0.0.1')
    .option('--path <path>', 'take deliveries on this path only; repeatable (default: any)', collect)
    .option('-f, --forward-to <target>', 'the same as the argument')
    .option('--insecure', 'accept any TLS certificate of the app')
    .option('--allow-http', ALLOW_HTTP_HELP)
    .option('-e, --events <list>', 'forward only these event types: connected,missed')
    .addOption(
      oneOf(
        '--ack <when>',
        "answer with the app's status, or first of all; relay: the relay answers and keeps what comes (default: app)",
        ['app', 'first', 'relay'],
      ),
    )
    .option('--respond <statuses>', "rehearse the platform's retries: 503, or 500,500,200")
    .option('--delay <time>', 'answer only after this long: 35s')
    .option('--no-verify', 'accept any signature')
    .addOption(
      oneOf('--invalid-status <status>', 'the answer to a bad signature', ['400', '401']).default('400'),
    )
    .option('--max-age <time>', 'warn of older events; with --strict refuse them')
    .option('--strict', 'refuse what is no event, withhold suspected replays')
    .option('--max-body <size>', 'the largest body taken', '1MiB')
    .option('--allow-host <name...>', 'accept only these host names in requests (default: any)')
    .option('--with-bodies', 'with --json: the headers and the body of each delivery too, numbers unmasked')
    .option('--for <time>', 'end after this long')
    .option('--max-events <n>', 'end after this many events', wholeNumber(1))
    .option('--print-secret', 'print the secret and end')
    .option('--write-env <file>', 'write MO_SECRET=… into this file, with mode 0600')
    .option('--exec <command>', 'run this for each new event, its body on standard input')
    .option(
      '--dashboard-port <port>',
      'the dashboard on this port; 0 for any free one (default: 4801)',
      wholeNumber(0, 65_535),
    )
    .option('--no-dashboard', 'no dashboard')
    .option('--tunnel <url>', 'be reachable through a relay: wss://relay.example.com/CHANNEL')
    .option('--tunnel-token-env <name>', `the channel's token is in this variable (default: ${TUNNEL_TOKEN})`)
    .option('--takeover', 'take the place of a listener that is attached to the channel')
    .option('--fan-out', 'share the channel with a listener that is attached')
    .option('--exit-on-disconnect', 'end with 3 as soon as the tunnel is lost, for CI')
    .option('--public-url <url>', 'cloudflared, ngrok or ssh lead from this URL to here already')
    .option('--allow-private', 'probe the public URL that a relay names, even on another host, port or path')
    .option('--no-probe', 'say ready without a delivery through the public URL')
    .addHelpText(
      'after',
      `
Examples:
  mo-notify listen                              verify and record what comes to port 4800
  mo-notify listen 3000                         and hand it on to http://127.0.0.1:3000/
  mo-notify listen --respond 500,500,200        see the sender's retries at work
  mo-notify listen --json --max-events 1        one event as data, for a script
  mo-notify listen 3000 --tunnel wss://relay.example.com/CHANNEL
                                                reachable from the internet, through a relay of your own
Keys on a terminal: o opens the dashboard, r resends the last to the app, p pauses the output,
c clears it, q quits.`,
    )
    .action(async (forwardTo: string | undefined, options: ListenOptions) => {
      const context = start(options);
      context.exitCode = await listen(context, options, forwardTo ?? options.forwardTo);
    });
}

async function listen(
  context: Context,
  options: ListenOptions,
  forwardTo: string | undefined,
): Promise<ExitCode> {
  const { io } = context;
  const settings = readSettings(options);
  const planned = readWay(options, io.env);
  const { secrets, made } = await receiverSecrets(context, options);
  const secret = secrets[0] as (typeof secrets)[number];
  if (options.printSecret === true) {
    if (options.json === true) context.printJson({ type: 'secret', name: secret.name, secret: secret.value });
    else context.print(secret.value);
    return EXIT.ok;
  }
  if (options.writeEnv !== undefined) {
    const { writeEnvFile } = await import('../config/secrets.ts');
    writeEnvFile(options.writeEnv, secret);
    context.note(`Wrote MO_SECRET to ${options.writeEnv} (mode 0600).`);
  }
  const store = await context.store();
  const app = forwardTo === undefined ? null : await appForwarder(context, forwardTo, options);
  const forwarder = app?.forwarder ?? null;
  const ending = endSignal(context, settings.forMs);
  const log = listenLog(context, {
    app,
    secrets,
    withBodies: options.withBodies === true,
  });
  const hints = forwarder === null ? null : appHints(context, forwarder.url);
  const exec = options.exec === undefined ? null : execFor(options.exec, context);
  let dashboard: Dashboard | null = null;
  const receiver = createReceiver({
    secrets: options.verify ? secrets : null,
    store,
    newId: () => newId('rc', io.now()),
    ...settings,
    strict: options.strict === true,
    ack: options.ack === 'first' ? 'first' : 'app',
    forwarder,
    rehearsal: settings.rehearse(ending.signal),
    onReceived: log.received,
    onStored: (seq, receipt, payload) => dashboard?.received(seq, receipt, payload),
    onAnswered: (receipt, request, answer) => {
      log.answered(receipt, request, answer);
      if (answer !== null) hints?.answered(answer);
      dashboard?.answered(receipt);
      if (
        exec !== null &&
        receipt.status !== null &&
        receipt.status < 300 &&
        receipt.duplicate !== 'duplicate' &&
        !(options.strict === true && receipt.duplicate === 'suspected_replay')
      )
        exec(request);
      if (log.events() >= (options.maxEvents ?? Number.POSITIVE_INFINITY)) ending.end();
    },
    onStoreFailure: log.storeFailure,
  });
  const way =
    planned === null
      ? null
      : prepareWay(context, planned, {
          receive: receiver.receive,
          target: settings.paths?.[0] ?? '/',
          onLink: log.link,
          onStuck: log.stuck,
        });
  if (planned?.token && settings.paths !== null && settings.paths.length > 1)
    context.note(`Deliveries through the relay come to ${settings.paths[0]}, the first --path.`);
  const server = await serve({
    host: options.host,
    port: options.port,
    maxBody: settings.maxBody,
    allowHosts: options.allowHost?.map((host) => host.toLowerCase()) ?? null,
    now: io.now,
    handle: (request) => way?.intercept(request) ?? receiver.receive(request),
    onFault: log.fault,
  });
  const url = receiverUrl(server);
  if (options.dashboard) {
    const { serveDashboard } = await import('./serve-dashboard.ts');
    dashboard = await serveDashboard(context, {
      store,
      host: '127.0.0.1',
      // Next to a receiver on any free port, any free port.
      port: options.dashboardPort ?? (options.port === 0 ? 0 : null),
      portFlag: '--dashboard-port',
      receiver: `${url}${settings.paths?.[0] ?? ''}`,
      app,
      secrets: options.verify ? secrets : [],
    }).catch(async (error) => {
      await server.close(0);
      throw error;
    });
  }
  let opened: OpenWay | null = null;
  try {
    opened = (await way?.open(ending.ended)) ?? null;
  } catch (error) {
    await way?.close(0);
    await dashboard?.close();
    await server.close(0);
    await forwarder?.close();
    throw error;
  }
  let failure: KnownError | null = null;
  void opened?.tunnel?.ended.then((error) => {
    failure = error;
    ending.end();
  });
  // Null where it was ended before the way was open.
  if (way === null || opened !== null)
    log.ready({
      url,
      way: opened,
      dashboard: dashboard?.link ?? null,
      secret,
      made,
      verify: options.verify,
      location: store.location,
    });
  const { tunnel } = opened ?? { tunnel: null };
  const foot =
    tunnel === null || !io.stdout.isTTY
      ? null
      : await startProgress(context, (style) => linkStatus(tunnel, io.elapsed(), style), { look: 'still' });
  const resuming = keepResuming(receiver.resume, {
    onResumed: (count) =>
      context.note(
        `Forwarded ${count} ${count === 1 ? 'delivery' : 'deliveries'} that another run had acknowledged and not forwarded.`,
      ),
    onFailure: (error) => context.warn(`mo-notify: what another run left is not forwarded: ${error.message}`),
  });
  const keys = listenKeys(context, {
    log,
    app,
    pathCounts: settings.paths !== null,
    dashboard,
    quit: ending.end,
  });
  await ending.ended;
  keys.stop();
  foot?.stop();
  log.stop();
  // What the app has not answered by then is cut off, for the sender's retry or the next run to mend.
  const cut = setTimeout(() => {
    void forwarder?.close();
    exec?.stop();
  }, GRACE_MS);
  await dashboard?.close();
  await Promise.all([way?.close(GRACE_MS), server.close(GRACE_MS)]);
  await resuming.stop();
  await receiver.drain();
  await exec?.drain();
  clearTimeout(cut);
  await forwarder?.close();
  log.summary();
  if (failure !== null) throw failure;
  return ending.interrupted() ? EXIT.interrupted : EXIT.ok;
}

function receiverUrl({ host, port }: Listening): string {
  return `http://${urlHost(host)}:${port}`;
}
