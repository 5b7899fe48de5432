import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { IncomingRequest } from '../../src/http/serve-options.ts';
import { type DeliveryFrame, decodeContent } from '../../src/tunnel/frames.ts';
import { delivery } from '../helpers/delivery.ts';
import { eventually } from '../helpers/eventually.ts';
import { exchange, request } from '../helpers/raw-http.ts';
import { slowListener } from '../helpers/slow-listener.ts';
import { tunnelClock } from '../helpers/tunnel-clock.ts';
import { CHANNEL, innerRelay, innerTunnel } from '../helpers/tunnel-ends.ts';

const MODES = ['app', 'relay'] as const;
const OK = { status: 200, headers: [], body: 'ok' };
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const bodyHash = ({ content }: DeliveryFrame) => hash(decodeContent(content).body);

/** What a listener is handed, each as the hash of its body. */
function taker() {
  const hashes: string[] = [];
  const receive = async ({ body }: IncomingRequest) => {
    hashes.push(hash(body));
    return OK;
  };
  return { hashes, receive };
}

describe.each(MODES)(
  'F16 large bodies, whose memory a relay gives back as soon as they are sent, --ack %s',
  (ack) => {
    test('many at once reach all who share the channel, byte for byte', async () => {
      const relay = await innerRelay(ack);
      const takers = [taker(), taker(), taker()];
      for (const { receive } of takers) await innerTunnel(relay.port, receive, { beside: 'fan-out' });
      const bodies = [70_000, 200_000, 1_000_000, 65_537, 700_000, 1_000_000].map((size) =>
        randomBytes(size),
      );
      const answers = await Promise.all(
        bodies.map((body, i) => relay.publish(delivery({ id: `ev_${i}`, body }))),
      );
      expect(answers.map(({ status }) => status)).toEqual(bodies.map(() => 200));
      const sent = bodies.map(hash).sort();
      for (const { hashes } of takers) await eventually(() => expect([...hashes].sort()).toEqual(sent));
    });

    test('a request that comes right behind one, in the same piece, is not lost with it', async () => {
      const relay = await innerRelay(ack);
      const { hashes, receive } = taker();
      await innerTunnel(relay.port, receive);
      const bodies = [300_001, 100_003, 20, 500_007, 7].map((size) => randomBytes(size));
      const requests = bodies.map((body, i) => {
        const last = i === bodies.length - 1;
        return request({ headers: last ? ['Connection', 'close'] : [], body }, `/${CHANNEL}`);
      });
      const answers = await exchange(relay.port, Buffer.concat(requests));
      expect(answers.match(/HTTP\/1.1 200/g)).toHaveLength(bodies.length);
      await eventually(() => expect(hashes).toEqual(bodies.map(hash)));
    });

    test('one that comes in crumbs', async () => {
      const relay = await innerRelay(ack);
      const { hashes, receive } = taker();
      await innerTunnel(relay.port, receive);
      const body = randomBytes(150_000);
      const chunks = Array.from({ length: 150 }, (_, i) => body.subarray(i * 1000, (i + 1) * 1000));
      const head = `POST /${CHANNEL} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const wire = chunks.flatMap((chunk) => [Buffer.from('3e8\r\n'), chunk, Buffer.from('\r\n')]);
      const text = await exchange(
        relay.port,
        Buffer.concat([Buffer.from(head), ...wire, Buffer.from('0\r\n\r\n')]),
      );
      expect(text).toMatch(/^HTTP\/1.1 200/);
      await eventually(() => expect(hashes).toEqual([hash(body)]));
    });
  },
);

/** So much that the two ends' buffers do not hold it: most of it waits in the relay, whose time stands still meanwhile. */
const many = () => Array.from({ length: 30 }, () => randomBytes(1_000_000));

test('F16 what waits in the relay for a slow listener is whole when it comes', async () => {
  const relay = await innerRelay('app', { clock: tunnelClock() });
  const slow = await slowListener(relay.port, null);
  const bodies = many();
  const answered = Promise.all(bodies.map((body) => relay.publish(delivery({ body }))));
  await eventually(() => expect(relay.channels()[0]?.listeners[0]?.link.buffered).toBeGreaterThan(5_000_000));
  await slow.wake();
  expect((await answered).map(({ status }) => status)).toEqual(bodies.map(() => 200));
  expect(slow.taken.map(bodyHash).sort()).toEqual(bodies.map(hash).sort());
});

test('F16 copies that wait for a slow listener are whole when they come, though the first has had its own long since', async () => {
  const relay = await innerRelay('app', { clock: tunnelClock() });
  const quick = taker();
  await innerTunnel(relay.port, quick.receive, { beside: 'fan-out' });
  const slow = await slowListener(relay.port, 'fan-out');
  const bodies = many();
  for (const body of bodies) {
    await relay.publish(delivery({ body }));
    const [, copies] = relay.channels()[0]?.listeners ?? [];
    if ((copies?.link.buffered ?? 0) > 3_000_000) break;
  }
  await slow.wake();
  expect(slow.taken.length).toBeGreaterThan(3);
  expect(slow.taken.map(bodyHash)).toEqual(quick.hashes);
});

test('F11 large bodies that a listener took and did not answer for come again to the next, byte for byte', async () => {
  const relay = await innerRelay('relay');
  const mute = taker();
  const first = await innerTunnel(relay.port, async (incoming) => {
    await mute.receive(incoming);
    return new Promise(() => {});
  });
  const bodies = [900_000, 100_000, 900_000].map((size) => randomBytes(size));
  for (const [i, body] of bodies.entries())
    expect((await relay.publish(delivery({ id: `ev_${i}`, body }))).status).toBe(200);
  await eventually(() => expect(mute.hashes.slice(0, 1)).toEqual([hash(bodies[0] as Buffer)]));
  await first.tunnel.close(0);
  await eventually(() => expect(relay.channels()[0]?.listeners).toEqual([]));
  const second = taker();
  await innerTunnel(relay.port, second.receive);
  await eventually(() => expect(second.hashes).toEqual(bodies.map(hash)));
});
