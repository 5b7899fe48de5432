import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, onTestFinished, vi } from 'vitest';
import { parsePayload } from '../../src/core/payload.ts';
import type { Receipt } from '../../src/core/record.ts';
import { Feed } from '../../src/dashboard/feed.ts';
import { eventBody } from './delivery.ts';
import { type FakeResponse, fakeResponse } from './fake-response.ts';
import { type MemoryLog, memoryLog } from './memory-log.ts';
import { AT, newReceipt } from './records.ts';

export const ABOUT = { version: '0.0.0', location: 'memory', receiver: null, app: null };
export const GATHER_MS = 100;
export const HEARTBEAT_MS = 5000;
export const PATIENCE_MS = 30_000;
export const LINGER_MS = 30_000;

export interface Bench extends MemoryLog {
  feed: Feed;
  /** A page that joins, with the last message it knows. */
  join(after?: number | null): Promise<FakeResponse>;
  /** Stores an event of a call, as a receiver in this process does. */
  receive(
    call?: string,
    about?: { event?: string; status?: number | null; more?: Record<string, unknown> },
  ): Receipt;
  pass(ms: number): Promise<void>;
  /** Somebody sets the clock, by so many ms. */
  set(ms: number): void;
}

export function bench(): Bench {
  const log = memoryLog();
  let now = AT;
  /** What the clock was set by. */
  let off = 0;
  const feed = new Feed({ store: log.store, now: () => now + off, elapsed: () => now, about: ABOUT });
  onTestFinished(() => feed.close());
  let seconds = 0;
  return {
    ...log,
    feed,
    async join(after = null) {
      const page = fakeResponse();
      await feed.open();
      feed.join(page.response, after);
      return page;
    },
    receive(call = 'MO1', { event = 'call_connected', status = 200, more = {} } = {}) {
      seconds += 1;
      const body = eventBody({
        event,
        call_id: call,
        timestamp: new Date(AT + seconds * 1000).toISOString(),
        ...more,
      });
      const seq = log.received({ event, callId: call, status, body, receivedAt: now });
      const {
        body: _,
        headers: __,
        ...about
      } = newReceipt({
        id: `rc_${seq}`,
        eventId: `ev_${seq}`,
        receivedAt: now,
        event,
        callId: call,
        status,
      });
      const receipt = { ...about, duplicate: null, forward: null, shownAt: null };
      feed.received(seq, receipt, parsePayload(Buffer.from(body)));
      return receipt;
    },
    async pass(ms) {
      now += ms;
      await vi.advanceTimersByTimeAsync(ms);
      await turn();
    },
    set(ms) {
      off += ms;
    },
  };
}

/** For every test of a file: the clock stands still but where a test moves it. */
export function stopClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    });
  });
  afterEach(() => void vi.useRealTimers());
}
