import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ChannelAck } from '../../src/core/relay-store.ts';
import { tokenHash } from '../../src/core/token.ts';
import type { Answer, IncomingRequest } from '../../src/http/serve-options.ts';
import { openRelayStore } from '../../src/store/open.ts';
import { openTunnel } from '../../src/tunnel/client.ts';
import { type Clock, SYSTEM_CLOCK } from '../../src/tunnel/clock.ts';
import { startRelay } from '../../src/tunnel/relay.ts';
import type { Relay, RelayEvent, RelayOptions } from '../../src/tunnel/relay-options.ts';
import type { LinkState, Tunnel } from '../../src/tunnel/tunnel-options.ts';
import { type Delivery, delivery } from './delivery.ts';
import { post, type RawAnswer } from './raw-http.ts';
import { tempFolder } from './spawn-cli.ts';

export const TOKEN = 'mot_token';
export const CHANNEL = 'a'.repeat(40);

/** A relay in this process, with one channel, or `more`, and a clock of the test's; it ends with the test. */
export interface InnerRelay extends Relay {
  events: RelayEvent[];
  publish(sent?: Delivery, channel?: string): Promise<RawAnswer>;
}

export async function innerRelay(
  ack: ChannelAck,
  options: Partial<Omit<RelayOptions, 'store'>> = {},
  more: readonly string[] = [],
): Promise<InnerRelay> {
  const store = await openRelayStore(join(tempFolder(), 'relay.db'));
  const about = { ack, tokenHash: tokenHash(TOKEN), createdAt: 0, expiresAt: null };
  await store.addChannel({ ...about, id: CHANNEL, name: 'dev' });
  for (const id of more) await store.addChannel({ ...about, id, name: id });
  const events: RelayEvent[] = [];
  const relay = await startRelay({
    host: '127.0.0.1',
    port: 0,
    publicUrl: null,
    store,
    clock: SYSTEM_CLOCK,
    random: () => 0,
    trustProxy: false,
    maxBody: 1024 ** 2,
    maxQueue: 64 * 1024 ** 2,
    maxMemory: 256 * 1024 ** 2,
    retainMs: 86_400_000,
    heartbeatMs: 10_000,
    token: null,
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(async () => {
    await relay.close(0);
    await store.close();
  });
  return {
    ...relay,
    events,
    publish: (sent = delivery(), channel = CHANNEL) => post(relay.port, sent, { path: `/${channel}` }),
  };
}

/** A listener's end in this process, at a port of the relay or of a proxy; it ends with the test. */
export async function innerTunnel(
  port: number,
  receive: (request: IncomingRequest) => Promise<Answer>,
  { clock = SYSTEM_CLOCK, beside = null }: { clock?: Clock; beside?: 'fan-out' | null } = {},
): Promise<{ tunnel: Tunnel; states: LinkState[] }> {
  const states: LinkState[] = [];
  const tunnel = await openTunnel({
    url: new URL(`ws://127.0.0.1:${port}/${CHANNEL}`),
    proxy: null,
    credentials: { token: TOKEN, session: randomBytes(16).toString('hex'), beside, ack: null },
    tokenName: 'MO_TUNNEL_TOKEN',
    clock,
    random: () => 0,
    receive,
    target: '/',
    prove: null,
    exitOnDisconnect: false,
    onState: (state) => states.push(state),
    onStuck: () => {},
  });
  onTestFinished(() => tunnel.close(0));
  return { tunnel, states };
}

/** What is waited for at least this long is an answer, ms; what is shorter is a pause. */
const GREETING_MS = 10_000;

/** The real clock, on which pauses are so many times shorter, and patience is as long as ever. */
export function hastyClock(times: number): Clock {
  const after: Clock['after'] = (ms, work) => SYSTEM_CLOCK.after(ms < GREETING_MS ? ms / times : ms, work);
  return { ...SYSTEM_CLOCK, after };
}
