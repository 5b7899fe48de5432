import type { Socket } from 'node:net';
import { ANSWER, type StatusLine } from './answer-parser.ts';
import type { OpenSocket } from './connect.ts';
import type { Fields } from './message-head.ts';
import { MessageParser, type MessageSink } from './message-parser.ts';

/** One request and what becomes of it. Ends with `onEnd` or `onError`, once, unless it is cut. */
export interface Exchange {
  readonly request: Buffer;
  /** True where nobody waits for it any more. */
  readonly over: boolean;
  /** The connection that carries it; `connection.cut()` gives it up. */
  connection: Connection | null;
  onSent(): void;
  onHead(status: number, headers: readonly string[]): void;
  onBody(chunk: Buffer): void;
  /** The head is here, and more of the body is still to come. */
  onBodyAwaited(): void;
  onEnd(): void;
  onError(error: Error): void;
}

/** Servers close a connection that idles for five seconds or more; one that is used at that moment would break. */
const IDLE_MS = 4000;
const READ_BUFFER = 16_384;

/** Connections to one endpoint, kept and used again, one exchange at a time on each (RFC 9112). */
export class Connections {
  readonly #open: OpenSocket;
  readonly #limit: number;
  readonly #all: Set<Connection> = new Set();
  readonly #idle: Connection[] = [];
  readonly #waiting: Exchange[] = [];

  constructor(open: OpenSocket, limit: number) {
    this.#open = open;
    this.#limit = limit;
  }

  run(exchange: Exchange): void {
    for (let kept = this.#idle.pop(); kept !== undefined; kept = this.#idle.pop()) {
      if (kept.fresh) return kept.run(exchange);
      kept.cut();
    }
    if (this.#all.size >= this.#limit) this.#waiting.push(exchange);
    else this.#connect(exchange);
  }

  destroy(): void {
    this.#waiting.length = 0;
    for (const connection of this.#all) connection.cut();
  }

  #connect(exchange: Exchange): void {
    const connection = new Connection(exchange, {
      onFree: (freed) => {
        const next = this.#next();
        if (next === undefined) this.#idle.push(freed);
        else freed.run(next);
      },
      onGone: (gone) => {
        this.#all.delete(gone);
        const at = this.#idle.indexOf(gone);
        if (at >= 0) this.#idle.splice(at, 1);
        const next = this.#next();
        if (next !== undefined) this.#connect(next);
      },
    });
    this.#all.add(connection);
    connection.open(this.#open);
  }

  /** The first that waits for a connection and is still wanted. */
  #next(): Exchange | undefined {
    let next = this.#waiting.shift();
    while (next?.over === true) next = this.#waiting.shift();
    return next;
  }
}

interface Owner {
  /** It can carry another exchange. */
  onFree(connection: Connection): void;
  /** It will carry none any more. */
  onGone(connection: Connection): void;
}

export class Connection implements MessageSink<StatusLine> {
  readonly #owner: Owner;
  readonly #parser = new MessageParser(ANSWER, this);
  #socket: Socket | null = null;
  #connected = false;
  #gone = false;
  #exchange: Exchange | null;
  #keepMs = 0;
  #freeUntil = 0;

  constructor(exchange: Exchange, owner: Owner) {
    this.#exchange = exchange;
    this.#owner = owner;
    exchange.connection = this;
  }

  /** True while an idle connection may be trusted to be open on the other side too. */
  get fresh(): boolean {
    return performance.now() < this.#freeUntil;
  }

  open(openSocket: OpenSocket): void {
    try {
      this.#socket = openSocket({
        // Its own, not a shared one: where the system reads ahead into it, two connections would mix.
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER),
        callback: (bytes, buffer) => {
          this.#read((buffer as Buffer).subarray(0, bytes));
          return true;
        },
        onConnected: () => {
          this.#connected = true;
          if (this.#exchange !== null) this.#send(this.#exchange);
        },
      });
    } catch (error) {
      return this.#end(error as Error);
    }
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('close', () => this.#ended());
  }

  run(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.connection = this;
    this.#send(exchange);
  }

  /** Closes the connection at once; its exchange is told nothing. */
  cut(): void {
    this.#exchange = null;
    this.#end(null);
  }

  onHead({ status }: StatusLine, { headers, keepMs }: Fields): void {
    this.#keepMs = keepMs ?? Number.POSITIVE_INFINITY;
    this.#exchange?.onHead(status, headers);
  }

  onBody(chunk: Buffer): void {
    this.#exchange?.onBody(chunk);
  }

  onEnd(reusable: boolean): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#exchange = null;
    const socket = this.#socket as Socket;
    const kept = reusable && socket.writableLength === 0 && !socket.destroyed;
    if (!kept) this.#end(null);
    exchange.onEnd();
    if (!kept || this.#gone) return;
    this.#freeUntil = performance.now() + Math.min(IDLE_MS, this.#keepMs - 1000);
    this.#owner.onFree(this);
  }

  #send(exchange: Exchange): void {
    this.#parser.expect();
    exchange.onSent();
    (this.#socket as Socket).write(exchange.request);
  }

  #read(chunk: Buffer): void {
    if (this.#gone) return;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      return this.#end(error as Error);
    }
    if (this.#exchange !== null && this.#parser.inBody) this.#exchange.onBodyAwaited();
  }

  #ended(): void {
    // Which may be the end of an answer too.
    if (this.#exchange !== null) this.#parser.end();
    this.#end(new Error(this.#connected ? 'the other side closed it' : 'it was closed while being made'));
  }

  /** Once. The exchange that is under way, if any, fails for this reason. */
  #end(error: Error | null): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#socket?.destroy();
    const exchange = this.#exchange;
    this.#exchange = null;
    if (error !== null) exchange?.onError(error);
    this.#owner.onGone(this);
  }
}
