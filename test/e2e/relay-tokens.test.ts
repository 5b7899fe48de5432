import { expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { SECRET } from '../helpers/delivery.ts';
import { eventually } from '../helpers/eventually.ts';
import { exchange, openWire, parseAnswer } from '../helpers/raw-http.ts';
import { channelAt, channelCommand, linesOf, nth, receiptsOf, runRelay } from '../helpers/relay.ts';
import { allFiles } from '../helpers/relay-db.ts';
import { tempFolder } from '../helpers/spawn-cli.ts';
import { type TestIo, testIo } from '../helpers/test-io.ts';

const CANARY = 'mot_canary-that-nobody-may-see';

/** Asks to be let in, on a connection of its own; the answer is the relay's. */
async function knock(port: number, id: string, token: string | null, headers: string[] = []) {
  return parseAnswer(await exchange(port, knocking(id, token, headers)));
}

function knocking(id: string, token: string | null, headers: string[] = []): string {
  const lines = [
    `GET /${id} HTTP/1.1`,
    'Host: relay.example',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...(token === null ? [] : [`Authorization: Bearer ${token}`]),
    ...headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

test.each([
  [401, CANARY, []],
  [426, null, ['Sec-WebSocket-Protocol: chat']],
] as const)(
  'G3 a refusal by %i ends the connection, though the other side keeps its own open',
  async (status, token, headers) => {
    const relay = await runRelay();
    const channel = await relay.channel();
    const wire = await openWire(relay.port);
    wire.write(knocking(channel.id, token ?? channel.token, [...headers]));
    expect(parseAnswer(await wire.ended).status).toBe(status);
    // What is written to a closed connection is answered by a reset.
    await eventually(() => {
      wire.write('x');
      expect(wire.socket.destroyed).toBe(true);
    });
  },
);

test('F12 a wrong token: exit 2 with what to do, and the same answer as for a channel that is not there', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const { code, io } = await channel.refused([], { token: CANARY });
  expect([code, io.out()]).toEqual([2, '']);
  expect(io.err()).toMatch(/has no such channel, or the token in MO_TUNNEL_TOKEN is not its token/);
  const stranger = channelAt(relay.port, { ...channel, id: 'f'.repeat(40) });
  const other = await stranger.refused();
  expect([other.code, other.io.err()]).toEqual([2, io.err()]);
  const answers = [];
  for (const [id, token] of [
    [channel.id, CANARY],
    [stranger.id, CANARY],
    [channel.id, null],
  ] as const) {
    const { status, headers, body } = await knock(relay.port, id, token);
    answers.push([status, body, { ...headers, date: '' }]);
  }
  expect(answers[0]?.[0]).toBe(401);
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
});

test('a relay finds its own protocol among others that a listener offers', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const wire = await openWire(relay.port);
  onTestFinished(() => void wire.socket.destroy());
  const offer = `Sec-WebSocket-Protocol: chat ,${' '.repeat(100)}mo-notify.tunnel.v1 ,other`;
  wire.write(knocking(channel.id, channel.token, [offer]));
  await wire.waitFor(/^HTTP\/1\.1 101 /);
});

test("F12 another channel's token does not open this one", async () => {
  const relay = await runRelay();
  const [one, other] = [await relay.channel(), await relay.channel()];
  expect((await one.refused([], { token: other.token })).code).toBe(2);
});

test('F12 an expired channel: nobody is let in, nothing is taken, whoever listens is sent away and told why', async () => {
  const relay = await runRelay();
  const channel = await relay.channel(['--expires', '900ms']);
  const listen = await channel.listen();
  expect((await channel.publish(nth(0))).status).toBe(200);
  await listen.io.waitFor(/"state":"ended"/);
  expect(await listen.stop()).toBe(3);
  expect(listen.io.err()).toMatch(/expired/);
  expect((await channel.publish(nth(1))).status).toBe(404);
  const { code, io } = await channel.refused();
  expect([code, io.err()]).toEqual([2, expect.stringMatching(/has no such channel/)]);
});

test('F12 a revoked channel: whoever listens ends with 3 and does not come back, what waited is gone', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const listen = await channel.listen();
  expect((await channelCommand(relay.cwd, ['revoke', channel.name])).code).toBe(0);
  await listen.io.waitFor(/"state":"ended","reason":"the channel was revoked"/);
  expect(await listen.stop()).toBe(3);
  expect(listen.io.err()).toContain('The tunnel ended: the channel was revoked.');
  expect((await channel.publish(nth(0))).status).toBe(404);
  expect((await channel.refused()).code).toBe(2);
});

const OTHER_PROTOCOL = ['Sec-WebSocket-Protocol: nothing'];

test('F12 guessing: soon 429 with Retry-After, and listen says to wait; G15 the right token is let in', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const statuses: number[] = [];
  for (let i = 0; i < 8; i++) statuses.push((await knock(relay.port, channel.id, `wrong-${i}`)).status);
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
  const { status, headers } = await knock(relay.port, channel.id, 'wrong-8');
  expect([status, headers['retry-after']]).toEqual([429, '1']);
  const { code, io } = await channel.refused([], { token: CANARY });
  expect([code, io.err()]).toEqual([
    3,
    expect.stringMatching(/too many wrong tokens from here\. Wait .*, and check MO_TUNNEL_TOKEN/),
  ]);
  // Publishing goes on: that is somebody else.
  expect((await channel.publish(nth(0))).status).toBe(503);
  // So does whoever has the token, from the same address: 426 is what a token that fits is answered here.
  expect((await knock(relay.port, channel.id, channel.token, OTHER_PROTOCOL)).status).toBe(426);
  const listen = await channel.listen();
  expect((await channel.publish(nth(1))).status).toBe(200);
  expect(await receiptsOf(listen, 1)).toMatchObject([{ event_id: 'ev_1' }]);
});

test('G15 an address is what a proxy on this machine says only with --trust-proxy; without it the relay says so, once', async () => {
  /** The statuses of seven wrong tokens, each of them said to come from an address of its own. */
  const guess = async (port: number, id: string) => {
    const statuses: number[] = [];
    for (let i = 0; i < 7; i++)
      statuses.push((await knock(port, id, `wrong-${i}`, [`X-Forwarded-For: 198.51.100.${i}`])).status);
    return statuses;
  };
  const addresses = ({ io }: { io: TestIo }) => [
    ...new Set(linesOf(io, 'listener').map(({ address }) => address)),
  ];
  const hint = /X-Forwarded-For from 127\.0\.0\.1 is ignored\. Use --trust-proxy/g;
  const wary = await runRelay();
  expect(await guess(wary.port, (await wary.channel()).id)).toEqual([401, 401, 401, 401, 401, 429, 429]);
  expect(addresses(wary)).toEqual(['127.0.0.1']);
  expect(wary.io.err().match(hint)).toHaveLength(1);
  const trusting = await runRelay(['--trust-proxy']);
  expect(await guess(trusting.port, (await trusting.channel()).id)).toEqual(Array(7).fill(401));
  expect(addresses(trusting)).toContain('198.51.100.6');
  expect(trusting.io.err()).not.toMatch(hint);
});

test.each([
  ['in the query', (port: number) => `ws://127.0.0.1:${port}/channel?token=${CANARY}`],
  ['as a password', (port: number) => `ws://me:${CANARY}@127.0.0.1:${port}/channel`],
  ['as a user', (port: number) => `ws://${CANARY}@127.0.0.1:${port}/channel`],
])('F12 a token %s of the URL is refused, and not printed', async (_, url) => {
  const io = testIo({ env: { MO_SECRET: SECRET, MO_TUNNEL_TOKEN: 'x' } });
  const code = await run(['listen', '--port', '0', '--no-dashboard', '--tunnel', url(9)], io);
  expect([code, io.out()]).toEqual([2, '']);
  expect(io.err()).toMatch(/a token does not belong into a URL/);
  expect(io.err()).not.toContain(CANARY);
});

test.each([
  [{}, /MO_TUNNEL_TOKEN is not set/],
  [{ MO_TUNNEL_TOKEN: '' }, /is no token: it is empty, or has white space/],
  [{ MO_TUNNEL_TOKEN: `${CANARY} x` }, /is no token: it is empty, or has white space/],
])('F12 no token, or none that can be one: exit 2 (%#)', async (env, says) => {
  const io = testIo({ env: { MO_SECRET: SECRET, ...(env as Record<string, string>) } });
  const url = 'ws://127.0.0.1:9/channel';
  expect(await run(['listen', '--port', '0', '--no-dashboard', '--tunnel', url], io)).toBe(2);
  expect(io.err()).toMatch(says);
  expect(io.err()).not.toContain(CANARY);
});

test('F12 a token would not cross the network in the open: ws:// to another machine is refused', async () => {
  const io = testIo({ env: { MO_SECRET: SECRET, MO_TUNNEL_TOKEN: CANARY } });
  const url = 'ws://relay.example.com/channel';
  expect(await run(['listen', '--port', '0', '--no-dashboard', '--tunnel', url], io)).toBe(2);
  expect(io.err()).toMatch(/in the open\. Use wss:\/\//);
});

test('F12 the token is in no output, no record and no file but where it was asked for', async () => {
  const relay = await runRelay();
  const channel = await relay.channel(['--ack', 'relay']);
  const cwd = tempFolder();
  const listen = await channel.listen(['--with-bodies', '--verbose'], { cwd });
  await channel.publish(nth(0));
  await receiptsOf(listen, 1);
  await channel.refused([], { token: `${channel.token}x` });
  await channel.refused();
  const { io } = await channelCommand(relay.cwd, ['list', '--json']);
  await listen.stop();
  await relay.stop();
  expect(linesOf(relay.io, 'listener').length).toBeGreaterThan(3);
  for (const text of [
    ...[relay, listen, { io }].flatMap((one) => [one.io.out(), one.io.err()]),
    ...[allFiles(relay.cwd), allFiles(cwd)],
  ]) {
    expect(text).not.toContain(channel.token);
    expect(text).not.toContain(channel.token.slice(4));
  }
});
