import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../core/errors.ts';
import { newId } from '../core/id.ts';
import { type Attempt, attemptToJson, isSuccess, type Receipt, receiptToJson } from '../core/record.ts';
import type { Store } from '../core/store.ts';
import { formatDuration } from '../core/time.ts';
import { createTransport } from '../http/attempt.ts';
import { serve } from '../http/serve.ts';
import { createReceiver } from '../receiver/receiver.ts';
import { buildReport } from '../report/report.ts';
import { renderKpis } from '../report/table.ts';
import type { Delivery, Fault } from '../sender/delivery.ts';
import { type Planned, planDeliveries } from '../sender/plan.ts';
import type { Scenario } from '../sender/scenario.ts';
import { sendAll } from '../sender/send.ts';
import { openStore } from '../store/open.ts';
import type { Context, StartContext } from './context.ts';
import { withOutputOptions } from './options.ts';
import { withProgress } from './progress.ts';
import { runClock } from './run-clock.ts';

const BURST = 1000;
const BACKOFF_MS = [300, 600, 1200];
const MAX_BODY = 1024 ** 2;

/** One part of the demo: what was sent, what arrived, and whether it went as it should. */
interface Step {
  name: string;
  ok: boolean;
  attempts: Attempt[];
  receipts: Receipt[];
}

export function configure(command: Command, start: StartContext): void {
  withOutputOptions(command)
    .addHelpText('after', '\nExample:\n  mo-notify demo')
    .action(async (options) => {
      const context = start(options);
      const store = await openStore('sqlite::memory:');
      try {
        context.exitCode = await demo(context, store);
      } finally {
        await store.close();
      }
    });
}

async function demo(context: Context, store: Store): Promise<ExitCode> {
  const { io } = context;
  const stage = await setUp(context, store);
  const { print, json, style } = stage;
  const steps: Step[] = [];
  try {
    print(style.strong('A receiver and a sender on this machine, with a secret made for this run.'));
    print(style.dim(`POST ${stage.url.href}\n`));

    print(style.strong('1  A call, from ringing to its end; the first answer is forced to be a 503'));
    steps.push(
      await stage.step('call', stage.plan({ scenario: 'answered', count: 1 }), (attempts) => {
        const retried = attempts.filter((a) => a.eventId === attempts[0]?.eventId);
        return (
          attempts.length === 4 &&
          retried[0]?.status === 503 &&
          retried[1]?.attempt === 2 &&
          isSuccess(retried[1].status)
        );
      }),
    );

    print(style.strong('\n2  The platform sends one of them twice'));
    const connected = stage.deliveries[1] as Delivery;
    steps.push(
      await stage.step(
        'duplicate',
        [{ afterMs: null, make: () => connected }],
        (_, receipts) => receipts[0]?.duplicate === 'duplicate',
      ),
    );

    print(style.strong('\n3  Somebody without the secret forges an event'));
    steps.push(
      await stage.step(
        'forged',
        stage.plan({ count: 1, fault: 'bad-signature' }),
        (attempts, receipts) => attempts[0]?.status === 400 && receipts[0]?.signature === 'mismatch',
      ),
    );

    print(style.strong(`\n4  A busy minute: ${BURST} more events, as fast as they are answered`));
    const took = await withProgress(
      context,
      () => `sending ${BURST} events`,
      async () => {
        const began = performance.now();
        steps.push(
          await stage.step(
            'burst',
            stage.plan({ count: BURST }),
            (attempts) => attempts.filter((a) => isSuccess(a.status)).length === BURST,
          ),
        );
        return performance.now() - began;
      },
    );
    print(
      `   ${BURST} delivered in ${formatDuration(took)}, ${Math.round(BURST / (took / 1000))} a second, each one verified and on record before its 200`,
    );
  } finally {
    await stage.close();
  }
  const report = buildReport(await store.tally({}), { from: null, to: null });
  const ok = steps.every((step) => step.ok);
  if (json) {
    context.printJson({
      ok,
      steps: steps.map(({ name, ok: good, attempts, receipts }) => ({
        name,
        ok: good,
        attempts: name === 'burst' ? attempts.length : attempts.map(attemptToJson),
        receipts: name === 'burst' ? receipts.length : receipts.map(receiptToJson),
      })),
      report,
    });
  } else {
    print(style.strong('\n5  What the record says'));
    print(renderKpis(report.kpis, style, io.stdout.columns));
    print(
      ok
        ? style.good('\nEverything went as it should.')
        : style.bad('\nSomething did not go as it should; see above.'),
    );
    context.note(`Next: run 'mo-notify listen' here, and in another terminal 'mo-notify send-test'.`);
  }
  return ok ? EXIT.ok : EXIT.shortfall;
}

/** The demo's receiver and sender, and a way to run one step through them. */
async function setUp(context: Context, store: Store) {
  const { io } = context;
  const json = context.options.json === true;
  const style = context.style('stdout');
  const print = (text: string) => {
    if (!json) context.print(text);
  };
  const secret = randomBytes(24).toString('base64url');
  const deliveries: Delivery[] = [];
  let receipts: Receipt[] = [];
  const receiver = createReceiver({
    secrets: [{ name: 'demo', value: secret }],
    store,
    newId: () => newId('rc', io.now()),
    maxBody: MAX_BODY,
    paths: null,
    invalidStatus: 400,
    strict: false,
    maxAgeMs: null,
    ack: 'app',
    forwarder: null,
    events: null,
    rehearsal: { statuses: [503, 200], pause: async () => {} },
    onAnswered: (receipt) => receipts.push(receipt),
  });
  const server = await serve({
    host: '127.0.0.1',
    port: 0,
    maxBody: MAX_BODY,
    allowHosts: null,
    now: io.now,
    handle: receiver.receive,
  });
  const url = new URL(`http://127.0.0.1:${server.port}/`);
  const transport = createTransport({ url, connections: 16, timeoutMs: 5000 });

  function plan(wanted: { scenario?: Scenario; count: number; fault?: Fault }): Iterable<Planned> {
    return planDeliveries({
      events: ['call_connected'],
      scenario: wanted.scenario ?? null,
      count: wanted.count,
      rate: null,
      speed: Number.POSITIVE_INFINITY,
      duplicate: 0,
      shuffle: false,
      fault: wanted.fault ?? null,
      bodyFormat: 'compact',
      secret,
      eventId: null,
      callId: null,
      data: null,
      changes: (event) => event,
      random: io.random,
    });
  }

  async function step(
    name: string,
    planned: Iterable<Planned>,
    check: (attempts: Attempt[], receipts: Receipt[]) => boolean,
  ): Promise<Step> {
    const attempts: Attempt[] = [];
    receipts = [];
    const loud = name !== 'burst';
    await sendAll(keep(planned, loud ? deliveries : null), {
      endpoint: 'demo',
      url: url.href,
      transport,
      store,
      schedule: { retries: 3, backoffMs: BACKOFF_MS },
      style: { toolHeaders: true, replay: null, extraHeaders: [] },
      concurrency: loud ? 1 : 16,
      run: newId('run', io.now()),
      clock: runClock(io),
      random: io.random,
      drain: io.interrupted,
      onAttempt: (attempt) => {
        attempts.push(attempt);
        if (loud) print(describe(attempt, receipts.at(-1)));
      },
    });
    return { name, ok: check(attempts, receipts), attempts, receipts };
  }

  function describe(a: Attempt, receipt: Receipt | undefined): string {
    const expected = isSuccess(a.status) || (a.fault !== null && a.status === 400);
    const mark = expected ? style.good('✓') : style.warn('↻');
    const retry = a.final ? '' : style.warn('  forced; retried after a pause');
    const attempt = a.attempt > 1 ? style.strong(`  attempt ${a.attempt}`) : '';
    return `   ${mark} ${(a.event ?? '').padEnd(17)}  ${style.dim(`[${a.eventId}]`)}  ${a.status}${attempt}${retry}${remark(receipt)}`;
  }

  function remark(receipt: Receipt | undefined): string {
    if (receipt?.signature === 'mismatch') return style.good('  signature wrong: refused');
    return receipt?.duplicate === 'duplicate'
      ? style.good('  duplicate recognised, not processed again')
      : '';
  }

  return {
    print,
    json,
    style,
    url,
    deliveries,
    plan,
    step,
    close: async () => {
      await transport.close();
      await server.close(0);
    },
  };
}

function* keep(planned: Iterable<Planned>, kept: Delivery[] | null): Iterable<Planned> {
  for (const { afterMs, make } of planned) {
    yield {
      afterMs,
      make: (at) => {
        const delivery = make(at);
        kept?.push(delivery);
        return delivery;
      },
    };
  }
}
