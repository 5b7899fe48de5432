import { expect, test } from 'vitest';
import { linkStatus } from '../../src/cli/link-lines.ts';
import { eventually } from '../helpers/eventually.ts';
import { exchange, parseAnswer } from '../helpers/raw-http.ts';
import { nth } from '../helpers/relay.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { testReceiver } from '../helpers/test-receiver.ts';
import { tunnelClock } from '../helpers/tunnel-clock.ts';
import { CHANNEL, innerRelay, innerTunnel } from '../helpers/tunnel-ends.ts';

const DAY = 86_400_000;
const BEAT = 10_000;
const plain = (text: string) => text;
const STYLE = { good: plain, warn: plain } as Parameters<typeof linkStatus>[2];

test.each([
  ['back', -DAY],
  ['forward', DAY],
])('G18 a link lives on while the clocks of both ends are set %s by a day', async (_, ms) => {
  const clocks = { relay: tunnelClock(), laptop: tunnelClock() };
  const relay = await innerRelay('app', { clock: clocks.relay, heartbeatMs: BEAT });
  const receiver = await testReceiver();
  const { tunnel, states } = await innerTunnel(relay.port, receiver.receive, { clock: clocks.laptop });
  for (let beat = 0; beat < 4; beat++) {
    if (beat === 1) for (const clock of [clocks.relay, clocks.laptop]) clock.set(ms);
    await clocks.relay.advance(BEAT);
    await clocks.laptop.advance(BEAT);
    expect((await relay.publish(nth(beat))).status).toBe(200);
  }
  expect(states.map(({ state }) => state)).toEqual(['connecting', 'live']);
  expect(relay.events.filter(({ kind }) => kind === 'detached')).toEqual([]);
  expect(linkStatus(tunnel, tunnel.heardAt() + 3000, STYLE)).toBe('● tunnel live, last heartbeat 3.0 s ago');
  expect(clocks.laptop.elapsed() - tunnel.heardAt()).toBeLessThanOrEqual(BEAT);
});

test('G18 a link that lasted is a success, though the clock was set back meanwhile: the next one comes soon', async () => {
  const clock = tunnelClock();
  const relay = await innerRelay('app');
  const proxy = await startTcpProxy();
  proxy.to(relay.port);
  const receiver = await testReceiver();
  const { states } = await innerTunnel(proxy.port, receiver.receive, { clock });
  const pauses = () => states.flatMap((state) => (state.state === 'lost' ? [state.retryInMs] : []));
  const live = () => states.filter(({ state }) => state === 'live').length;
  /** The link breaks and is made anew. */
  const broken = async () => {
    const before = live();
    proxy.cut();
    await eventually(() => expect(states.at(-1)?.state).toBe('lost'));
    await clock.advance(pauses().at(-1) ?? 0);
    await eventually(() => expect(live()).toBe(before + 1));
  };
  await broken();
  await broken();
  await broken();
  clock.set(-DAY);
  await clock.advance(BEAT);
  await broken();
  expect(pauses()).toEqual([100, 200, 400, 100]);
});

test('G18 whoever showed wrong tokens waits as long as he was told, though the clock was set back by a day', async () => {
  const clock = tunnelClock();
  const relay = await innerRelay('app', { clock });
  const knock = async () => {
    const lines = [
      `GET /${CHANNEL} HTTP/1.1`,
      ...['Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Authorization: Bearer wrong'],
    ];
    return parseAnswer(await exchange(relay.port, `${lines.join('\r\n')}\r\n\r\n`)).status;
  };
  for (let n = 0; n < 5; n++) expect(await knock()).toBe(401);
  expect(await knock()).toBe(429);
  clock.set(-DAY);
  expect(await knock()).toBe(429);
  await clock.advance(1000);
  expect(await knock()).toBe(401);
});
