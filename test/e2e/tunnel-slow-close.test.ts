import { expect, test } from 'vitest';
import { delivery } from '../helpers/delivery.ts';
import { eventually } from '../helpers/eventually.ts';
import { slowListener } from '../helpers/slow-listener.ts';
import { tunnelClock } from '../helpers/tunnel-clock.ts';
import { innerRelay } from '../helpers/tunnel-ends.ts';

const HEARTBEAT_MS = 10_000;

test('F11 a listener that begins to close and never ends: nothing more is handed to it, and a heartbeat later it is gone', async () => {
  const clock = tunnelClock();
  const relay = await innerRelay('app', { clock, heartbeatMs: HEARTBEAT_MS });
  const slow = await slowListener(relay.port, null);
  const underWay = relay.publish(delivery({ id: 'ev_1' }));
  await eventually(() => expect(relay.channels()[0]?.underWay).toBeGreaterThan(0));
  slow.close();
  await eventually(() => expect(relay.channels()[0]?.listeners[0]?.link.ended).toBe(true));
  // Not only when it is late, and not only once the link is gone.
  expect((await relay.publish(delivery({ id: 'ev_2' }))).status).toBe(503);
  expect(relay.channels()[0]?.listeners).toHaveLength(1);
  await clock.advance(HEARTBEAT_MS);
  expect((await underWay).status).toBe(503);
  expect(relay.channels()[0]?.listeners).toEqual([]);
});
