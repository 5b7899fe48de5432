import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { jsonLines, startListen, testIo } from '../helpers/test-io.ts';

test('a signed test event is sent, received, verified, recorded and reported', async () => {
  const listen = await startListen();
  const { cwd } = listen.io;

  const sender = testIo({ cwd });
  expect(await run(['send-test', String(listen.port), '-e', 'missed', '--json'], sender)).toBe(0);
  const [attempt, summary] = jsonLines(sender);
  expect(attempt).toMatchObject({
    kind: 'attempt',
    event: 'call_missed',
    outcome: 'delivered',
    status: 200,
    attempt: 1,
    final: true,
  });
  expect(summary).toMatchObject({ type: 'summary', sent: 1, delivered: 1, failed: 0, attempts: 1 });

  const [, receipt] = jsonLines(listen.io);
  expect(receipt).toMatchObject({
    type: 'receipt',
    event_id: attempt?.event_id,
    event: 'call_missed',
    signature: 'valid',
    duplicate: null,
    status: 200,
  });

  const reporter = testIo({ cwd });
  expect(await run(['report', '--json'], reporter)).toBe(0);
  expect(jsonLines(reporter)[0]).toMatchObject({
    totals: { events: 1, attempts: 1, receipts: 1, duplicates: 0, refused: 0 },
  });
  expect(await listen.stop()).toBe(130);
  expect(jsonLines(listen.io).at(-1)).toMatchObject({ type: 'summary', received: 1, events: 1 });
});
