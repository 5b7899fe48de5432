import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { ATTACH, PROTOCOL } from '../../src/tunnel/control.ts';
import { decodeFrames } from '../../src/tunnel/frames.ts';
import { delivery } from '../helpers/delivery.ts';
import { testReceiver } from '../helpers/test-receiver.ts';
import { CHANNEL, innerRelay, innerTunnel } from '../helpers/tunnel-ends.ts';

const MIB = 1024 ** 2;
const COUNT = 48;

test('F14 one who shares a channel and reads nothing does not fill the memory of the relay', async () => {
  const relay = await innerRelay('app', { maxQueue: 4 * MIB });
  const receiver = await testReceiver();
  await innerTunnel(relay.port, receiver.receive);
  const copy = new WebSocket(`ws://127.0.0.1:${relay.port}/${CHANNEL}`, PROTOCOL, {
    headers: { Authorization: 'Bearer mot_token', [ATTACH.session]: 'slow', [ATTACH.beside]: 'fan-out' },
  });
  onTestFinished(() => copy.terminate());
  let bytes = 0;
  copy.on('message', (data, binary) => {
    if (!binary) return;
    for (const frame of decodeFrames(data as Buffer))
      if (frame.kind === 'delivery') bytes += frame.content.length;
  });
  await once(copy, 'message');
  copy.send(JSON.stringify({ type: 'open', open: true }));
  // Once its pong is back, the relay has taken it in.
  copy.ping();
  await once(copy, 'pong');
  copy.pause();
  for (let n = 0; n < COUNT; n++) {
    const sent = delivery({ id: `ev_${n}`, body: Buffer.alloc(MIB, n) });
    expect((await relay.publish(sent)).status).toBe(200);
  }
  // All that was kept in memory for it comes now, and the pong behind it, unless the relay has ended the link.
  copy.resume();
  copy.ping();
  await Promise.race([once(copy, 'pong'), once(copy, 'close')]);
  expect(bytes / MIB).toBeLessThan(COUNT / 2);
});
