import { type DeliveryFrame, decodeFrames } from '../../src/tunnel/frames.ts';
import type { Link } from '../../src/tunnel/link.ts';
import { Listener } from '../../src/tunnel/listener.ts';

/** A listener as a relay has it, over a link that leads to the test. */
export interface FakeListener {
  listener: Listener;
  /** All that was handed to it, in order. */
  taken: DeliveryFrame[];
  /** Answers the `nth` of them (from 0); the next that it has not answered yet where none is said. */
  answer(status: number, nth?: number, headers?: string[]): void;
  /** Its link ends. */
  end(): void;
}

export function fakeListener(session = 'session'): FakeListener {
  const taken: DeliveryFrame[] = [];
  const link = {
    ended: false,
    send(bytes: Uint8Array) {
      for (const frame of decodeFrames(Buffer.from(bytes))) if (frame.kind === 'delivery') taken.push(frame);
    },
    async sendPieces(pieces: readonly Uint8Array[]) {
      link.send(Buffer.concat(pieces));
    },
  };
  const listener = new Listener(link as unknown as Link, {
    ...{ session, shares: false, since: 0 },
  });
  let next = 0;
  return {
    listener,
    taken,
    answer(status, nth = next, headers = []) {
      const delivery = taken[nth];
      if (delivery === undefined) throw new Error(`There is no delivery ${nth} to answer.`);
      next = Math.max(next, nth + 1);
      const { number } = delivery;
      listener.take([{ kind: 'answer', number, status, headers, body: Buffer.alloc(0) }]);
    },
    end() {
      link.ended = true;
      listener.lost();
    },
  };
}
