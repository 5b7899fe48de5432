import type { Command } from 'commander';
import { credentialsIn } from '../core/credentials.ts';
import { UsageError } from '../core/errors.ts';
import { hiding, secretsIn } from '../core/hide-values.ts';
import { attemptToJson } from '../core/record.ts';
import { DEFAULT_TIMEOUT_MS, type RetrySchedule, toSchedule } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import { parseDuration } from '../core/time.ts';
import type { DeliveryStyle } from '../sender/delivery.ts';
import type { Planned } from '../sender/plan.ts';
import type { Clock } from '../sender/send.ts';
import type { Context } from './context.ts';
import { collect, parseHeaders, wholeNumber } from './options.ts';
import { proxyFor } from './proxy.ts';
import { runClock } from './run-clock.ts';
import { type SendProgress, sendProgress } from './send-progress.ts';
import { stopSignals } from './stop-signals.ts';
import { ALLOW_HTTP_HELP, type Target } from './target.ts';

const CLOSED_LOOP = 16;
const OPEN_LOOP = 256;

/** The flags of the commands that send deliveries. */
export interface SendingOptions {
  concurrency?: number;
  retries?: number;
  backoff?: string;
  timeout?: string;
  toolHeaders?: boolean;
  header?: string[];
  insecure?: boolean;
  allowHttp?: boolean;
}

/** How a run sends, by its flags, else by what the config says of the endpoint. */
export interface Sending {
  target: Target;
  schedule: RetrySchedule;
  timeoutMs: number;
  concurrency: number | null;
  insecure: boolean;
  style: DeliveryStyle;
  /** Masks in an answer what the endpoint was sent and may repeat. */
  hide: (text: string) => string;
}

export function withSendingOptions(command: Command): Command {
  return command
    .option('--rate <n/s>', 'open loop: send this many a second, however slow the answers')
    .option('--concurrency <n>', 'requests under way at once', wholeNumber(1, 10_000))
    .option('--retries <n>', 'retries of a failed delivery (default: 3)', wholeNumber(0, 100))
    .option('--backoff <list>', 'pauses before the retries (default: 1s,5s,25s)')
    .option('--timeout <time>', 'the whole of an attempt (default: 30s)')
    .option('--force', 'send what the endpoint does not subscribe to, too')
    .option('--no-tool-headers', 'leave out X-MO-Sent-At and X-MO-Replay, as the platform does')
    .option('-H, --header <line>', "add a header: 'X-Team: sales'; repeatable", collect)
    .option('--insecure', 'accept any TLS certificate')
    .option('--allow-http', ALLOW_HTTP_HELP);
}

/** `replay` is the run's id where it is one. Throws UsageError. */
export function readSending(options: SendingOptions, target: Target, replay: string | null): Sending {
  const { endpoint } = target;
  const extraHeaders = parseHeaders(options.header ?? []);
  const timeout = options.timeout ?? endpoint?.timeout;
  const timeoutMs = timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(timeout, '--timeout');
  if (timeoutMs === 0)
    throw new UsageError("--timeout: '0s' would fail every attempt. Give it some time, such as 30s.");
  return {
    target,
    schedule: toSchedule({
      retries: options.retries ?? endpoint?.retries,
      backoff: options.backoff ?? endpoint?.backoff,
    }),
    timeoutMs,
    concurrency: options.concurrency ?? null,
    insecure: options.insecure === true,
    style: { toolHeaders: options.toolHeaders !== false, replay, extraHeaders },
    hide: hiding([...secretsIn(target.url), ...credentialsIn(extraHeaders)]),
  };
}

export interface SendingRun {
  run: string;
  /** What is sent and when; the clock is the run's own. */
  planned: (clock: Clock) => AsyncIterable<Planned> | Iterable<Planned>;
  /** How many deliveries it will be, as far as that is known. */
  expected: number | null;
  /** Whether deliveries come at times of their own, however slow the answers. */
  openLoop: boolean;
  /** A negative test. */
  faulty: boolean;
  /** Whether what a Ctrl-C leaves undone is taken up later. */
  resumable: boolean;
  store: Store | null;
}

/** Sends it all, shows it as it goes, and stops at Ctrl-C: nothing new then, and a while for what is under way. */
export async function sendRun(
  context: Context,
  { target, schedule, timeoutMs, concurrency, insecure, style, hide }: Sending,
  { run, planned, expected, openLoop, faulty, resumable, store }: SendingRun,
): Promise<{ progress: SendProgress; stopped: boolean }> {
  const { createTransport } = await import('../http/attempt.ts');
  const { sendAll } = await import('../sender/send.ts');
  const { url, name, shown, allowHttp } = target;
  const connections = concurrency ?? (openLoop ? OPEN_LOOP : CLOSED_LOOP);
  const transport = createTransport({
    url,
    connections,
    timeoutMs,
    insecure,
    allowHttp,
    proxy: proxyFor(url),
  });
  const progress = await sendProgress(context, { expected, faulty, hide });
  const stop = stopSignals(context, transport);
  const clock = runClock(context.io);
  try {
    await sendAll(planned(clock), {
      endpoint: name,
      url: shown,
      transport,
      store,
      schedule,
      style,
      concurrency: connections,
      run,
      clock,
      random: context.io.random,
      resumable,
      drain: stop.drain,
      onAttempt: (attempt, result, first) => {
        if (context.options.json === true) context.printJson(attemptToJson(attempt));
        progress.attempt(attempt, result, first);
      },
    });
  } finally {
    stop.done();
    progress.stop();
    await transport.close();
  }
  return { progress, stopped: stop.drain.aborted };
}
