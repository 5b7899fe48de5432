import { expect, test } from 'vitest';
import type { ReceiverOptions } from '../../src/receiver/receiver.ts';
import { eventually } from '../helpers/eventually.ts';
import { nth } from '../helpers/relay.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { heldApp, testReceiver } from '../helpers/test-receiver.ts';
import { tunnelClock } from '../helpers/tunnel-clock.ts';
import { innerRelay, innerTunnel } from '../helpers/tunnel-ends.ts';

const BEAT = 10_000;

/** Both ends with a clock each, and a proxy between them. */
async function linked(ack: 'app' | 'relay', receiving: Partial<ReceiverOptions> = {}) {
  const clocks = { relay: tunnelClock(), laptop: tunnelClock() };
  const relay = await innerRelay(ack, { clock: clocks.relay, heartbeatMs: BEAT });
  const proxy = await startTcpProxy();
  proxy.to(relay.port);
  const receiver = await testReceiver(receiving);
  const { tunnel, states } = await innerTunnel(proxy.port, receiver.receive, { clock: clocks.laptop });
  return { clocks, relay, proxy, receiver, tunnel, states };
}

/** The same once a delivery has gone through. */
async function ends(ack: 'app' | 'relay') {
  const both = await linked(ack);
  const { relay, receiver } = both;
  expect((await relay.publish(nth(0))).status).toBe(200);
  await eventually(async () => expect(await receiver.stored()).toHaveLength(1));
  await eventually(() => expect(relay.channels()[0]?.backlog.count).toBe(0));
  return both;
}

const detached = (events: { kind: string }[]) => events.filter(({ kind }) => kind === 'detached');

test('F11 a laptop sleeps for ten minutes: the relay notices within two heartbeats, and nothing is lost', async () => {
  const { clocks, relay, proxy, receiver, states } = await ends('relay');
  proxy.stall();
  await clocks.relay.advance(2 * BEAT);
  await eventually(() =>
    expect(detached(relay.events)).toMatchObject([{ reason: expect.stringMatching(/^silent for /) }]),
  );
  for (const n of [1, 2, 3]) expect((await relay.publish(nth(n))).status).toBe(200);
  await clocks.relay.advance(580_000);
  expect(await receiver.stored()).toHaveLength(1);
  expect(states.at(-1)).toMatchObject({ state: 'live' });
  proxy.up();
  clocks.laptop.jump(600_000);
  expect(states.at(-1)).toMatchObject({
    state: 'lost',
    reason: expect.stringMatching(/^this machine slept for 10 min/),
  });
  await clocks.laptop.advance(500);
  await eventually(async () => expect(await receiver.stored()).toHaveLength(4));
  expect((await receiver.stored()).map(({ eventId, duplicate }) => [eventId, duplicate])).toEqual(
    [0, 1, 2, 3].map((n) => [`ev_${n}`, null]),
  );
  expect(states.at(-1)).toMatchObject({ state: 'live', waiting: 3 });
  // How long it waited for a laptop is no latency of the platform's.
  const { receivedAt } = (await receiver.stored())[1] as { receivedAt: number };
  expect(receivedAt).toBe(clocks.relay.now() - 580_000);
});

test('F11 while the laptop sleeps a pass-through channel answers 503 once the relay has noticed', async () => {
  const { clocks, relay, proxy } = await ends('app');
  proxy.stall();
  const answering = relay.publish(nth(1));
  await eventually(() => expect(relay.channels()[0]?.underWay).toBeGreaterThan(0));
  await clocks.relay.advance(2 * BEAT);
  expect((await answering).status).toBe(503);
  expect((await relay.publish(nth(2))).status).toBe(503);
});

test('F11 a link that is dead without a word: both ends notice by themselves, the sender is answered 503', async () => {
  const app = heldApp();
  const { clocks, relay, proxy, states } = await linked('app', { forwarder: app });
  const answering = relay.publish(nth(0));
  await eventually(() => expect(app.calls).toHaveLength(1));
  proxy.stall();
  await clocks.relay.advance(2 * BEAT);
  expect((await answering).status).toBe(503);
  const silent = expect.stringMatching(/^silent for .* \(two heartbeats of .*\)$/);
  await eventually(() => expect(detached(relay.events)).toMatchObject([{ reason: silent }]));
  await clocks.laptop.advance(2 * BEAT);
  await eventually(() => expect(states.at(-1)).toMatchObject({ state: 'lost', reason: silent }));
  app.calls[0]?.answer(200);
  proxy.up();
  await clocks.laptop.advance(500);
  await eventually(() => expect(states.at(-1)).toMatchObject({ state: 'live' }));
  const retry = await relay.publish(nth(0));
  expect([retry.status, retry.headers['x-mo-duplicate']]).toEqual([200, 'true']);
  expect(app.calls).toHaveLength(1);
});

test('F11 a dead network: the listener notices within two heartbeats, and goes on by itself once it is back', async () => {
  const { clocks, relay, proxy, receiver, tunnel, states } = await ends('relay');
  proxy.stall();
  const before = tunnel.heardAt();
  await clocks.laptop.advance(BEAT);
  await clocks.laptop.advance(BEAT);
  expect(states.at(-1)).toMatchObject({ state: 'lost', reason: expect.stringMatching(/^silent for /) });
  expect(tunnel.heardAt()).toBeGreaterThanOrEqual(before);
  expect((await relay.publish(nth(1))).status).toBe(200);
  proxy.up();
  await clocks.laptop.advance(500);
  await eventually(async () => expect(await receiver.stored()).toHaveLength(2));
  // Its own dead link gave way, though the relay had not noticed yet.
  expect(detached(relay.events)).toMatchObject([{ reason: 'the same listener is back' }]);
});

test('F11 a link that is only idle lives on, heartbeat after heartbeat', async () => {
  const { clocks, relay, tunnel, states } = await ends('app');
  for (let beat = 0; beat < 5; beat++) {
    await clocks.relay.advance(BEAT);
    await clocks.laptop.advance(BEAT);
    // The answers to both pings have to come back before the next beat.
    await relay.publish(nth(beat + 1));
  }
  expect(states.map(({ state }) => state)).toEqual(['connecting', 'live']);
  expect(detached(relay.events)).toEqual([]);
  expect(tunnel.heardAt()).toBeGreaterThanOrEqual(clocks.laptop.elapsed() - BEAT);
});
