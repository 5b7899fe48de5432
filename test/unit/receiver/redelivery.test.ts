import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { delivery } from '../../helpers/delivery.ts';
import { heldApp, testReceiver } from '../../helpers/test-receiver.ts';

test('a retry that comes as the app refuses the first is forwarded, and a third delivery waits for its answer', async () => {
  const app = heldApp();
  const receiver = await testReceiver({ forwarder: app });
  const called = async (times: number) => {
    while (app.calls.length < times) await turn();
  };
  const first = receiver.send(delivery());
  await called(1);
  app.calls[0]?.answer(500);
  const retry = receiver.send(delivery());
  await called(2);
  expect((await first).status).toBe(500);
  const third = receiver.send(delivery());
  while ((await receiver.store.tally({})).received.receipts < 3) await turn();
  app.calls[1]?.answer(200);
  expect((await retry).status).toBe(200);
  expect((await third).status).toBe(200);
  expect(app.calls).toHaveLength(2);
});
