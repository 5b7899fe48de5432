import type { WebSocket } from 'ws';
import { type Pieces, sizeOf } from '../core/pieces.ts';
import { formatDuration } from '../core/time.ts';
import type { Clock } from './clock.ts';
import { type Control, readControl } from './control.ts';
import { BadFrameError, decodeFrames, type Frame } from './frames.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Memory } from './memory.ts';

/** Why a link ended, for whoever was at its other end too (RFC 6455 §7.4; 4000 and above are ours). */
export const CLOSE = {
  normal: 1000,
  badFrame: 1002,
  restart: 1012,
  replaced: 4001,
  revoked: 4002,
  silent: 4003,
  slow: 4004,
} as const;

/**
 * Frames of one turn of the event loop leave as one message, up to so many: few enough that the other side has begun
 * with the first while the last are still being read.
 */
const BATCH = { frames: 8, bytes: 65_536 };
/** How long the other side has to answer a close, ms. */
const CLOSE_MS = 1000;
const NORMAL_LOSS = 1006;

export interface LinkOptions {
  /** The connection under the WebSocket. */
  transport: { readonly bytesRead: number };
  heartbeatMs: number;
  clock: Clock;
  /** Where what waits to be sent is counted. */
  memory?: Memory;
  onFrames(frames: Frame[]): void;
  onControl(control: Control): void;
  /** Once, and nothing comes after it. `reason` is for people. */
  onEnd(end: { code: number; reason: string }): void;
}

/** One WebSocket between a relay and a listener, the same at both ends: frames, control messages and a heartbeat. */
export class Link {
  readonly #socket: WebSocket;
  readonly #options: LinkOptions;
  #heartbeat: Heartbeat;
  #stopBeating: () => void;
  #outgoing: Uint8Array[] = [];
  #outgoingBytes = 0;
  /** Bytes of frames that the connection has not taken yet. */
  #unsent = 0;
  #scheduled = false;
  #heardAt: number;
  #ended = false;

  constructor(socket: WebSocket, options: LinkOptions) {
    const { clock, heartbeatMs } = options;
    this.#socket = socket;
    this.#options = options;
    this.#heardAt = clock.elapsed();
    this.#heartbeat = new Heartbeat(heartbeatMs, clock.uptime());
    this.#stopBeating = clock.every(heartbeatMs, () => this.#beat());
    socket.resume();
    socket.on('message', (data, binary) => this.#read(data as Buffer, binary));
    socket.on('ping', () => this.#heard());
    socket.on('pong', () => this.#heard());
    socket.on('error', () => {});
    socket.on('close', (code, reason) => {
      this.#sent(this.#unsent);
      this.#end(
        code,
        reason.toString('utf8') || (code === NORMAL_LOSS ? 'the connection broke' : `closed (${code})`),
      );
    });
  }

  /** The last proof that the other side is there, as `clock.elapsed` has it. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Bytes that the other side has yet to take. */
  get buffered(): number {
    return this.#unsent;
  }

  /** True as well once the other side has begun to close, though it may take its time about it. */
  get ended(): boolean {
    return this.#ended || this.#closing;
  }

  get #closing(): boolean {
    return this.#socket.readyState === this.#socket.CLOSING;
  }

  /** Has the heart beat with this period from now on. */
  beatEvery(ms: number): void {
    if (this.#ended) return;
    const { clock } = this.#options;
    this.#stopBeating();
    this.#heartbeat = new Heartbeat(ms, clock.uptime());
    this.#stopBeating = clock.every(ms, () => this.#beat());
  }

  send(frame: Uint8Array): void {
    if (this.#ended) return;
    this.#outgoing.push(frame);
    this.#outgoingBytes += frame.length;
    this.#hold(frame.length);
    if (this.#outgoing.length >= BATCH.frames || this.#outgoingBytes > BATCH.bytes) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#flush();
      });
    }
  }

  /**
   * For a frame in several pieces, which are not copied. Resolves once nothing needs them any more: of a connection that
   * is cut, Node says so only when the write under way has been called off.
   */
  async sendPieces(pieces: Pieces): Promise<void> {
    if (this.#ended) return;
    this.#flush();
    const size = sizeOf(pieces);
    this.#hold(size);
    await new Promise<void>((resolve) => {
      for (const [i, piece] of pieces.entries()) {
        const fin = i === pieces.length - 1;
        this.#socket.send(piece, { binary: true, fin }, fin ? () => resolve() : undefined);
      }
    });
    this.#sent(size);
  }

  control(message: Control): void {
    if (this.#ended) return;
    this.#flush();
    this.#socket.send(JSON.stringify(message));
  }

  /** Ends the link; what was sent before still goes out, but nobody waits for long. */
  close(code: number, reason: string): void {
    if (this.#ended) return;
    this.#flush();
    this.#socket.close(code, reason);
    this.#end(code, reason);
    setTimeout(() => this.#socket.terminate(), CLOSE_MS).unref();
  }

  #flush(): void {
    if (this.#outgoing.length === 0 || this.#ended) return;
    const [frames, size] = [this.#outgoing, this.#outgoingBytes];
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    this.#socket.send(frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames), () =>
      this.#sent(size),
    );
  }

  #hold(bytes: number): void {
    this.#unsent += bytes;
    this.#options.memory?.take(bytes);
  }

  /** The connection has taken them. Of one that is gone all count as taken; what is said of each afterwards changes nothing. */
  #sent(bytes: number): void {
    const freed = Math.min(bytes, this.#unsent);
    this.#unsent -= freed;
    this.#options.memory?.free(freed);
  }

  #read(data: Buffer, binary: boolean): void {
    if (this.#ended) return;
    this.#heard();
    try {
      if (binary) this.#options.onFrames(decodeFrames(data));
      else this.#options.onControl(readControl(data.toString('utf8')));
    } catch (error) {
      if (!(error instanceof BadFrameError)) throw error;
      this.close(CLOSE.badFrame, `not this protocol: ${error.message}`);
    }
  }

  #heard(): void {
    this.#heardAt = this.#options.clock.elapsed();
  }

  #beat(): void {
    // Its word came, and a heartbeat is enough for its end to come too.
    if (this.#closing) return this.#socket.terminate();
    const { clock, transport } = this.#options;
    const uptime = clock.uptime();
    const away = this.#heartbeat.since(uptime);
    const silence = clock.elapsed() - this.#heardAt;
    const pulse = this.#heartbeat.beat(uptime, transport.bytesRead);
    if (pulse === 'alive') {
      this.#heard();
      this.#socket.ping();
      return;
    }
    const reason =
      pulse === 'slept'
        ? `this machine slept for ${formatDuration(away)}`
        : `silent for ${formatDuration(silence)} (two heartbeats of ${formatDuration(this.#heartbeat.periodMs)})`;
    this.#end(CLOSE.silent, reason);
    // A close would only wait for an answer that does not come.
    this.#socket.terminate();
  }

  #end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopBeating();
    this.#sent(this.#outgoingBytes);
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    this.#options.onEnd({ code, reason });
  }
}
