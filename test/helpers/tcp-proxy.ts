import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP proxy on a free port of 127.0.0.1, through which links are made bad; it ends with the test. */
export interface TcpProxy {
  port: number;
  /** Where connections lead; until it is said they are cut. */
  to(port: number): void;
  /** Ends all connections there are; new ones are let through. */
  cut(): void;
  /** The same with an RST, as a router that has forgotten a connection does. */
  reset(): void;
  /** Ends them for the clients alone: the server hears nothing of it. */
  cutClients(): void;
  /** Does this to the connections there are as soon as so many more bytes have passed, either way. */
  after(bytes: number, act: () => void): void;
  /** Ends all there are, and each that comes, until `up`. */
  down(): void;
  /** Nothing passes any more on the connections there are, nor on those that come until `up`: they stay open, and dead. */
  stall(): void;
  /** New connections are let through again. */
  up(): void;
  /** Whatever is sent to the client from now on comes so many ms late. */
  delay(ms: number): void;
  /** What has been sent to clients since this was asked last. */
  passed(): string;
}

interface Pair {
  client: Socket;
  server: Socket;
  dead: boolean;
}

export async function startTcpProxy(): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let target: number | null = null;
  let mode: 'up' | 'down' | 'stalled' = 'up';
  let lateMs = 0;
  let chunks: Buffer[] = [];
  let due: { left: number; act: () => void } | null = null;
  /** True where this chunk has set off what was to be done. */
  const count = ({ length }: Buffer): boolean => {
    if (due === null) return false;
    due.left -= length;
    if (due.left > 0) return false;
    const { act } = due;
    due = null;
    act();
    return true;
  };
  const listener = createServer((client) => {
    client.on('error', () => {});
    if (mode === 'down' || target === null) return client.destroy();
    const server = connect(target, '127.0.0.1');
    const pair = { client, server, dead: mode === 'stalled' };
    pairs.add(pair);
    client.on('data', (chunk) => pair.dead || count(chunk) || server.write(chunk));
    server.on('data', (chunk) => {
      const pass = () => {
        if (pair.dead || client.destroyed || count(chunk)) return;
        chunks.push(chunk);
        client.write(chunk);
      };
      if (lateMs === 0) pass();
      else setTimeout(pass, lateMs);
    });
    server.on('error', () => {});
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const)
      one.on('close', () => {
        // Of a dead link the other end does not even hear that it has ended.
        if (pair.dead && !other.destroyed) return;
        pairs.delete(pair);
        other.destroy();
      });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const { client, server } of pairs) {
      client.destroy();
      server.destroy();
    }
  };
  onTestFinished(async () => {
    const closed = new Promise((resolve) => listener.close(resolve));
    cut();
    await closed;
  });
  return {
    port: (listener.address() as AddressInfo).port,
    to: (port) => {
      target = port;
    },
    cut,
    cutClients: () => {
      for (const pair of pairs) {
        pair.dead = true;
        pair.client.destroy();
      }
    },
    reset: () => {
      for (const { client, server } of pairs) {
        client.resetAndDestroy();
        server.resetAndDestroy();
      }
    },
    after: (bytes, act) => {
      due = { left: bytes, act };
    },
    down: () => {
      mode = 'down';
      cut();
    },
    stall: () => {
      mode = 'stalled';
      for (const pair of pairs) pair.dead = true;
    },
    up: () => {
      mode = 'up';
    },
    delay: (ms) => {
      lateMs = ms;
    },
    passed: () => {
      const text = Buffer.concat(chunks).toString('latin1');
      chunks = [];
      return text;
    },
  };
}
