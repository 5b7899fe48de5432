import type { Command } from 'commander';
import { EXIT, type ExitCode, UsageError } from '../core/errors.ts';
import { eventType } from '../core/event.ts';
import { newId } from '../core/id.ts';
import { parseDuration } from '../core/time.ts';
import { serve } from '../http/serve.ts';
import { createForwarder } from '../receiver/forward.ts';
import { createReceiver, type Rehearsal } from '../receiver/receiver.ts';
import type { CommonOptions, Context, StartContext } from './context.ts';
import { execFor } from './exec.ts';
import { listenKeys } from './listen-keys.ts';
import { listenLog } from './listen-log.ts';
import {
  oneOf,
  parseBytes,
  wholeNumber,
  withEndpointOption,
  withOutputOptions,
  withSecretOptions,
  withStoreOption,
} from './options.ts';
import { type EndpointSecretSources, receiverSecrets } from './secrets.ts';
import { parseTarget } from './target.ts';

interface ListenOptions extends CommonOptions, EndpointSecretSources {
  port: number;
  host: string;
  path?: string;
  forwardTo?: string;
  events?: string;
  ack: 'app' | 'first';
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
}

const GRACE_MS = 5000;

export function configure(command: Command, start: StartContext): void {
  withEndpointOption(withSecretOptions(withStoreOption(withOutputOptions(command))))
    .argument('[forward-to]', 'a URL, or a port on this machine, to hand deliveries on to')
    .option('-p, --port <port>', 'listen on this port; 0 for any free one', wholeNumber(0, 65_535), 4800)
    .option('--host <address>', 'listen on this address', '127.0.0.1')
    .option('--path <path>', 'take deliveries on this path only (default: any)')
    .option('-f, --forward-to <target>', 'the same as the argument')
    .option('-e, --events <list>', 'hand on only these types: connected,missed')
    .addOption(
      oneOf('--ack <when>', "answer with the app's status, or first of all", ['app', 'first']).default('app'),
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
    .addHelpText(
      'after',
      `
Examples:
  mo-notify listen                              verify and record what comes to port 4800
  mo-notify listen 3000                         and hand it on to http://127.0.0.1:3000/
  mo-notify listen --respond 500,500,200        see the sender's retries at work
  mo-notify listen --json --max-events 1        one event as data, for a script
Keys on a terminal: r resend the last to the app, p pause the output, c clear, q quit.`,
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
  const forwarder = forwardTo === undefined ? null : createForwarder(parseTarget(forwardTo));
  const ending = endSignal(context, settings.forMs);
  const log = listenLog(context, {
    forwardUrl: forwarder?.url ?? null,
    secrets,
    withBodies: options.withBodies === true,
  });
  const exec = options.exec === undefined ? null : execFor(options.exec, context);
  const receiver = createReceiver({
    secrets: options.verify ? secrets : null,
    store,
    newId: () => newId('rc', io.now()),
    ...settings,
    path: options.path ?? null,
    strict: options.strict === true,
    ack: options.ack,
    forwarder,
    rehearsal: settings.rehearse(ending.signal),
    onReceived: log.received,
    onAnswered: (receipt, request, app) => {
      log.answered(receipt, request, app);
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
  const server = await serve({
    host: options.host,
    port: options.port,
    maxBody: settings.maxBody,
    allowHosts: options.allowHost?.map((host) => host.toLowerCase()) ?? null,
    now: io.now,
    handle: receiver.receive,
    onFault: log.fault,
  });
  log.ready(server, { secret, made, verify: options.verify, location: store.location });
  const resuming = receiver.resume().then(
    (count) => {
      if (count > 0) context.note(`Handed on ${count} deliveries that an earlier run had acknowledged.`);
    },
    (error) => context.warn(`mo-notify: what an earlier run left was not handed on: ${error.message}`),
  );
  const keys = listenKeys(context, { log, forwarder, quit: ending.end });
  await ending.ended;
  keys.stop();
  log.stop();
  // What the app has not answered by then is cut off, for the sender's retry or the next run to mend.
  const cut = setTimeout(() => {
    void forwarder?.close();
    exec?.stop();
  }, GRACE_MS);
  await server.close(GRACE_MS);
  await resuming;
  await receiver.drain();
  await exec?.drain();
  clearTimeout(cut);
  await forwarder?.close();
  log.summary();
  return ending.interrupted() ? EXIT.interrupted : EXIT.ok;
}

function readSettings(options: ListenOptions) {
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

/** Ends the run on Ctrl-C, when stdout's reader has gone, when its time is up, or on request. */
function endSignal({ io }: Context, forMs: number | null) {
  const requested = new AbortController();
  // Unreferenced: where listening fails, it must not keep the process waiting.
  const timer = forMs === null ? undefined : setTimeout(() => requested.abort(), forMs).unref();
  const signal = AbortSignal.any([io.interrupted, io.closed, requested.signal]);
  const ended = new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
  return { signal, ended, end: () => requested.abort(), interrupted: () => io.interrupted.aborted };
}
