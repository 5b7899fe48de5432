import type { Pieces } from './pieces.ts';

/** How a channel's deliveries are answered: with what the app says, or by the relay once they are on disk. */
export type ChannelAck = 'app' | 'relay';

/** One way from the platform to a listener. */
export interface Channel {
  /** The secret part of its URL: who knows it may publish, and nothing else. */
  id: string;
  /** What people call it; unique. */
  name: string;
  ack: ChannelAck;
  /** SHA-256 of the token that a listener must show; the token itself is nowhere. */
  tokenHash: Uint8Array;
  /** ms since the epoch, as all times here. */
  createdAt: number;
  /** From then on it is as if it were not there; null for never. */
  expiresAt: number | null;
}

/** A delivery that the relay has answered for. */
export interface KeptDelivery {
  /** Rises in the order of acceptance. */
  seq: number;
  channel: string;
  receivedAt: number;
  /** How often a listener has answered for it, other than with a 2xx. */
  attempts: number;
  /** Not to be handed on before. */
  dueAt: number;
  bytes: number;
}

export type RelaySetting = 'public_url' | 'max_channels';

/** What a relay keeps: its channels, and the deliveries that wait for a listener. All methods but `close` reject with StoreError. */
export interface RelayStore {
  /** Where it is, for people. */
  readonly location: string;
  /** False where the name is taken. */
  addChannel(channel: Channel): Promise<boolean>;
  channels(): Promise<Channel[]>;
  /** Takes effect at once, and whatever waits is dropped. Resolves to how many deliveries that were. */
  removeChannel(id: string): Promise<number>;
  setAck(id: string, ack: ChannelAck): Promise<void>;
  /** What a relay was last started with, for `relay channel`, which may run while none does. */
  setting(name: RelaySetting): Promise<string | null>;
  set(name: RelaySetting, value: string): Promise<void>;
  /** A number that changes when another process has written. */
  version(): number;
  /** Keeps a delivery's bytes, whatever they are. Resolves to its seq once it is committed. */
  keep(channel: string, receivedAt: number, content: Pieces): Promise<number>;
  /** All that waits, in order. */
  waiting(): Promise<KeptDelivery[]>;
  /** All of it, for the caller alone; null where it is gone. */
  content(seq: number): Promise<Uint8Array | null>;
  /** It needs no keeping any more. */
  drop(seqs: readonly number[]): Promise<void>;
  /** It is to be handed on again, and not before `dueAt`. */
  postpone(seq: number, attempts: number, dueAt: number): Promise<void>;
  /** For the one relay that works on the store, as it starts: removes what an earlier one had not finished writing. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}
