import type { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import { BODY_FORMATS } from '../core/event.ts';
import { newId } from '../core/id.ts';
import { FAULTS } from '../sender/delivery.ts';
import { planDeliveries } from '../sender/plan.ts';
import { SCENARIOS } from '../sender/scenario.ts';
import type { Context, StartContext } from './context.ts';
import {
  collect,
  oneOf,
  wholeNumber,
  withConfigOption,
  withOutputOptions,
  withSecretOptions,
  withStoreOption,
} from './options.ts';
import { refuseSharedStdin, targetSecret } from './secrets.ts';
import { expectedCount, type SendTestOptions, toPlan, withinDuration } from './send-plan.ts';
import { showDeliveries } from './send-preview.ts';
import { noTotals } from './send-progress.ts';
import { readSending, sendRun, withSendingOptions } from './sending.ts';
import { resolveTarget, TARGET_HELP, type Target } from './target.ts';
import { parseSendThresholds, unmetThresholds } from './thresholds.ts';

const DEFAULT_TARGET = '4800';

export function configure(command: Command, start: StartContext): void {
  withSendingOptions(withConfigOption(withSecretOptions(withStoreOption(withOutputOptions(command)))))
    .argument('[target]', TARGET_HELP, DEFAULT_TARGET)
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
    .option('--duration <time>', 'send for this long: 30s, 5m')
    .option('--duplicate <n>', 'send each event this many times more', wholeNumber(0, 10_000), 0)
    .option('--shuffle', 'send out of order')
    .addOption(oneOf('--fault <kind>', 'a negative test: succeeds when the receiver refuses', FAULTS))
    .addOption(oneOf('--body-format <form>', 'how the JSON is written', BODY_FORMATS).default('compact'))
    .option('--curl', 'print the cURL command instead of sending')
    .option('--dry-run', 'show what would be sent, send nothing')
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
      context.exitCode = await sendTest(context, await resolveTarget(context, target, options), options);
    });
}

async function sendTest(context: Context, target: Target, options: SendTestOptions) {
  refuseSharedStdin('the body (--data -)', options.data, options);
  const secret = await targetSecret(context, options, target);
  const sending = readSending(options, target, null);
  const thresholds = parseSendThresholds(options.threshold ?? [], noTotals());
  const plan = await toPlan(context, options, secret.value, target);
  const planned = withinDuration(planDeliveries(plan), options, plan.rate, context);
  const expected = expectedCount(plan);
  if (options.curl === true || options.dryRun === true)
    return showDeliveries(context, target, planned, { options, style: sending.style, total: expected });

  const store = options.record ? await context.store() : null;
  const { progress } = await sendRun(context, sending, {
    run: newId('run', context.io.now()),
    planned: () => planned,
    expected,
    openLoop: plan.rate !== null,
    faulty: plan.fault !== null,
    resumable: false,
    store,
  });
  const summary = progress.summary();
  if (options.json === true) context.printJson(summary);
  else await progress.printSummary(target.url, store);
  if (context.io.interrupted.aborted) return EXIT.interrupted;
  const unmet = unmetThresholds(thresholds, progress.totals());
  for (const line of unmet) context.warn(`mo-notify: ${line}`);
  return progress.succeeded() && unmet.length === 0 ? EXIT.ok : EXIT.shortfall;
}
