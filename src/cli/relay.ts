import { hostname } from 'node:os';
import type { Command } from 'commander';
import { holdLock } from '../config/file-lock.ts';
import { EXIT, type ExitCode, UsageError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';
import { shownUrl } from '../core/redact.ts';
import type { RelayStore } from '../core/relay-store.ts';
import { parseDuration, parseSpan } from '../core/time.ts';
import { sameToken } from '../core/token.ts';
import { urlHost } from '../core/url-host.ts';
import { SYSTEM_CLOCK } from '../tunnel/clock.ts';
import { startRelay } from '../tunnel/relay.ts';
import type { CommonOptions, Context, StartContext } from './context.ts';
import { endSignal } from './end-signal.ts';
import { address, parseBytes, wholeNumber, withOutputOptions } from './options.ts';
import { configureChannel } from './relay-channel.ts';
import { relayLog } from './relay-log.ts';
import { openRelay, withRelayStore } from './relay-store.ts';
import { certificateEnd, followTls, readTls } from './tls-files.ts';

const GRACE_MS = 5000;
const DEFAULT_TOKEN = 'MO_RELAY_TOKEN';

interface RelayCliOptions extends CommonOptions {
  port: number;
  host: string;
  publicUrl?: string;
  tlsCert?: string;
  tlsKey?: string;
  trustProxy?: boolean;
  tokenEnv?: string;
  maxChannels: number;
  maxBody: string;
  maxQueue: string;
  maxMemory: string;
  retain: string;
  heartbeat: string;
  for?: string;
}

export function configure(command: Command, start: StartContext): void {
  // What stands behind `channel` is the subcommand's.
  command.enablePositionalOptions();
  withRelayStore(withOutputOptions(command))
    .option('-p, --port <port>', 'listen on this port; 0 for any free one', wholeNumber(0, 65_535), 4810)
    .option('--host <address>', 'listen on this address; 0.0.0.0 for all', address, '127.0.0.1')
    .option('--public-url <url>', 'how the platform and listeners call it: https://relay.example.com')
    .option('--tls-cert <file>', 'serve HTTPS with this certificate chain (PEM), instead of behind a proxy')
    .option('--tls-key <file>', 'and this key (PEM)')
    .option('--trust-proxy', 'believe X-Forwarded-For from a proxy on this machine')
    .option('--token-env <name>', `/metrics asks for the token in this variable (default: ${DEFAULT_TOKEN})`)
    .option('--max-channels <n>', 'so many channels at most', wholeNumber(1), 1000)
    .option('--max-body <size>', 'the largest body taken', '1MiB')
    .option('--max-queue <size>', 'so much may wait in each channel', '64MiB')
    .option('--max-memory <size>', 'maximum memory for the deliveries of all channels', '256MiB')
    .option('--retain <time>', 'how long a delivery is kept for a listener', '24h')
    .option('--heartbeat <time>', 'how often both ends of a link look for each other', '10s')
    .option('--for <time>', 'end after this long')
    .addHelpText(
      'after',
      `
Examples:
  mo-notify relay channel create dev            a channel: its URL, and a token for its listener
  mo-notify relay --public-url https://relay.example.com --trust-proxy
                                                behind nginx or Caddy on the same machine
  mo-notify relay --host 0.0.0.0 --port 443 --tls-cert fullchain.pem --tls-key privkey.pem
  mo-notify listen 3000 --tunnel wss://relay.example.com/CHANNEL
                                                on the developer's machine`,
    )
    .action(async (options: RelayCliOptions) => {
      const context = start(options);
      context.exitCode = await relay(context, options);
    });
  configureChannel(command, start);
}

async function relay(context: Context, options: RelayCliOptions): Promise<ExitCode> {
  const { io } = context;
  const settings = readSettings(options, io.env);
  const store = await openRelay(context, options);
  let release = () => {};
  try {
    release = holdLock(store.location);
    return await serveRelay(context, options, settings, store);
  } finally {
    await store.close();
    release();
  }
}

async function serveRelay(
  context: Context,
  options: RelayCliOptions,
  { publicUrl, tls, token, ...settings }: ReturnType<typeof readSettings>,
  store: RelayStore,
): Promise<ExitCode> {
  const { io } = context;
  const ending = endSignal(context, settings.forMs);
  const log = relayLog(context);
  const clock = { ...SYSTEM_CLOCK, now: io.now, elapsed: io.elapsed };
  const running = await startRelay({
    host: options.host,
    port: options.port,
    ...(tls === null ? {} : { tls: tls.pair }),
    publicUrl,
    store,
    clock,
    random: io.random,
    ...settings,
    trustProxy: options.trustProxy === true,
    token,
    onEvent: log.event,
  });
  const urlOf = (host: string) => `${tls === null ? 'http' : 'https'}://${urlHost(host)}:${running.port}`;
  const url = urlOf(running.host);
  // Every address of this machine is none that others could call.
  const everywhere = running.host === '0.0.0.0' || running.host === '::';
  await store.set('public_url', publicUrl ?? (everywhere ? urlOf(hostname()) : url));
  await store.set('max_channels', String(options.maxChannels));
  log.ready({ url, publicUrl, channels: await store.channels(), location: store.location });
  if (tls === null && !isLoopback(new URL(url)))
    context.warn(
      'mo-notify: tokens and deliveries cross the network in the open. Give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy with TLS.',
    );
  const stopFollowing =
    tls === null
      ? () => {}
      : followTls(tls, clock, {
          onRenewed: (renewed) => {
            running.renewTls(renewed);
            log.renewed(certificateEnd(renewed));
          },
          onRefused: (reason) => context.warn(`mo-notify: the certificate was not renewed: ${reason}`),
        });
  await ending.ended;
  stopFollowing();
  await running.close(GRACE_MS);
  log.summary(running.channels());
  return ending.interrupted() ? EXIT.interrupted : EXIT.ok;
}

/** What flags say, as values. Throws UsageError. */
function readSettings(options: RelayCliOptions, env: Record<string, string | undefined>) {
  const maxBody = parseBytes(options.maxBody);
  const maxQueue = parseBytes(options.maxQueue, '--max-queue', 64 * 1024 ** 3);
  if (maxQueue < maxBody)
    throw new UsageError(
      `--max-queue: '${options.maxQueue}' is less than one body of --max-body ${options.maxBody}. Give more.`,
    );
  const maxMemory = parseBytes(options.maxMemory, '--max-memory', 64 * 1024 ** 3);
  if (maxMemory < maxBody)
    throw new UsageError(
      `--max-memory: '${options.maxMemory}' is less than one body of --max-body ${options.maxBody}. Give more.`,
    );
  const heartbeatMs = parseDuration(options.heartbeat, '--heartbeat');
  if (heartbeatMs < 10 || heartbeatMs > 600_000)
    throw new UsageError(`--heartbeat: '${options.heartbeat}' is not from 10ms to 10m.`);
  return {
    publicUrl: readPublicUrl(options.publicUrl),
    tls: readTls(options),
    token: readToken(options.tokenEnv, env),
    maxBody,
    maxQueue,
    maxMemory,
    heartbeatMs,
    retainMs: parseSpan(options.retain, '--retain'),
    forMs: options.for === undefined ? null : parseDuration(options.for, '--for'),
  };
}

function readPublicUrl(text: string | undefined): string | null {
  if (text === undefined) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  const more = url === null || [url.username, url.password, url.search, url.hash].some((part) => part !== '');
  if (url === null || more || !/^https?:$/.test(url.protocol))
    throw new UsageError(
      `--public-url: '${shownUrl(text)}' is not how a relay is called. Write it like https://relay.example.com, with a path if it has one, and nothing else.`,
    );
  return url.href.replace(/\/$/, '');
}

function readToken(name: string | undefined, env: Record<string, string | undefined>) {
  const value = env[name ?? DEFAULT_TOKEN];
  if (value === undefined) {
    if (name === undefined) return null;
    throw new UsageError(`--token-env: the variable ${name} is not set. Set it to a token of your choice.`);
  }
  if (value.length < 16 || /[^\x21-\x7e]/.test(value))
    throw new UsageError(
      `--token-env: the token in ${name ?? DEFAULT_TOKEN} must have at least 16 printable characters and no white space.`,
    );
  return { matches: (given: string) => sameToken(given, value) };
}
