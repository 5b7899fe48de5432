import { expect, test } from 'vitest';
import { delivery, eventBody } from '../helpers/delivery.ts';
import { startEndpoint } from '../helpers/endpoint.ts';
import { eventually } from '../helpers/eventually.ts';
import { openWire, parseAnswer } from '../helpers/raw-http.ts';
import { linesOf, nth, receiptsOf, runRelay } from '../helpers/relay.ts';

const METRICS = 'a-token-for-metrics';
const KIB = 1024;

function large(n: number, bytes: number) {
  const body = eventBody({ call_id: `MO${n}`, pad: '' });
  return delivery({
    id: `ev_${n}`,
    body: body.replace('"pad":""', `"pad":"${'x'.repeat(bytes - body.length)}"`),
  });
}

/** Says that this much is to come, and sends none of it. */
async function announce(port: number, id: string, length: number | string) {
  const wire = await openWire(port);
  wire.write(`POST /${id} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
  return { wire, answer: async () => parseAnswer(await wire.ended) };
}

test('F14 100 large bodies for a slow listener: what is above --max-queue gets 503 unread, another channel goes on', async () => {
  const relay = await runRelay(['--max-body', '256KiB', '--max-queue', '2MiB'], {
    env: { MO_RELAY_TOKEN: METRICS },
  });
  const [slow, quick] = [await relay.channel(), await relay.channel()];
  const held: (() => void)[] = [];
  const app = await startEndpoint((response) => held.push(() => response.end()));
  await slow.listen([app.url.href]);
  await quick.listen();
  const taken = Array.from({ length: 8 }, (_, n) => slow.publish(large(n, 256 * KIB)));
  await app.arrived(8);
  const rest = await Promise.all(
    Array.from({ length: 92 }, async () => (await announce(relay.port, slow.id, 256 * KIB)).answer()),
  );
  expect(rest.map(({ status }) => status)).toEqual(Array(92).fill(503));
  expect(rest[0]?.headers['retry-after']).toMatch(/^[1-9]/);
  expect((await quick.publish(large(0, 256 * KIB))).status).toBe(200);
  const metrics = async () => {
    const answer = await fetch(`${relay.url}/metrics`, { headers: { Authorization: `Bearer ${METRICS}` } });
    return answer.text();
  };
  expect(await metrics()).toContain(`mo_notify_relay_under_way_bytes{channel="dev1"} ${2048 * KIB}\n`);
  expect(await metrics()).toContain('mo_notify_relay_deliveries_total{channel="dev1",result="full"} 92\n');
  for (const release of held) release();
  expect((await Promise.all(taken)).map(({ status }) => status)).toEqual(Array(8).fill(200));
  await eventually(async () =>
    expect(await metrics()).toContain('mo_notify_relay_under_way_bytes{channel="dev1"} 0\n'),
  );
});

test('F14 a body above --max-body is answered 413 before it is read, and one without a length once it is too long', async () => {
  const relay = await runRelay(['--max-body', '1KiB']);
  const channel = await relay.channel(['--ack', 'relay']);
  expect(await (await announce(relay.port, channel.id, KIB + 1)).answer()).toMatchObject({ status: 413 });
  expect((await channel.publish(large(0, KIB))).status).toBe(200);
  const wire = await openWire(relay.port);
  wire.write(`POST /${channel.id} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
  wire.write(`800\r\n${'x'.repeat(2048)}\r\n`);
  expect(parseAnswer(await wire.ended).status).toBe(413);
  expect(linesOf(relay.io, 'fault')).toMatchObject([{ kind: 'too_large' }, { kind: 'too_large' }]);
});

test('F14 room that a sender took for a body it never sent is free again once it has gone', async () => {
  const relay = await runRelay(['--max-body', '1KiB', '--max-queue', '2KiB']);
  const channel = await relay.channel();
  const listen = await channel.listen();
  const announced = [
    await announce(relay.port, channel.id, 1000),
    await announce(relay.port, channel.id, 1000),
  ];
  await eventually(async () => expect((await channel.publish(nth(0))).status).toBe(503));
  for (const { wire } of announced) wire.socket.destroy();
  await eventually(async () => expect((await channel.publish(nth(1))).status).toBe(200));
  expect(await receiptsOf(listen, 1)).toMatchObject([{ event_id: 'ev_1' }]);
});

test('F14 300 small deliveries at once through one link: each is answered, each arrives once', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const listen = await channel.listen();
  const all = Array.from({ length: 300 }, (_, n) => n);
  const statuses = await Promise.all(all.map(async (n) => (await channel.publish(nth(n))).status));
  expect(statuses).toEqual(all.map(() => 200));
  const receipts = await receiptsOf(listen, all.length);
  expect(new Set(receipts.map(({ event_id }) => event_id)).size).toBe(all.length);
});
