import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Incoming } from './incoming.ts';
import type { ServeLimits } from './serve-options.ts';

/** One client's connection: its requests come one after the other, and are answered in that order. */
export class Client {
  /** The one that requests come from: under TLS, what is deciphered. */
  socket: Socket;
  /** No more requests after those under way. */
  finishing = false;
  /** The connection is another protocol's. */
  handedOver = false;
  /** The request whose body is still coming in. */
  reading: Incoming | null = null;
  #answering = false;
  /** Requests that came whole before those in front of them were answered. */
  readonly #waiting: Incoming[] = [];
  #lastAnswer: ServerResponse | null = null;
  #then: (() => void) | null = null;
  #since = performance.now();
  #unread: NodeJS.Timeout | null = null;

  readonly #patienceMs: number;

  /** `patienceMs` is how long it may leave an answer unread. */
  constructor(socket: Socket, patienceMs: number) {
    this.socket = socket;
    this.#patienceMs = patienceMs;
  }

  /** Since when it could have sent a whole request and has not, ms; null while one is being answered. */
  get idleSince(): number | null {
    return this.#answering || this.handedOver ? null : this.#since;
  }

  /** A request has begun to come in. */
  begin(incoming: Incoming): void {
    this.reading = incoming;
    this.#since = performance.now();
  }

  /** It is here; it is answered when those before it are. */
  received(incoming: Incoming): void {
    this.reading = null;
    if (this.#answering) {
      // A client may send its next requests unasked, but not without end.
      this.#waiting.push(incoming);
      this.socket.pause();
      return;
    }
    this.#answering = true;
    incoming.handle();
  }

  answered(response: ServerResponse): void {
    this.#lastAnswer = response;
    // For a client that does not read its answers (fault C1).
    if (this.socket.writableNeedDrain && this.#unread === null) {
      this.#unread = setTimeout(() => this.socket.destroy(), this.#patienceMs);
      this.socket.once('drain', () => this.#stopWaiting());
    }
    const next = this.#waiting.shift();
    if (next !== undefined) {
      if (this.#waiting.length === 0) this.socket.resume();
      next.handle();
      return;
    }
    this.#answering = false;
    this.#since = performance.now();
    if (this.#then !== null) this.afterAnswers(this.#then);
  }

  /** Does this once what came before has been answered; for the end of the connection, so only once. */
  afterAnswers(then: () => void): void {
    if (this.#answering) this.#then = then;
    else if (this.#lastAnswer === null || this.#lastAnswer.writableFinished) then();
    else this.#lastAnswer.once('finish', then);
  }

  /** What has come of a request will not become whole. */
  abandon(): void {
    this.reading?.abandon();
    this.reading = null;
  }

  lost(): void {
    this.reading?.lost();
    this.reading = null;
    this.#stopWaiting();
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
      if (client.idleSince !== null && client.reading === null) client.socket.destroy();
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
