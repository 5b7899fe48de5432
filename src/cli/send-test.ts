import type { Command } from 'commander';
import { EXIT, UsageError } from '../core/errors.ts';
import { BODY_FORMATS } from '../core/event.ts';
import { newId } from '../core/id.ts';
import { attemptToJson } from '../core/record.ts';
import { toSchedule } from '../core/schedule.ts';
import { parseDuration } from '../core/time.ts';
import { FAULTS } from '../sender/delivery.ts';
import { planDeliveries } from '../sender/plan.ts';
import { SCENARIOS } from '../sender/scenario.ts';
import type { Context, StartContext } from './context.ts';
import {
  collect,
  oneOf,
  parseHeaders,
  wholeNumber,
  withConfigOption,
  withOutputOptions,
  withSecretOptions,
  withStoreOption,
} from './options.ts';
import { runClock } from './run-clock.ts';
import { refuseSharedStdin, targetSecret } from './secrets.ts';
import { expectedCount, type SendTestOptions, toPlan, withinDuration } from './send-plan.ts';
import { showDeliveries } from './send-preview.ts';
import { noTotals, sendProgress } from './send-progress.ts';
import { stopSignals } from './stop-signals.ts';
import { resolveTarget, type Target } from './target.ts';
import { parseSendThresholds, unmetThresholds } from './thresholds.ts';

const DEFAULT_TARGET = '4800';
const CLOSED_LOOP = 16;
const OPEN_LOOP = 256;

export function configure(command: Command, start: StartContext): void {
  withConfigOption(withSecretOptions(withStoreOption(withOutputOptions(command))))
    .argument('[target]', "an endpoint's name, a URL, or a port on this machine", DEFAULT_TARGET)
    .option(
      '-e, --event <type>',
      'event type: connected, call_missed, …; repeatable (default: call_connected)',
      collect,
    )
    .option('--scenario <name>', `a call's life: ${SCENARIOS.join(', ')}`)
    .option('--speed <factor>', 'pace of a scenario: 1x, 10x, max', '1x')
    .option('--set <path=value>', 'change a field: metadata.queue=Support; repeatable', collect)
    .option('--data <file>', 'send these exact bytes; - for standard input')
    .option('--event-id <id>', 'use this event id')
    .option('--call-id <id>', 'use this call id')
    .option('-n, --count <n>', 'how many events, or calls of a scenario', wholeNumber(1))
    .option('--rate <n/s>', 'open loop: send this many a second, however slow the answers')
    .option('--duration <time>', 'send for this long: 30s, 5m')
    .option('--concurrency <n>', 'requests under way at once', wholeNumber(1, 10_000))
    .option('--retries <n>', 'retries of a failed delivery (default: 3)', wholeNumber(0, 100))
    .option('--backoff <list>', 'pauses before the retries (default: 1s,5s,25s)')
    .option('--timeout <time>', 'the whole of an attempt (default: 30s)')
    .option('--force', 'send what the endpoint does not subscribe to, too')
    .option('--duplicate <n>', 'send each event this many times more', wholeNumber(0, 10_000), 0)
    .option('--shuffle', 'send out of order')
    .addOption(oneOf('--fault <kind>', 'a negative test: succeeds when the receiver refuses', FAULTS))
    .addOption(oneOf('--body-format <form>', 'how the JSON is written', BODY_FORMATS).default('compact'))
    .option('--no-tool-headers', 'leave out X-MO-Sent-At, as the platform does')
    .option('-H, --header <line>', "add a header: 'X-Team: sales'; repeatable", collect)
    .option('--curl', 'print the cURL command instead of sending')
    .option('--dry-run', 'show what would be sent, send nothing')
    .option('--insecure', 'accept any TLS certificate')
    .option(
      '--threshold <expr>',
      "fail unless it holds: 'p(95)<500ms', 'success_rate>=99%'; repeatable",
      collect,
    )
    .option('--no-record', 'keep no record of the attempts')
    .addHelpText(
      'after',
      `
Examples:
  mo-notify send-test 3000                                 one signed event to a local app
  mo-notify send-test https://example.com/notify -e missed
  mo-notify send-test --scenario answered --speed 10x      a call's life
  mo-notify send-test -n 1000 --rate 200/s --json
  mo-notify send-test --fault bad-signature                succeeds when it is refused`,
    )
    .action(async (target: string, options: SendTestOptions) => {
      const context = start(options);
      context.exitCode = await sendTest(context, await resolveTarget(context, target), options);
    });
}

async function sendTest(context: Context, target: Target, options: SendTestOptions) {
  const { url, endpoint } = target;
  refuseSharedStdin('--data', options.data, options);
  const secret = await targetSecret(context, options, target);
  const extraHeaders = parseHeaders(options.header ?? []);
  const style = { toolHeaders: options.toolHeaders, replay: null, extraHeaders };
  const thresholds = parseSendThresholds(options.threshold ?? [], noTotals());
  const plan = await toPlan(context, options, secret.value, target);
  const schedule = toSchedule({
    retries: options.retries ?? endpoint?.retries,
    backoff: options.backoff ?? endpoint?.backoff,
  });
  const timeoutMs = parseDuration(options.timeout ?? endpoint?.timeout ?? '30s', '--timeout');
  if (timeoutMs === 0)
    throw new UsageError("--timeout: '0s' would fail every attempt. Give it some time, such as 30s.");
  const planned = withinDuration(planDeliveries(plan), options, plan.rate, context);
  if (options.curl === true || options.dryRun === true)
    return showDeliveries(context, url, planned, { options, style, total: expectedCount(plan) });

  const { createTransport } = await import('../http/attempt.ts');
  const { sendAll } = await import('../sender/send.ts');
  const concurrency = options.concurrency ?? (plan.rate === null ? CLOSED_LOOP : OPEN_LOOP);
  const transport = createTransport({
    url,
    connections: concurrency,
    timeoutMs,
    insecure: options.insecure === true,
  });
  const store = options.record ? await context.store() : null;
  const progress = sendProgress(context, url, {
    expected: expectedCount(plan),
    faulty: plan.fault !== null,
  });
  const stop = stopSignals(context, transport);
  try {
    await sendAll(planned, {
      endpoint: target.name,
      url,
      transport,
      store,
      schedule,
      style,
      concurrency,
      run: newId('run', context.io.now()),
      clock: runClock(context.io),
      random: context.io.random,
      drain: stop.drain,
      onAttempt: (attempt, result, first) => {
        if (options.json === true) context.printJson(attemptToJson(attempt));
        progress.attempt(attempt, result, first);
      },
    });
  } finally {
    stop.done();
    progress.stop();
    await transport.close();
  }
  const summary = progress.summary();
  if (options.json === true) context.printJson(summary);
  else progress.printSummary(url, store);
  if (context.io.interrupted.aborted) return EXIT.interrupted;
  const unmet = unmetThresholds(thresholds, progress.totals());
  for (const line of unmet) context.warn(`mo-notify: ${line}`);
  return progress.succeeded() && unmet.length === 0 ? EXIT.ok : EXIT.shortfall;
}
