import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP proxy on a free port of 127.0.0.1, through which links are made bad; it ends with the test. */
export interface TcpProxy {
  port: number;
  /** Where connections lead; until it is said they are cut. */
  to(port: number): void;
  /** Ends all connections there are; new ones are let through. */
  cut(): void;
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
  const listener = createServer((client) => {
    client.on('error', () => {});
    if (mode === 'down' || target === null) return client.destroy();
    const server = connect(target, '127.0.0.1');
    const pair = { client, server, dead: mode === 'stalled' };
    pairs.add(pair);
    client.on('data', (chunk) => pair.dead || server.write(chunk));
    server.on('data', (chunk) => {
      const pass = () => {
        if (pair.dead || client.destroyed) return;
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
        // Of a dead link the client does not even hear that it has ended.
        if (one === server && pair.dead) return;
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
