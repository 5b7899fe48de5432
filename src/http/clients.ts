import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ServeLimits } from './serve-options.ts';

/** What has a place in the line of a connection; `turn` is set once it can be dealt with. */
export interface InLine {
  turn: (() => void) | null;
  /** All of it has come, though it may not have been told yet. */
  readonly whole: boolean;
  /** The rest of it will not be read. */
  abandon(): void;
  /** The rest of it will not come. */
  lost(): void;
}

/** One client's connection: its requests come one behind the other, and are answered in that order, one at a time. */
export class Client {
  /** The one that requests come from: under TLS, what is deciphered. */
  socket: Socket;
  /** No more requests after those under way. */
  finishing = false;
  /** The connection is another protocol's. */
  handedOver = false;
  readonly #patienceMs: number;
  readonly #line: InLine[] = [];
  #since = performance.now();
  #lastAnswer: ServerResponse | null = null;
  #unread: NodeJS.Timeout | null = null;

  /** `patienceMs` is how long it may leave an answer unread. */
  constructor(socket: Socket, patienceMs: number) {
    this.socket = socket;
    this.#patienceMs = patienceMs;
  }

  /** True where nothing of a request is here. */
  get idle(): boolean {
    return this.#line.length === 0 && !this.handedOver;
  }

  /** Since when it could have sent a whole request and has not, ms; null while one is being answered. */
  get idleSince(): number | null {
    return this.handedOver || this.#line[0]?.turn != null ? null : this.#since;
  }

  /** Takes its place; what it is waits for its turn. */
  enter(one: InLine): void {
    if (this.#line.length === 0) this.#since = performance.now();
    this.#line.push(one);
  }

  /** It is here whole: this is done when what stands before it has been answered. */
  ready(one: InLine, turn: () => void): void {
    one.turn = turn;
    if (this.#line[0] === one) turn();
    // A client may send its next requests unasked, but not without end.
    else this.socket.pause();
  }

  /** The same for what ends the connection: first what was answered before leaves. */
  readyToEnd(one: InLine, turn: () => void): void {
    this.ready(one, () => {
      // An answer keeps the connection until it has left.
      if (this.#lastAnswer === null || this.#lastAnswer.socket === null) turn();
      else this.#lastAnswer.once('finish', turn);
    });
  }

  /** What comes is no request: this is done in place of it, and nothing after it. */
  end(turn: () => void): void {
    this.#takeUnfinished()?.abandon();
    const ending = { turn: null, whole: true, abandon: () => {}, lost: () => {} };
    this.enter(ending);
    this.readyToEnd(ending, turn);
  }

  /** The first in line has its answer. */
  answered(response: ServerResponse): void {
    this.#lastAnswer = response;
    // For a client that does not read its answers (fault C1).
    if (this.socket.writableNeedDrain && this.#unread === null) {
      this.#unread = setTimeout(() => this.socket.destroy(), this.#patienceMs);
      this.socket.once('drain', () => this.#stopWaiting());
    }
    this.#line.shift();
    this.#since = performance.now();
    if (this.#line.length < 2) this.socket.resume();
    this.#line[0]?.turn?.();
  }

  lost(): void {
    this.#takeUnfinished()?.lost();
    this.#stopWaiting();
  }

  /** Only the last in line can be still coming in. */
  #takeUnfinished(): InLine | undefined {
    return this.#line.at(-1)?.whole === false ? this.#line.pop() : undefined;
  }

  #stopWaiting(): void {
    if (this.#unread !== null) clearTimeout(this.#unread);
    this.#unread = null;
  }
}

/** All connections, so many at most: where they are full, the one that has idled longest gives way (fault G6). */
export class Clients {
  readonly #limits: ServeLimits;
  readonly #bySocket = new Map<Socket, Client>();
  /** Those in their TLS handshake, by the other side's address and port. */
  readonly #shaking = new Map<string, Client>();
  #count = 0;
  #finishing = false;

  constructor(limits: ServeLimits) {
    this.#limits = limits;
  }

  /** A connection came. Where there is no room for it, it is closed. */
  readonly accept = (socket: Socket): Client | null => {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    if (this.#count >= this.#limits.maxConnections && !this.#makeRoom()) {
      socket.destroy();
      return null;
    }
    const client = new Client(socket, this.#limits.requestTimeoutMs);
    client.finishing = this.#finishing;
    this.#bySocket.set(socket, client);
    this.#count += 1;
    socket.once('close', () => {
      this.#bySocket.delete(socket);
      this.#count -= 1;
      client.lost();
    });
    return client;
  };

  /** A connection came whose TLS handshake is still to come. */
  readonly shake = (socket: Socket): void => {
    const client = this.accept(socket);
    if (client === null) return;
    const peer = peerOf(socket);
    this.#shaking.set(peer, client);
    socket.once('close', () => {
      if (this.#shaking.get(peer) === client) this.#shaking.delete(peer);
    });
  };

  /** Its TLS stands. */
  readonly secured = (socket: Socket): void => {
    const peer = peerOf(socket);
    const client = this.#shaking.get(peer);
    if (client === undefined) return;
    this.#shaking.delete(peer);
    client.socket = socket;
    this.#bySocket.set(socket, client);
    socket.once('close', () => this.#bySocket.delete(socket));
  };

  of(socket: Socket): Client {
    // One that was closed a moment ago has still its last words to say.
    return this.#bySocket.get(socket) ?? new Client(socket, this.#limits.requestTimeoutMs);
  }

  /** No more requests after those under way. */
  finish(): void {
    this.#finishing = true;
    for (const client of this.#bySocket.values()) {
      client.finishing = true;
      if (client.idle) client.socket.destroy();
    }
  }

  cutAll(): void {
    for (const client of this.#bySocket.values()) if (!client.handedOver) client.socket.destroy();
  }

  #makeRoom(): boolean {
    let longest: Client | null = null;
    for (const client of this.#bySocket.values()) {
      const { idleSince } = client;
      if (idleSince !== null && idleSince < (longest?.idleSince ?? Number.POSITIVE_INFINITY))
        longest = client;
    }
    longest?.socket.destroy();
    return longest !== null;
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
