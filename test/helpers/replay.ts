import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/cli/main.ts';
import type { Attempt } from '../../src/core/record.ts';
import type { NewReceipt, Store } from '../../src/core/store.ts';
import { openStore } from '../../src/store/open.ts';
import { SECRET } from './delivery.ts';
import type { Endpoint } from './endpoint.ts';
import { AT, collect, newAttempt, newReceipt } from './records.ts';
import { tempFolder } from './spawn-cli.ts';
import { jsonLines, type TestIo, type TestIoOptions, testIo } from './test-io.ts';

/** A project folder with a delivery log, and the environment that leads to it. */
export interface World {
  cwd: string;
  env: Record<string, string>;
  /** `sqlite:PATH` */
  store: string;
}

type Body = { body?: string | Uint8Array | null };
export type Sent = Partial<Attempt> & Body;
export type Received = Partial<Omit<NewReceipt, 'body'>> & { body?: string | Uint8Array };

/** The event of the nth call, a second after the one before. */
export function nthEvent(n: number): string {
  const timestamp = new Date(AT + n * 1000).toISOString();
  return `{"event":"call_connected","call_id":"MO${n}","timestamp":"${timestamp}"}`;
}

/** What was sent: `ev_0`, `ev_1`, …, all delivered at once unless told otherwise. */
export function sentEvents(count: number, about: Sent = {}): Sent[] {
  return Array.from({ length: count }, () => about);
}

/** A world whose log holds these attempts (or so many) and receipts, in this order. */
export async function world(sent: number | readonly Sent[] = 0, received: readonly Received[] = []) {
  const cwd = tempFolder();
  const path = join(cwd, 'log.db');
  const made: World = { cwd, store: `sqlite:${path}`, env: { MO_SECRET: SECRET, MO_NOTIFY_STORE: path } };
  await inStore(made, async (store) => {
    const rows = typeof sent === 'number' ? sentEvents(sent) : sent;
    await Promise.all(rows.map((row, n) => store.addAttempt(...nthAttempt(row, n))));
    for (const [n, row] of received.entries()) {
      const receivedAt = AT + n * 1000;
      const event = { eventId: `ev_${n}`, callId: `MO${n}`, timestampMs: receivedAt, body: nthEvent(n) };
      await store.addReceipt(newReceipt({ id: `rc_${n}`, receivedAt, ...event, ...row }));
    }
  });
  return made;
}

function nthAttempt({ body = undefined, ...about }: Sent, n: number): [Attempt, Uint8Array | null] {
  const sentAt = about.sentAt ?? AT + n * 1000;
  const attempt = { id: `at_${n}`, eventId: `ev_${n}`, callId: `MO${n}`, sentAt, dueAt: sentAt, ...about };
  const bytes = body === undefined ? nthEvent(n) : body;
  return [newAttempt(attempt), bytes === null ? null : Buffer.from(bytes)];
}

/** Opens the world's log for as long as `work` takes. */
export async function inStore<Result>({ store }: World, work: (store: Store) => Promise<Result>) {
  const opened = await openStore(store);
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

/** The attempts on record: of a run, or of all. */
export function attemptsOf(where: World, run?: string): Promise<Attempt[]> {
  return inStore(where, (store) => collect(store.attempts(run === undefined ? {} : { run })));
}

/** How a replay ended; with `--json`, what its lines say. */
export interface Replayed {
  code: number;
  io: TestIo;
  /** Its own id. */
  run: string;
  /** How many deliveries it said that it would send. */
  announced: number | undefined;
  attempts: Record<string, unknown>[];
  summary: Record<string, unknown>;
}

export async function replay(
  where: World,
  args: readonly string[],
  options: TestIoOptions | TestIo = {},
): Promise<Replayed> {
  const io = 'out' in options ? options : ioOf(where, options);
  const code = await run(['replay', ...args], io);
  const lines = args.includes('--json') ? jsonLines(io) : [];
  const started = lines.find((line) => line.type === 'replay');
  return {
    code,
    io,
    run: (started?.run as string | undefined) ?? /run_\w+/.exec(io.err())?.[0] ?? '',
    announced: started?.deliveries as number | undefined,
    attempts: lines.filter((line) => line.kind === 'attempt'),
    summary: lines.find((line) => line.type === 'summary') ?? {},
  };
}

export function ioOf({ cwd, env }: World, options: TestIoOptions = {}): TestIo {
  return testIo({ cwd, ...options, env: { ...env, ...options.env } });
}

/** Where to, and with pauses that take no time. */
export function to(endpoint: Endpoint | string, ...more: string[]): string[] {
  const url = typeof endpoint === 'string' ? endpoint : endpoint.url.href;
  return ['--to', url, '--backoff', '1ms', '--json', ...more];
}

/** How often each event came, by its id. */
export function countByEvent({ requests }: Endpoint): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { header } of requests) {
    const id = header('X-MO-Event-Id') ?? 'no id';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/** The ids in the order in which they came. */
export function eventIds({ requests }: Endpoint): (string | undefined)[] {
  return requests.map(({ header }) => header('X-MO-Event-Id'));
}

/** `ev_0` … `ev_n-1`. */
export function nthIds(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `ev_${n}`);
}

/** Writes a file into the world's folder; its name is what a command takes. */
export function file({ cwd }: World, name: string, content: string | Uint8Array): string {
  writeFileSync(join(cwd, name), content);
  return name;
}
