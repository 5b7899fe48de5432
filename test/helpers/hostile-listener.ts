import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { Answer } from '../../src/http/serve-options.ts';
import { ATTACH, PROTOCOL } from '../../src/tunnel/control.ts';
import { decodeFrames, encodeAnswer } from '../../src/tunnel/frames.ts';

/** A listener that is attached to a channel, and says to each delivery what the test has it say, well formed or not. */
export async function hostileListener(
  tunnel: string,
  token: string,
  answer: (nth: number) => Answer,
): Promise<void> {
  const socket = new WebSocket(tunnel, PROTOCOL, {
    headers: { Authorization: `Bearer ${token}`, [ATTACH.session]: 'hostile' },
  });
  onTestFinished(() => socket.terminate());
  let nth = 0;
  await once(socket, 'message');
  const opened = once(socket, 'message');
  socket.on('message', (data, binary) => {
    if (!binary) return;
    for (const frame of decodeFrames(data as Buffer)) {
      nth += 1;
      if (frame.kind === 'delivery') socket.send(encodeAnswer(frame.number, answer(nth)));
    }
  });
  socket.send(JSON.stringify({ type: 'open', open: true }));
  await opened;
}
