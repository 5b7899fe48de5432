import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { parseEvents, type StreamMessage } from './event-stream.ts';

/** A page's end of a stream that reads when the test says so. */
export interface FakeResponse {
  response: ServerResponse;
  /** What it was sent, heartbeats left out, since this was asked last. */
  news(): StreamMessage[];
  /** The same as words: `snapshot 3` for one with so many records, `changes 1`, `missed`. */
  words(): string;
  /** How many bytes were written, in all. */
  bytes(): number;
  heartbeats(): number;
  /** From now on every write says that there is no room. */
  block(): void;
  /** There is room again. */
  drain(): void;
  /** The page goes away. */
  leave(): void;
  ended(): boolean;
}

export function fakeResponse(): FakeResponse {
  const emitter = new EventEmitter();
  let blocked = false;
  let ended = false;
  let text = '';
  let bytes = 0;
  let beats = 0;
  const leave = () => {
    if (fake.destroyed) return;
    fake.destroyed = true;
    emitter.emit('close');
  };
  const fake = Object.assign(emitter, {
    destroyed: false,
    write(chunk: Buffer) {
      if (ended) emitter.emit('error', new Error('write after end'));
      bytes += chunk.length;
      text += chunk.toString('utf8');
      return !blocked;
    },
    end() {
      ended = true;
      leave();
    },
    destroy: leave,
  });
  const news = () => {
    const messages = parseEvents(text);
    text = '';
    beats += messages.filter(({ event }) => event === 'heartbeat').length;
    return messages.filter(({ event }) => event !== 'heartbeat');
  };
  return {
    response: fake as unknown as ServerResponse,
    news,
    words: () =>
      news()
        .map(({ event, data }) => (data.records === undefined ? event : `${event} ${data.records.length}`))
        .join(', '),
    bytes: () => bytes,
    heartbeats: () => {
      const rest = news();
      if (rest.length > 0) throw new Error(`more than heartbeats: ${JSON.stringify(rest).slice(0, 200)}`);
      return beats;
    },
    block: () => {
      blocked = true;
    },
    drain: () => {
      blocked = false;
      emitter.emit('drain');
    },
    leave,
    ended: () => ended,
  };
}
