import { expect, test } from 'vitest';
import { startEndpoint, startRawEndpoint } from '../helpers/endpoint.ts';
import { eventually } from '../helpers/eventually.ts';
import { nth, receiptsOf, runRelay, statesOf } from '../helpers/relay.ts';
import { onDisk } from '../helpers/relay-db.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';

const KEPT = ['--ack', 'relay'];

/** A relay with a proxy in front, through which its listener's link goes. */
async function proxied(channelArgs: string[] = []) {
  const relay = await runRelay();
  const proxy = await startTcpProxy();
  proxy.to(relay.port);
  const channel = await relay.channel(channelArgs);
  return { relay, proxy, channel };
}

/** An app that holds its first answer back until it is released. */
async function firstHeld() {
  let answer = () => {};
  const app = await startEndpoint((response, _, seen) => {
    if (seen > 1) response.end();
    else answer = () => response.end();
  });
  return { app, release: () => answer() };
}

/** Of three deliveries: what the listener had in hand when its link ended came again, and is marked. */
const FIRST_CAME_AGAIN = [
  ['ev_0', null],
  ['ev_0', 'duplicate'],
  ['ev_1', null],
  ['ev_2', null],
];

test.each(['cut', 'reset'] as const)(
  'F11 %s while the app has a delivery: 503 at once, and the retry gets through, marked as a duplicate',
  async (way) => {
    const { proxy, channel } = await proxied();
    let release = () => {};
    const app = await startEndpoint((response) => {
      release = () => response.writeHead(200).end('done');
    });
    const listen = await channel.listen([app.url.href], { port: proxy.port });
    const answering = channel.publish(nth(0));
    await app.arrived(1);
    proxy[way]();
    const answer = await answering;
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
    release();
    await receiptsOf(listen, 1);
    await eventually(() => expect(statesOf(listen)).toEqual(['live', 'lost', 'connecting', 'live']));
    const retry = await channel.publish(nth(0, ['X-MO-Delivery-Attempt', '2']));
    expect([retry.status, retry.headers['x-mo-duplicate']]).toEqual([200, 'true']);
    expect(app.requests).toHaveLength(1);
    expect(await receiptsOf(listen, 2)).toMatchObject([
      { duplicate: null, status: 200, attempt: null },
      { duplicate: 'duplicate', status: 200, attempt: 2 },
    ]);
  },
);

test('F11 the link is cut while the app has what was kept: the app gets it once, its duplicate is marked', async () => {
  const { relay, proxy, channel } = await proxied(KEPT);
  const { app, release } = await firstHeld();
  const listen = await channel.listen([app.url.href], { port: proxy.port });
  for (const n of [0, 1, 2]) expect((await channel.publish(nth(n))).status).toBe(200);
  await app.arrived(1);
  proxy.cut();
  await eventually(() => expect(statesOf(listen)).toEqual(['live', 'lost', 'connecting', 'live']));
  release();
  const receipts = await receiptsOf(listen, 4);
  expect(receipts.map(({ event_id, duplicate }) => [event_id, duplicate])).toEqual(FIRST_CAME_AGAIN);
  expect(app.requests.map(({ header }) => header('X-MO-Event-Id'))).toEqual(['ev_0', 'ev_1', 'ev_2']);
  await eventually(() => expect(onDisk(relay.cwd)).toEqual([]));
});

test('F11 the relay restarts on its port and its store: the listener is back by itself, and nothing is lost', async () => {
  const relay = await runRelay();
  const channel = await relay.channel(KEPT);
  const { app, release } = await firstHeld();
  const listen = await channel.listen([app.url.href]);
  for (const n of [0, 1]) expect((await channel.publish(nth(n))).status).toBe(200);
  await app.arrived(1);
  expect(await relay.stop()).toBe(130);
  await listen.io.waitFor(/"state":"lost","reason":"the relay is restarting"/);
  const again = await runRelay([], { cwd: relay.cwd, port: relay.port });
  expect((await channel.publish(nth(2))).status).toBe(200);
  release();
  const receipts = await receiptsOf(listen, 4);
  expect(receipts.map(({ event_id, duplicate }) => [event_id, duplicate])).toEqual(FIRST_CAME_AGAIN);
  expect(app.requests).toHaveLength(3);
  await eventually(() => expect(onDisk(again.cwd)).toEqual([]));
});

test('F11 both ends restart while deliveries are under way: all of them arrive, what came twice is marked', async () => {
  const relay = await runRelay();
  const channel = await relay.channel(KEPT);
  const folder = { cwd: relay.cwd };
  let away = true;
  const app = await startEndpoint((response) => (away ? response.destroy() : response.end()));
  const first = await channel.listen([app.url.href], folder);
  for (const n of [0, 1, 2]) expect((await channel.publish(nth(n))).status).toBe(200);
  await first.io.waitFor(/"state":"stuck"/);
  expect(await first.stop()).toBe(130);
  await relay.stop();
  expect(onDisk(relay.cwd)).toHaveLength(3);
  away = false;
  await runRelay([], { cwd: relay.cwd, port: relay.port });
  const second = await channel.listen([app.url.href], folder);
  const receipts = await receiptsOf(second, 3);
  expect(receipts.map(({ event_id, status, flags }) => [event_id, status, flags])).toEqual([
    ['ev_0', 200, expect.arrayContaining(['redelivery'])],
    ['ev_1', 200, expect.not.arrayContaining(['redelivery'])],
    ['ev_2', 200, expect.not.arrayContaining(['redelivery'])],
  ]);
  await eventually(() => expect(onDisk(relay.cwd)).toEqual([]));
});

test('F11 a pass-through delivery under way when the relay restarts is still answered by the app', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  let release = () => {};
  const app = await startEndpoint((response) => {
    release = () => response.writeHead(202).end('late');
  });
  await channel.listen([app.url.href]);
  const answering = channel.publish(nth(0));
  await app.arrived(1);
  const stopped = relay.stop();
  release();
  expect(await answering).toMatchObject({ status: 202, body: 'late' });
  expect(await stopped).toBe(130);
});

test('F11 an app that answers with a status outside of HTTP does not end the link', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const odd = 'HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nno';
  const app = await startRawEndpoint((socket) => socket.on('data', () => socket.write(odd)));
  const listen = await channel.listen([app.url.href]);
  expect((await channel.publish(nth(0))).status).toBeGreaterThanOrEqual(502);
  expect((await channel.publish(nth(1))).status).toBeGreaterThanOrEqual(502);
  await receiptsOf(listen, 2);
  expect(statesOf(listen)).toEqual(['live']);
});
