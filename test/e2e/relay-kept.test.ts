import { expect, test } from 'vitest';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { eventually } from '../helpers/eventually.ts';
import { nth, receiptsOf, runRelay, statesOf } from '../helpers/relay.ts';
import { breakStore, onDisk } from '../helpers/relay-db.ts';

const KEPT = ['--ack', 'relay'];
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

test('F10 nobody listens: 503 with Retry-After, and the retry is answered by the listener that has come', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const refused = await channel.publish(nth(0));
  expect(refused.status).toBe(503);
  expect(refused.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  expect(onDisk(relay.cwd)).toEqual([]);
  const app = await startEndpoint(answers(202));
  const listen = await channel.listen([app.url.href]);
  expect((await channel.publish(nth(0))).status).toBe(202);
  await listen.stop();
  expect((await channel.publish(nth(1))).status).toBe(503);
  await relay.stop();
  expect(relay.io.out()).toMatch(/"type":"summary","passed":1,"kept":0.*"refused":2/);
});

test('F10 what --ack relay answers 200 is on disk by then, and reaches a listener in the order it came', async () => {
  const relay = await runRelay();
  const channel = await relay.channel(KEPT);
  for (const i of range(20)) {
    expect((await channel.publish(nth(i))).status).toBe(200);
    expect(onDisk(relay.cwd)).toHaveLength(i + 1);
  }
  const app = await startEndpoint(answers(200));
  const listen = await channel.listen([app.url.href]);
  const receipts = await receiptsOf(listen, 20);
  const inOrder = range(20).map((i) => `ev_${i}`);
  expect(receipts.map(({ event_id }) => event_id)).toEqual(inOrder);
  expect(app.requests.map(({ header }) => header('X-MO-Event-Id'))).toEqual(inOrder);
  await eventually(() => expect(onDisk(relay.cwd)).toEqual([]));
  expect(statesOf(listen)).toEqual(['live']);
  expect(listen.io.out()).toContain('"ack":"relay","waiting":20');
});

test('F10 deliveries that come one by one while a listener is there keep their order, and none stays on disk', async () => {
  const relay = await runRelay();
  const channel = await relay.channel(KEPT);
  const listen = await channel.listen();
  const sent = range(30).map((i) => nth(i));
  for (const one of sent) expect((await channel.publish(one)).status).toBe(200);
  const receipts = await receiptsOf(listen, 30);
  expect(receipts.map(({ event_id }) => event_id)).toEqual(range(30).map((i) => `ev_${i}`));
  await eventually(() => expect(onDisk(relay.cwd)).toEqual([]));
});

test('F10 more than --max-queue waits: 503 with Retry-After, what is kept stays, and there is room again later', async () => {
  const relay = await runRelay(['--max-body', '1KiB', '--max-queue', '2KiB']);
  const channel = await relay.channel(KEPT);
  const statuses: number[] = [];
  for (const i of range(12)) statuses.push((await channel.publish(nth(i))).status);
  const kept = statuses.filter((status) => status === 200).length;
  expect(kept).toBeGreaterThan(2);
  expect(kept).toBeLessThan(12);
  expect(statuses).toEqual(range(12).map((i) => (i < kept ? 200 : 503)));
  expect((await channel.publish(nth(12))).headers['retry-after']).toMatch(/^[1-9]/);
  expect(onDisk(relay.cwd)).toHaveLength(kept);
  const listen = await channel.listen();
  await receiptsOf(listen, kept);
  await eventually(() => expect(onDisk(relay.cwd)).toEqual([]));
  await eventually(async () => expect((await channel.publish(nth(13))).status).toBe(200));
  await receiptsOf(listen, kept + 1);
});

test('F10 the store fails: 503 with Retry-After and never 200, /healthz says so, and it goes on once it works', async () => {
  const relay = await runRelay();
  const channel = await relay.channel(KEPT);
  const mend = breakStore(relay.cwd);
  const refused = await channel.publish(nth(0));
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
  expect(await fetch(`${relay.url}/healthz`).then(({ status }) => status)).toBe(503);
  expect(relay.io.err()).toContain('the disk is on fire');
  mend();
  expect((await channel.publish(nth(1))).status).toBe(200);
  expect(onDisk(relay.cwd)).toHaveLength(1);
  const receipts = await receiptsOf(await channel.listen(), 1);
  expect(receipts.map(({ event_id }) => event_id)).toEqual(['ev_1']);
  await eventually(async () =>
    expect(await fetch(`${relay.url}/healthz`).then(({ status }) => status)).toBe(200),
  );
});

test('F10 what the app refuses is tried again as the platform would, while others go on', async () => {
  const relay = await runRelay();
  const channel = await relay.channel(KEPT);
  const app = await startEndpoint((response, { header }, seen) => {
    response.writeHead(header('X-MO-Event-Id') === 'ev_0' && seen < 3 ? 500 : 200).end();
  });
  const listen = await channel.listen([app.url.href]);
  for (const i of range(2)) expect((await channel.publish(nth(i))).status).toBe(200);
  const receipts = await receiptsOf(listen, 3);
  expect(receipts).toMatchObject([
    { event_id: 'ev_0', status: 500 },
    { event_id: 'ev_1', status: 200 },
    { event_id: 'ev_0', status: 200, flags: expect.arrayContaining(['redelivery']) },
  ]);
  await eventually(() => expect(onDisk(relay.cwd)).toEqual([]));
});

test('F10 the app is not there: what waits stays on disk in its order, and goes on once the app is back', async () => {
  const relay = await runRelay();
  const channel = await relay.channel(KEPT);
  let away = true;
  const app = await startEndpoint((response) => (away ? response.destroy() : response.end()));
  const listen = await channel.listen([app.url.href]);
  for (const i of range(3)) expect((await channel.publish(nth(i))).status).toBe(200);
  await listen.io.waitFor(/"type":"tunnel","state":"stuck","status":502/);
  expect(onDisk(relay.cwd)).toHaveLength(3);
  away = false;
  await listen.io.waitFor(/"state":"going_on"/);
  const receipts = await receiptsOf(listen, 4);
  expect(receipts.slice(1).map(({ event_id, status }) => [event_id, status])).toEqual([
    ['ev_0', 200],
    ['ev_1', 200],
    ['ev_2', 200],
  ]);
  await eventually(() => expect(onDisk(relay.cwd)).toEqual([]));
});
