import { expect, test } from 'vitest';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { eventually } from '../helpers/eventually.ts';
import { linesOf, nth, receiptsOf, runRelay, statesOf } from '../helpers/relay.ts';
import { onDisk } from '../helpers/relay-db.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';

const METRICS = 'a-token-for-metrics';

test('F12 a second listener: exit 3, with the way out, and the first one is not disturbed', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const first = await channel.listen();
  const { code, io } = await channel.refused();
  expect([code, io.out()]).toEqual([3, '']);
  expect(io.err()).toMatch(
    /409 \(Another listener is attached, since \d{4}-\d\d-\d\dT[^)]*\)\. --takeover takes its place, --fan-out shares/,
  );
  expect((await channel.publish(nth(0))).status).toBe(200);
  expect(await receiptsOf(first, 1)).toMatchObject([{ event_id: 'ev_0' }]);
  expect(statesOf(first)).toEqual(['live']);
  expect(relay.io.out()).toContain('"state":"refused","channel":"dev1","address":"127.0.0.1","status":409');
});

test('F12 --takeover takes the place: the first ends with 3, says why, and does not come back', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const first = await channel.listen();
  const second = await channel.listen(['--takeover']);
  await first.io.waitFor(/"state":"ended","reason":"another listener took the channel over"/);
  await first.io.waitFor(/The tunnel ended: another listener took the channel over\./, 'err');
  expect(await first.stop()).toBe(3);
  expect((await channel.publish(nth(0))).status).toBe(200);
  expect(await receiptsOf(second, 1)).toMatchObject([{ event_id: 'ev_0' }]);
  expect(linesOf(first.io, 'receipt')).toEqual([]);
  expect(statesOf(second)).toEqual(['live']);
});

test('F12 one that took over and lost its link does not take over again from whoever came meanwhile', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const proxy = await startTcpProxy();
  proxy.to(relay.port);
  const early = await channel.listen(['--takeover'], { port: proxy.port });
  proxy.down();
  await early.io.waitFor(/"state":"lost"/);
  const late = await channel.listen();
  proxy.up();
  await early.io.waitFor(/"state":"(?:ended|live)"[\s\S]*"state":"(?:ended|live)"/);
  expect(statesOf(early).at(-1)).toBe('ended');
  expect(statesOf(late)).toEqual(['live']);
  expect(await early.stop()).toBe(3);
});

test('F12 --fan-out shares: both get every delivery, and the answer is that of the first', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const apps = [await startEndpoint(answers(202)), await startEndpoint(answers(500))];
  const first = await channel.listen([apps[0]?.url.href as string]);
  const second = await channel.listen(['--fan-out', apps[1]?.url.href as string]);
  expect(second.io.out()).toContain('"copy":true');
  for (const n of [0, 1, 2]) expect((await channel.publish(nth(n))).status).toBe(202);
  for (const [listen, status] of [
    [first, 202],
    [second, 500],
  ] as const) {
    const receipts = await receiptsOf(listen, 3);
    expect(receipts.map((receipt) => [receipt.event_id, receipt.status]).sort()).toEqual(
      [0, 1, 2].map((n) => [`ev_${n}`, status]),
    );
  }
  await first.stop();
  await eventually(async () => expect((await channel.publish(nth(3))).status).toBe(500));
});

test('F12 --fan-out with --ack relay: both get what is kept, and it is settled by the first alone', async () => {
  const relay = await runRelay();
  const channel = await relay.channel(['--ack', 'relay']);
  const first = await channel.listen();
  const second = await channel.listen(['--fan-out']);
  for (const n of [0, 1]) expect((await channel.publish(nth(n))).status).toBe(200);
  for (const listen of [first, second]) {
    const receipts = await receiptsOf(listen, 2);
    expect(receipts.map(({ event_id }) => event_id)).toEqual(['ev_0', 'ev_1']);
  }
  await eventually(() => expect(onDisk(relay.cwd)).toEqual([]));
});

test('F12 what the first of two had taken and not answered when it was lost goes to the other', async () => {
  const relay = await runRelay([], { env: { MO_RELAY_TOKEN: METRICS } });
  const channel = await relay.channel(['--ack', 'relay']);
  const proxy = await startTcpProxy();
  proxy.to(relay.port);
  let release = () => {};
  const app = await startEndpoint((response) => {
    release = () => response.end();
  });
  const first = await channel.listen([app.url.href], { port: proxy.port });
  expect((await channel.publish(nth(0))).status).toBe(200);
  await app.arrived(1);
  const second = await channel.listen(['--fan-out']);
  // It takes no more, and is lost before the app has answered.
  const stopped = first.stop();
  const authorization = { Authorization: `Bearer ${METRICS}` };
  await eventually(async () => {
    const metrics = await fetch(`${relay.url}/metrics`, { headers: authorization });
    expect(await metrics.text()).toContain('mo_notify_relay_listeners{channel="dev1"} 1\n');
  });
  proxy.cut();
  await eventually(() => expect(relay.io.out()).toContain('"state":"detached"'));
  release();
  await stopped;
  expect(await receiptsOf(second, 1)).toMatchObject([{ event_id: 'ev_0' }]);
});

test('F12 the first of two that share is back by itself after its link was cut', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const proxy = await startTcpProxy();
  proxy.to(relay.port);
  const first = await channel.listen([], { port: proxy.port });
  const second = await channel.listen(['--fan-out']);
  proxy.cut();
  await first.io.waitFor(/"state":"lost"[\s\S]*"state":"(?:ended|live)"/);
  expect(statesOf(first)).toEqual(['live', 'lost', 'connecting', 'live']);
  expect((await channel.publish(nth(0))).status).toBe(200);
  for (const listen of [first, second]) expect(await receiptsOf(listen, 1)).toHaveLength(1);
});

test('F12 the same run takes the place of its own dead link, which the relay still thinks is alive', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const proxy = await startTcpProxy();
  proxy.to(relay.port);
  const listen = await channel.listen([], { port: proxy.port });
  // Only the listener hears that the link has ended.
  proxy.cutClients();
  await eventually(() => expect(statesOf(listen)).toEqual(['live', 'lost', 'connecting', 'live']));
  expect(relay.io.out()).not.toContain('"status":409');
  expect(relay.io.out()).toContain('"state":"detached"');
  expect(linesOf(relay.io, 'listener').filter(({ reason }) => reason !== undefined)).toMatchObject([
    { reason: 'the same listener is back' },
  ]);
  expect((await channel.publish(nth(0))).status).toBe(200);
  expect(await receiptsOf(listen, 1)).toHaveLength(1);
});
