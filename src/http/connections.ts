import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import type { Client, Dispatcher } from 'undici';
import type { OpenSocket } from './connect.ts';

/** One request and what becomes of it, as undici tells it: `onComplete` or `onError` ends it, once. */
export interface Exchange extends Dispatcher.DispatchHandler {
  readonly request: Dispatcher.DispatchOptions;
  /** True where nobody waits for it any more. */
  readonly over: boolean;
  /** The connection that carries it; `connection.cut()` gives it up. */
  connection: Connection | null;
}

/** Servers close a connection that idles for five seconds or more; one that is used at that moment would break. */
const IDLE_MS = 4000;
const HEAD_LIMIT = 16_384;
/**
 * undici's parser is WebAssembly. V8 begins to optimise it after a few requests, and a process that ends then waits for
 * that, 80 ms: more than a short run takes in all. Where there are many requests, optimising only begins a little later.
 */
const TIERING = '--wasm-tiering-budget=20000000';

/** undici's client takes as long to load as Node to start, so it is loaded when somebody is about to send. */
let loadedClient: typeof Client | null = null;

async function loadClient(): Promise<void> {
  setFlagsFromString(TIERING);
  loadedClient = (await import('undici/lib/dispatcher/client.js')).default;
}

/** Connections to one origin, kept and used again, one exchange at a time on each. */
export class Connections {
  readonly #origin: string;
  readonly #open: OpenSocket;
  readonly #limit: number;
  readonly #all: Set<Connection> = new Set();
  readonly #idle: Connection[] = [];
  readonly #waiting: Exchange[] = [];

  constructor(origin: string, open: OpenSocket, limit: number) {
    this.#origin = origin;
    this.#open = open;
    this.#limit = limit;
    if (loadedClient === null) void loadClient().then(() => this.#begin());
  }

  run(exchange: Exchange): void {
    const kept = this.#idle.pop();
    if (kept !== undefined) kept.run(exchange);
    else if (this.#all.size >= this.#limit || loadedClient === null) this.#waiting.push(exchange);
    else this.#add().run(exchange);
  }

  /** What was sent while undici was being loaded. */
  #begin(): void {
    for (const exchange of this.#waiting.splice(0)) if (!exchange.over) this.run(exchange);
  }

  /** All that is under way or waits for a connection. */
  exchanges(): Exchange[] {
    const carried = [...this.#all].flatMap(({ exchange }) => exchange ?? []);
    return [...carried, ...this.#waiting];
  }

  destroy(): void {
    this.#waiting.length = 0;
    for (const connection of [...this.#all]) connection.cut();
  }

  #add(): Connection {
    const connection = new Connection(this.#origin, this.#open, {
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
        if (next !== undefined) this.#add().run(next);
      },
    });
    this.#all.add(connection);
    return connection;
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

/** One of undici's clients: one connection at a time, made anew when it is needed and not there. */
export class Connection {
  readonly #owner: Owner;
  readonly #client: Client;
  #giveUp: () => void = () => {};
  #gone = false;
  exchange: Exchange | null = null;

  constructor(origin: string, open: OpenSocket, owner: Owner) {
    this.#owner = owner;
    this.#client = new (loadedClient as typeof Client)(origin, {
      pipelining: 1,
      // How long an exchange may take is its own to say.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_MS,
      keepAliveTimeoutThreshold: 1000,
      maxHeaderSize: HEAD_LIMIT,
      connect: (_options, callback) => {
        this.#giveUp = open((error, socket) =>
          error === null ? callback(null, socket as Socket) : callback(error, null),
        );
      },
    });
  }

  run(exchange: Exchange): void {
    exchange.connection = this;
    this.exchange = exchange;
    this.#client.dispatch(exchange.request, exchange);
  }

  /** Its exchange has ended. */
  free(): void {
    this.exchange = null;
    if (!this.#gone) this.#owner.onFree(this);
  }

  /** Closes the connection at once, though it were still being made. */
  cut(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.exchange = null;
    this.#giveUp();
    void this.#client.destroy();
    this.#owner.onGone(this);
  }
}
