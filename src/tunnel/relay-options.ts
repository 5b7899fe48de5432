import type { RelayStore } from '../core/relay-store.ts';
import type { ServeFault, TlsPair } from '../http/serve-options.ts';
import type { Clock } from './clock.ts';
import type { LiveChannel } from './live-channel.ts';

export interface RelayOptions {
  host: string;
  port: number;
  tls?: TlsPair;
  /** How the relay is called from outside, without a slash at its end; null where it does not know. */
  publicUrl: string | null;
  store: RelayStore;
  clock: Clock;
  random: () => number;
  /** Whether a proxy on this machine is believed about where a request came from. */
  trustProxy: boolean;
  maxBody: number;
  /** How many bytes may wait in each channel. */
  maxQueue: number;
  /** How many bytes of all channels' deliveries may be in memory. */
  maxMemory: number;
  /** How long a delivery is kept for a listener, ms. */
  retainMs: number;
  heartbeatMs: number;
  /** What `/metrics` asks for; without one there is none. */
  token: { matches(given: string): boolean } | null;
  onEvent(event: RelayEvent): void;
}

/** What people want to know of a relay's day. */
export type RelayEvent =
  | { kind: 'attached'; channel: string; address: string; waiting: number; copy: boolean }
  | { kind: 'detached'; channel: string; address: string; reason: string; waiting: number }
  | { kind: 'refused'; channel: string | null; address: string; status: number }
  | { kind: 'failed'; channel: string; status: number }
  | { kind: 'expired'; channel: string; count: number }
  | { kind: 'fault'; fault: ServeFault }
  /** A proxy on this machine says where requests come from, without `trustProxy`; once a run. */
  | { kind: 'unbelieved'; peer: string }
  | { kind: 'store'; error: unknown };

export interface Relay {
  port: number;
  host: string;
  channels(): LiveChannel[];
  /** For one with TLS: connections from now on get this certificate. */
  renewTls(pair: TlsPair): void;
  /** Takes no more, answers what is under way within `graceMs`, tells listeners to come back, closes. */
  close(graceMs: number): Promise<void>;
}
