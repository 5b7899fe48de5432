import { expect, onTestFinished } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { type Delivery, delivery, eventBody, SECRET } from './delivery.ts';
import { eventually } from './eventually.ts';
import { exchange, post, type RawAnswer } from './raw-http.ts';
import { tempFolder } from './spawn-cli.ts';
import { jsonLines, type RunningListen, startListen, type TestIo, testIo } from './test-io.ts';

/** A `relay --json` on a free port, and what belongs to it; all of it ends with the test. */
export interface TestRelay {
  io: TestIo;
  port: number;
  url: string;
  /** Where its store is; `relay channel` runs here, too. */
  cwd: string;
  /** A new channel, through `relay channel create`. */
  channel(args?: string[]): Promise<TestChannel>;
  /** Interrupts it; resolves to its exit code. */
  stop(): Promise<number>;
}

export interface TestChannel {
  name: string;
  id: string;
  token: string;
  /** Its tunnel URL at a port, of the relay or of a proxy in front of it. */
  tunnel(port: number): string;
  publish(sent: Delivery, port?: number): Promise<RawAnswer>;
  /** A listener that is ready, without a proof of the way unless told otherwise. */
  listen(args?: string[], options?: ListenOptions): Promise<RunningListen>;
  /** `listen` from start to end, for one that is not let in. */
  refused(args?: string[], options?: ListenOptions): Promise<{ code: number; io: TestIo }>;
}

export interface ListenOptions {
  /** Another than the relay's. */
  port?: number;
  token?: string;
  cwd?: string;
  /** A proof of the way is asked for. */
  probe?: boolean;
}

export async function runRelay(
  args: string[] = [],
  {
    cwd = tempFolder(),
    port = 0,
    env = {},
  }: { cwd?: string; port?: number; env?: Record<string, string> } = {},
): Promise<TestRelay> {
  const io = testIo({ cwd, env });
  const ended = run(['relay', '--port', String(port), '--json', ...args], io);
  const stop = () => {
    io.interrupt();
    return ended;
  };
  onTestFinished(async () => void (await stop()));
  const failed = ended.then((code) => Promise.reject(new Error(`relay ended with ${code}: ${io.err()}`)));
  failed.catch(() => {});
  const [, url] = (await Promise.race([
    io.waitFor(/"type":"ready","url":"([^"]+)"/),
    failed,
  ])) as RegExpMatchArray;
  const relay = { io, cwd, url: url as string, port: Number(new URL(url as string).port), stop };
  let channels = 0;
  const channel = (more: string[] = []) => {
    channels += 1;
    return createChannel(relay, `dev${channels}`, more);
  };
  return { ...relay, channel };
}

/** `relay channel …` in the folder of a relay, from start to end. */
export async function channelCommand(cwd: string, args: string[]): Promise<{ code: number; io: TestIo }> {
  const io = testIo({ cwd });
  const code = await run(['relay', 'channel', ...args], io);
  return { code, io };
}

async function createChannel(
  relay: { cwd: string; port: number },
  name: string,
  args: string[],
): Promise<TestChannel> {
  const { code, io } = await channelCommand(relay.cwd, ['create', name, '--json', ...args]);
  expect([code, io.err()]).toEqual([0, '']);
  const made = JSON.parse(io.out());
  const id = made.tunnel_url.split('/').at(-1);
  // The relay looks for new channels now and then, and when somebody wants to be let in.
  await exchange(
    relay.port,
    `GET /${id} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer ${made.token}\r\n\r\n`,
  );
  return channelAt(relay.port, { name, id, token: made.token });
}

/** A channel as somebody knows it who was told of it. */
export function channelAt(
  relayPort: number,
  { name, id, token }: { name: string; id: string; token: string },
): TestChannel {
  const tunnel = (port: number) => `ws://127.0.0.1:${port}/${id}`;
  const flags = ({ port = relayPort, probe = false }: ListenOptions) => [
    ...['--no-dashboard', '--tunnel', tunnel(port)],
    ...(probe ? [] : ['--no-probe']),
  ];
  const world = (options: ListenOptions) => ({
    cwd: options.cwd ?? tempFolder(),
    env: { MO_SECRET: SECRET, MO_TUNNEL_TOKEN: options.token ?? token },
  });
  return {
    name,
    id,
    token,
    tunnel,
    publish: (sent, port = relayPort) => post(port, sent, { path: `/${id}` }),
    async listen(args = [], options = {}) {
      const listen = await startListen([...flags(options), ...args], world(options));
      onTestFinished(async () => void (await listen.stop()));
      return listen;
    },
    async refused(args = [], options = {}) {
      const io = testIo(world(options));
      const code = await run(['listen', '--port', '0', '--json', ...flags(options), ...args], io);
      return { code, io };
    },
  };
}

/** The nth event of a run, with an id and a body of its own. */
export function nth(n: number, headers: string[] = []): Delivery {
  return delivery({ id: `ev_${n}`, body: eventBody({ call_id: `MO${n}` }), headers });
}

export function linesOf(io: TestIo, type: string): Record<string, unknown>[] {
  return jsonLines(io).filter((line) => line.type === type);
}

/** Resolves to a listener's receipts once there are so many. */
export function receiptsOf({ io }: { io: TestIo }, count: number): Promise<Record<string, unknown>[]> {
  return eventually(() => {
    const receipts = linesOf(io, 'receipt');
    expect(receipts.length).toBeGreaterThanOrEqual(count);
    return receipts;
  });
}

/** How a listener's tunnel stood, one state after the other. */
export function statesOf({ io }: { io: TestIo }): unknown[] {
  return linesOf(io, 'tunnel').map(({ state }) => state);
}
