import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { ATTACH, PROTOCOL } from '../../src/tunnel/control.ts';
import { type DeliveryFrame, decodeFrames, encodeAnswer } from '../../src/tunnel/frames.ts';
import { CHANNEL, TOKEN } from './tunnel-ends.ts';

/** A listener that is attached and takes deliveries, but reads nothing until it wakes up; then it answers 200 to each. */
export interface SlowListener {
  taken: DeliveryFrame[];
  /** Says that it closes, and still reads nothing. */
  close(): void;
  /** Resolves once all has come that was sent before, or the relay has ended the link. */
  wake(): Promise<void>;
}

export async function slowListener(
  port: number,
  beside: 'fan-out' | null,
  channel = CHANNEL,
): Promise<SlowListener> {
  const headers = { Authorization: `Bearer ${TOKEN}`, [ATTACH.session]: 'slow' };
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${channel}`, PROTOCOL, {
    headers: beside === null ? headers : { ...headers, [ATTACH.beside]: beside },
  });
  onTestFinished(() => socket.terminate());
  const taken: DeliveryFrame[] = [];
  socket.on('message', (data, binary) => {
    if (!binary) return;
    for (const frame of decodeFrames(data as Buffer)) {
      if (frame.kind !== 'delivery') continue;
      taken.push(frame);
      socket.send(encodeAnswer(frame.number, { status: 200, headers: [], body: 'ok' }));
    }
  });
  await once(socket, 'message');
  socket.send(JSON.stringify({ type: 'open', open: true }));
  const reached = async () => {
    socket.ping();
    await Promise.race([once(socket, 'pong'), once(socket, 'close')]);
  };
  // Once its pong is back, the relay has taken it in.
  await reached();
  socket.pause();
  return {
    taken,
    close: () => socket.close(1000),
    wake() {
      socket.resume();
      return reached();
    },
  };
}
