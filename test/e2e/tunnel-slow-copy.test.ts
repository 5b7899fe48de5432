import { expect, test } from 'vitest';
import { delivery } from '../helpers/delivery.ts';
import { slowListener } from '../helpers/slow-listener.ts';
import { testReceiver } from '../helpers/test-receiver.ts';
import { tunnelClock } from '../helpers/tunnel-clock.ts';
import { innerRelay, innerTunnel } from '../helpers/tunnel-ends.ts';

const MIB = 1024 ** 2;
const COUNT = 48;

test('F14 one who shares a channel and reads nothing does not fill the memory of the relay', async () => {
  const relay = await innerRelay('app', { maxQueue: 4 * MIB, clock: tunnelClock() });
  const receiver = await testReceiver();
  await innerTunnel(relay.port, receiver.receive);
  const copy = await slowListener(relay.port, 'fan-out');
  for (let n = 0; n < COUNT; n++) {
    const sent = delivery({ id: `ev_${n}`, body: Buffer.alloc(MIB, n) });
    expect((await relay.publish(sent)).status).toBe(200);
  }
  // All that was kept in memory for it comes now, unless the relay has ended the link.
  await copy.wake();
  const bytes = copy.taken.reduce((sum, { content }) => sum + content.length, 0);
  expect(bytes / MIB).toBeLessThan(COUNT / 2);
});
