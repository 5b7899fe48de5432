import { expect, test } from 'vitest';
import { type Clock, SYSTEM_CLOCK } from '../../src/tunnel/clock.ts';
import { delivery } from '../helpers/delivery.ts';
import { eventually } from '../helpers/eventually.ts';
import { nth } from '../helpers/relay.ts';
import { slowListener } from '../helpers/slow-listener.ts';
import { testReceiver } from '../helpers/test-receiver.ts';
import { tunnelClock } from '../helpers/tunnel-clock.ts';
import { innerRelay, innerTunnel } from '../helpers/tunnel-ends.ts';

const MIB = 1024 ** 2;
const SLOW = ['b', 'c', 'd', 'e'].map((letter) => letter.repeat(40));
const token = { matches: () => true };
/** On which nobody is waited for long. */
const LATE_SOON: Clock = { ...SYSTEM_CLOCK, after: (ms, work) => SYSTEM_CLOCK.after(ms / 100, work) };

async function memoryOf(port: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { Authorization: 'Bearer any' },
  });
  return Number(/^mo_notify_relay_memory_bytes (\d+)$/m.exec(await answer.text())?.[1]);
}

test('G11 many channels whose listeners never read: one bound over all, then 503 for everybody, until they read or go', async () => {
  // An answer is late after 290 ms: then only the links hold what was sent.
  const relay = await innerRelay(
    'app',
    { maxMemory: 8 * MIB, clock: LATE_SOON, heartbeatMs: 600_000, token },
    SLOW,
  );
  const receiver = await testReceiver();
  await innerTunnel(relay.port, receiver.receive);
  const listeners = await Promise.all(SLOW.map((channel) => slowListener(relay.port, null, channel)));
  const large = () => delivery({ body: Buffer.alloc(MIB, 32) });
  let answer = await relay.publish(large());
  // What the system itself takes in between is less than 16 MiB for each.
  for (let n = 0; n < 24 && answer.status !== 503; n++) {
    await Promise.all(SLOW.map((channel) => relay.publish(large(), channel)));
    answer = await relay.publish(large());
  }
  expect([answer.status, answer.body]).toEqual([
    503,
    `More than ${8 * MIB} bytes wait in this relay, try again`,
  ]);
  expect(answer.headers['retry-after']).toMatch(/^[1-9]/);
  const held = await memoryOf(relay.port);
  expect(held).toBeGreaterThan(4 * MIB);
  expect(held).toBeLessThan(9 * MIB);
  const [gone, ...others] = listeners;
  gone?.close();
  await Promise.all(others.map((one) => one.wake()));
  await gone?.wake();
  await eventually(async () => expect((await relay.publish(large())).status).toBe(200));
  await eventually(async () => expect(await memoryOf(relay.port)).toBe(0));
});

test('G11 what is remembered of deliveries on disk is in the same bound', async () => {
  const clock = tunnelClock();
  const relay = await innerRelay('relay', { maxMemory: 4096, maxBody: 1024, clock });
  const publish = async (n: number) => (await relay.publish(nth(n))).status;
  for (let n = 0; n < 21; n++) expect(await publish(n)).toBe(200);
  await clock.advance(1000);
  expect(await publish(21)).toBe(503);
  const receiver = await testReceiver();
  await innerTunnel(relay.port, receiver.receive);
  await eventually(() => expect(relay.channels()[0]?.backlog.count).toBe(0));
  await clock.advance(1000);
  expect(await publish(22)).toBe(200);
});
