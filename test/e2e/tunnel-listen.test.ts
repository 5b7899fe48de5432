import { expect, test } from 'vitest';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { eventually } from '../helpers/eventually.ts';
import { channelCommand, nth, receiptsOf, runRelay, statesOf } from '../helpers/relay.ts';
import { onDisk } from '../helpers/relay-db.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { jsonLines } from '../helpers/test-io.ts';

test('listen --tunnel --json: the first line is ready with the public URL, then live, lost and live again', async () => {
  const relay = await runRelay();
  const proxy = await startTcpProxy();
  proxy.to(relay.port);
  const channel = await relay.channel();
  const listen = await channel.listen([], { port: proxy.port, probe: true });
  expect(jsonLines(listen.io).slice(0, 2)).toEqual([
    {
      type: 'ready',
      url: listen.url,
      dashboard: null,
      tunnel: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\//),
    },
    {
      type: 'tunnel',
      state: 'live',
      channel: 'dev1',
      public_url: expect.stringContaining(`/${channel.id}`),
      ack: 'app',
      waiting: 0,
      copy: false,
    },
  ]);
  expect(listen.io.err()).toContain('Sending a probe to http://127.0.0.1:');
  proxy.cut();
  await listen.io.waitFor(/"state":"lost","reason":"the connection broke","retry_in_ms":\d+/);
  await eventually(() => expect(statesOf(listen)).toEqual(['live', 'lost', 'connecting', 'live']));
  expect((await channel.publish(nth(0))).status).toBe(200);
  expect(await listen.stop()).toBe(130);
  expect(jsonLines(listen.io).slice(-2)).toMatchObject([
    { type: 'receipt', event_id: 'ev_0' },
    { type: 'summary', received: 1, events: 1 },
  ]);
});

test('the probe is no delivery: neither the record nor the app knows of it', async () => {
  const relay = await runRelay();
  const channel = await relay.channel(['--ack', 'relay']);
  const app = await startEndpoint(answers(200));
  const listen = await channel.listen([app.url.href], { probe: true });
  await channel.publish(nth(0));
  expect(await receiptsOf(listen, 1)).toMatchObject([{ event_id: 'ev_0' }]);
  expect(app.requests).toHaveLength(1);
});

test('the relay is called by --public-url, and a listener proves that way', async () => {
  const proxy = await startTcpProxy();
  const relay = await runRelay(['--public-url', `http://localhost:${proxy.port}/hooks/`]);
  proxy.to(relay.port);
  const channel = await relay.channel();
  const { io } = await channelCommand(relay.cwd, ['list', '--json']);
  const urls = { publish_url: `http://localhost:${proxy.port}/hooks/${channel.id}` };
  expect(JSON.parse(io.out())).toMatchObject([urls]);
  const listen = await channel.listen(['--allow-private'], { probe: true });
  expect(jsonLines(listen.io)[0]).toMatchObject({ tunnel: urls.publish_url });
  expect(proxy.passed()).toContain('HTTP/1.1 200');
});

test('--exit-on-disconnect: a lost tunnel ends the run with 3', async () => {
  const relay = await runRelay();
  const proxy = await startTcpProxy();
  proxy.to(relay.port);
  const channel = await relay.channel();
  const listen = await channel.listen(['--exit-on-disconnect'], { port: proxy.port });
  proxy.cut();
  await listen.io.waitFor(/"state":"ended","reason":"the connection broke \(--exit-on-disconnect\)"/);
  await listen.io.waitFor(/The tunnel ended: the connection broke/, 'err');
  expect(await listen.stop()).toBe(3);
  expect(jsonLines(listen.io).at(-1)).toMatchObject({ type: 'summary' });
});

test('no relay there: exit 3, and what to look for', async () => {
  const proxy = await startTcpProxy();
  const relay = await runRelay();
  const channel = await relay.channel();
  const { code, io } = await channel.refused([], { port: proxy.port });
  expect([code, io.out()]).toEqual([3, '']);
  expect(io.err()).toMatch(/no link to 127\.0\.0\.1:\d+: .*\. Is the relay running there\?/);
});

test('something else there: exit 2, and what it answered', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const page = await startEndpoint(answers([200, {}, '<!doctype html><h1>Welcome']));
  const { code, io } = await channel.refused([], { port: page.port });
  expect([code, io.err()]).toEqual([
    2,
    expect.stringMatching(/does not answer like a mo-notify relay: .* web page/),
  ]);
});

test.each([
  ['passed through', 'app'],
  ['kept', 'relay'],
] as const)('Ctrl-C: what was %s and is under way is answered, and no more comes', async (_, ack) => {
  const relay = await runRelay();
  const channel = await relay.channel(['--ack', ack]);
  let release = () => {};
  const app = await startEndpoint((response) => {
    release = () => response.writeHead(202).end('late');
  });
  const listen = await channel.listen([app.url.href]);
  const answering = channel.publish(nth(0));
  await app.arrived(1);
  const stopped = listen.stop();
  await eventually(async () =>
    expect((await channel.publish(nth(1))).status).toBe(ack === 'app' ? 503 : 200),
  );
  release();
  expect((await answering).status).toBe(ack === 'app' ? 202 : 200);
  expect(await stopped).toBe(130);
  expect(jsonLines(listen.io).slice(-2)).toMatchObject([
    { type: 'receipt', event_id: 'ev_0', status: 202 },
    { type: 'summary', received: 1 },
  ]);
  expect(app.requests).toHaveLength(1);
  await eventually(() => expect(onDisk(relay.cwd)).toHaveLength(ack === 'app' ? 0 : 1));
  await relay.io.waitFor(/"state":"detached","channel":"dev1",.*"reason":"the listener ends"/);
});

test('--ack relay of a listener changes its channel, and what comes then is kept', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const listen = await channel.listen(['--ack', 'relay']);
  expect(listen.io.out()).toContain('"ack":"relay"');
  await listen.stop();
  expect((await channel.publish(nth(0))).status).toBe(200);
  expect(onDisk(relay.cwd)).toHaveLength(1);
});
