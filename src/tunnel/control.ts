import { z } from 'zod';
import { BadFrameError } from './frames.ts';

// What goes over a link as text: small JSON messages about the link itself.

const count = z.int().min(0);

/** From the relay, first of all: the link stands. Deliveries come once the listener is open. */
const Attached = z.object({
  type: z.literal('attached'),
  /** The channel's name, for people. */
  channel: z.string().max(200),
  /** Where the platform publishes; null where the relay does not know how it is called from outside. */
  public_url: z.string().max(2000).nullable(),
  ack: z.enum(['app', 'relay']),
  heartbeat_ms: z.int().min(10).max(600_000),
  /** How many deliveries are kept for a listener. */
  waiting: count,
  /** True for one of several, whose answers go to nobody. */
  copy: z.boolean(),
});

/** From the listener: deliveries may come, or are to come no more while it answers those it has. */
const Open = z.object({ type: z.literal('open'), open: z.boolean() });

/** From the relay: it is so. */
const Opened = z.object({ type: z.literal('opened') });

/** From the relay, now and then, where that changes. */
const Waiting = z.object({ type: z.literal('waiting'), waiting: count });

const Control = z.discriminatedUnion('type', [Attached, Open, Opened, Waiting]);

export type Attached = z.infer<typeof Attached>;
export type Control = z.infer<typeof Control>;

/** Throws BadFrameError. */
export function readControl(text: string): Control {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadFrameError('a control message is not JSON');
  }
  const result = Control.safeParse(value);
  if (!result.success) throw new BadFrameError('a control message is not one that is known');
  return result.data;
}

/** The name of this protocol and its version, for `Sec-WebSocket-Protocol`. */
export const PROTOCOL = 'mo-notify.tunnel.v1';

/** What a listener says of itself when it attaches, as headers of the upgrade request. */
export const ATTACH = {
  /** Its own random name: the same after a reconnection, so that it takes the place of its own dead link. */
  session: 'X-MO-Session',
  /** `takeover` or `fan-out`, where another listener is attached. */
  beside: 'X-MO-Beside',
  /** `app` or `relay`, where the channel's way of answering is to be changed. */
  ack: 'X-MO-Ack',
} as const;
