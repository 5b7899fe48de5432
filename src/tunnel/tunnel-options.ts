import type { KnownError } from '../core/errors.ts';
import type { Answer, IncomingRequest } from '../http/serve-options.ts';
import type { Clock } from './clock.ts';
import type { Credentials } from './dial.ts';

/** How the link stands. */
export type LinkState =
  | { state: 'connecting' }
  | { state: 'proving'; publicUrl: URL }
  | { state: 'live'; channel: string; publicUrl: URL; ack: 'app' | 'relay'; waiting: number; copy: boolean }
  | { state: 'lost'; reason: string; retryInMs: number }
  | { state: 'ended'; reason: string };

/** What a listener's receiver answers. */
export interface ListenerAnswer extends Answer {
  /** The app or the log could not be reached, so what is kept has to wait. */
  unavailable?: boolean;
}

export interface TunnelOptions {
  /** `wss://relay/CHANNEL`. */
  url: URL;
  /** The proxy on the way to it. */
  proxy: URL | null;
  credentials: Credentials;
  /** Where the token is, for messages. */
  tokenName: string;
  clock: Clock;
  random: () => number;
  /** Answers a delivery. Never rejects. */
  receive(request: IncomingRequest): Promise<ListenerAnswer>;
  /** The path that deliveries are said to have come to. */
  target: string;
  /**
   * Proves that the public URL leads here. Rejects with KnownError where it does not. Null does without. `own` is false
   * for a URL that is the relay's word alone: another origin or path than `url`.
   */
  prove: ((publicUrl: URL, own: boolean) => Promise<void>) | null;
  exitOnDisconnect: boolean;
  onState(state: LinkState): void;
  /** The app or the log cannot be reached, so what is kept waits; null once it goes on. */
  onStuck(answer: Answer | null): void;
}

/** A link to a relay that is kept up until it is closed. */
export interface Tunnel {
  state(): LinkState;
  /** The last proof that the relay is there, as `clock.elapsed` has it. */
  heardAt(): number;
  /** How many deliveries the relay keeps for this channel, as it last said. */
  waiting(): number;
  /** Resolves when the tunnel is gone for good, to the reason; never while it is only being made anew. */
  ended: Promise<KnownError>;
  /** Answers what is under way, for `graceMs` at most, and takes nothing more. */
  close(graceMs: number): Promise<void>;
}
