import { expect, test } from 'vitest';
import { sendAll } from '../../../src/sender/send.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { fakeTransport, planned, sendOptions } from '../../helpers/fake-transport.ts';

/** A run that can be interrupted. */
function interruptible(reply: number, latencyMs: number, concurrency: number) {
  const clock = fakeClock();
  const transport = fakeTransport(clock, () => reply, latencyMs);
  const interrupt = new AbortController();
  const options = sendOptions(transport, clock, { concurrency, drain: interrupt.signal });
  return { clock, transport, options, interrupt: () => interrupt.abort() };
}

test('an interrupt lets what is under way end and begins nothing new', async () => {
  const { clock, transport, options, interrupt } = interruptible(200, 100, 2);
  const run = sendAll(planned(50), options);
  await clock.advanceTo(150);
  interrupt();
  await clock.run(run);
  expect(transport.sent).toHaveLength(4);
  expect(options.attempts.map(({ outcome }) => outcome)).toEqual(Array(4).fill('delivered'));
  expect(clock.elapsed()).toBe(200);
});

test('an interrupt ends the wait for the next due event', async () => {
  const { clock, transport, options, interrupt } = interruptible(200, 0, 2);
  const run = sendAll(planned(3, 60_000), options);
  await clock.advanceTo(1000);
  interrupt();
  await clock.run(run);
  expect(transport.sent).toHaveLength(1);
  expect(clock.elapsed()).toBe(1000);
});

test('an interrupt ends backoffs without another attempt', async () => {
  const { clock, transport, options, interrupt } = interruptible(500, 0, 2);
  const run = sendAll(planned(5), options);
  await clock.advanceTo(500);
  interrupt();
  await clock.run(run);
  expect(transport.sent).toHaveLength(5);
  expect(clock.elapsed()).toBe(500);
});

test('a retry that waits for a free connection is not sent after an interrupt', async () => {
  const { clock, transport, options, interrupt } = interruptible(500, 1500, 1);
  const run = sendAll(planned(2), options);
  await clock.advanceTo(2700);
  expect(transport.sent.map(({ at }) => at)).toEqual([0, 1500]);
  interrupt();
  await clock.run(run);
  expect(transport.sent).toHaveLength(2);
  expect(clock.elapsed()).toBe(3000);
});

test('giving up on an endpoint that never answers ends the run, with more events waiting', async () => {
  const { clock, transport, options, interrupt } = interruptible(200, Number.POSITIVE_INFINITY, 2);
  const run = sendAll(planned(50), options);
  await clock.advanceTo(1000);
  interrupt();
  await clock.advanceTo(6000);
  transport.abort();
  await clock.run(run);
  expect(transport.sent).toHaveLength(2);
  expect(options.attempts).toMatchObject([
    { outcome: 'aborted', final: true },
    { outcome: 'aborted', final: true },
  ]);
});

test('what fails during the drain is not retried: that attempt is its last', async () => {
  const { clock, transport, options, interrupt } = interruptible(500, 100, 1);
  const run = sendAll(planned(1), options);
  await clock.advanceTo(50);
  interrupt();
  await clock.run(run);
  expect(transport.sent).toHaveLength(1);
  expect(options.attempts).toMatchObject([{ attempt: 1, status: 500, final: true }]);
});
