import { join } from 'node:path';
import { run } from '../../src/cli/main.ts';
import { recordedPlace } from '../../src/core/endpoint-identity.ts';
import type { Attempt } from '../../src/core/record.ts';
import type { NewReceipt, Store } from '../../src/core/store.ts';
import { openStore } from '../../src/store/open.ts';
import { AT, newAttempt, newReceipt } from './records.ts';
import { testIo } from './test-io.ts';

/** What a command left behind. */
export interface Called {
  code: number;
  out: string;
  err: string;
}

/** Runs a command against a store, an hour after `AT`. */
export async function call(
  store: string,
  args: readonly string[],
  options: { stdin?: string | Uint8Array; env?: Record<string, string>; now?: number; cwd?: string } = {},
): Promise<Called> {
  const { now = AT + 3_600_000, ...world } = options;
  const io = { ...testIo(world), now: () => now };
  const code = await run([...args, '--store', store], io);
  return { code, out: io.out(), err: io.err() };
}

/** The location of a store that is not there yet. */
export function newStore(): string {
  return `sqlite:${join(testIo().cwd, 'log.db')}`;
}

/** Opens a store, has it filled, closes it. */
export async function fill(location: string, work: (store: Store) => Promise<unknown>): Promise<string> {
  const store = await openStore(location);
  await work(store);
  await store.close();
  return location;
}

/** Event ids, and texts of other fields, that a format or a driver may trip over. */
export const ODD_TEXTS = [
  '__proto__',
  '=HYPERLINK("http://evil","x")',
  "'=1+1",
  "''+1",
  '@SUM(A1)',
  '-1+1',
  '\t=1',
  '\r=1',
  '+919876543210',
  '"quoted", with a comma',
  'two\r\nlines\nand a third',
  'कॉल नमस्ते 📞',
  'a\0b',
  'half \ud83d of a pair',
  '\ufdd0d83d',
  '\\u0000 as it is',
  'ends with \\',
  '\u001b[2J\u009b31m\u202e',
  ' spaces ',
  '\ufeffmark',
  'null',
  '1e5',
];

const crm = { endpoint: 'crm', url: 'https://crm.example.com/notify' };
const erp = { endpoint: 'erp', url: 'http://127.0.0.1:3000/in?a=***&"b"=***' };

/** Attempts of every kind: retries, replays, negative tests, no answer, odd texts. */
export const ATTEMPTS: { attempt: Attempt; body: Uint8Array | null }[] = [
  { event: 'call_initiated', eventId: 'ev_a', callId: 'MO1', ...crm },
  { eventId: 'ev_b', status: 503, outcome: 'rejected' as const, final: false, error: 'answered 503', ...crm },
  { eventId: 'ev_b', attempt: 2, dueAt: AT + 1000, sentAt: AT + 2005, durationMs: 310.4, ...crm },
  ...[1, 2, 3, 4].map((attempt) => ({
    ...erp,
    eventId: 'ev_c',
    event: 'call_missed',
    attempt,
    dueAt: AT,
    sentAt: AT + attempt * 5000,
    status: null,
    outcome: 'timeout' as const,
    error: 'no answer in 30 s from +919876543210',
    durationMs: 30_000,
    final: attempt === 4,
  })),
  { eventId: 'ev_b', run: 'run_2', replayOf: 'at_1', durationMs: 0.1, ...erp },
  { eventId: 'ev_x', fault: 'bad-signature', status: 400, outcome: 'rejected' as const, ...crm },
  { eventId: 'ev_y', dueAt: AT + 90_000, durationMs: 1, ...crm },
  { eventId: 'ev_z', event: null, callId: null, ...crm },
  ...ODD_TEXTS.map((text, i) => ({
    eventId: text,
    event: text,
    callId: text,
    ...recordedPlace(i % 2 === 0 ? text : 'crm', `https://crm.example.com/${text}`),
    run: text,
    replayOf: i % 3 === 0 ? text : null,
    error: text,
    status: null,
    outcome: 'refused' as const,
  })),
].map((about, i) => ({
  attempt: newAttempt({ sentAt: AT + i * 1000, dueAt: AT + i * 1000, id: `at_${i}`, ...about }),
  body: i % 3 === 2 ? null : Buffer.from(i === 1 ? [0xff, 0xfe, 0, 0x80] : `{"n":${i}}`),
}));

/** Receipts of every kind, in the order they come. */
const RECEIPTS: Partial<Omit<NewReceipt, 'body'> & { body: string }>[] = [
  { eventId: 'ev_a', latencyMs: 900, headers: ['X-MO-Event-Id', 'ev_a', 'X-Team', 'sales, "x" é'] },
  { eventId: 'ev_a', attempt: 2, latencyMs: 4000 },
  { eventId: 'ev_a', body: 'another', latencyMs: 700 },
  { eventId: 'ev_b', body: 'another', latencyMs: 500, flags: ['no_event_id', 'schema:metadata.queue'] },
  { eventId: 'ev_c', signature: 'mismatch', status: 400, accepted: false, secret: null, latencyMs: null },
  { eventId: null, signature: 'missing', status: 400, accepted: false, secret: null, body: '' },
  { eventId: null, event: null, callId: null, attempt: null, transitMs: null, body: 'not json' },
  { eventId: 'ev_e', signature: 'unchecked', latencyMs: -40, flags: ['clock_skew'], event: 'call_missed' },
  { eventId: 'ev_f', status: 503, accepted: false, latencyMs: 3 },
  ...ODD_TEXTS.map((text) => ({ eventId: text, event: text, callId: text, latencyMs: 100 })),
];

/** A store with records of every kind; forwards and redeliveries too. */
export function variedStore(): Promise<string> {
  return fill(newStore(), async (store) => {
    for (const { attempt, body } of ATTEMPTS) await store.addAttempt(attempt, body);
    for (const [i, about] of RECEIPTS.entries()) {
      const { seq } = await store.addReceipt(at(i, about));
      if (i % 2 === 0) await store.noteShown([{ seq, at: AT + i * 1500 + i * 17 }]);
    }
    const forwarded = await store.addReceipt(at(50, { eventId: 'ev_g', forwarding: true }));
    const answered = { status: 204, durationMs: 12.5, error: null };
    await store.settleForward({ seqs: [forwarded.seq], forward: answered, status: 204, owed: false });
    const failing = await store.addReceipt(at(51, { eventId: 'ev_h', forwarding: true, status: null }));
    const refused = { status: null, durationMs: 3, error: 'refused: +919876543210' };
    await store.settleForward({ seqs: [failing.seq], forward: refused, status: 502, owed: true });
    const again = await store.addReceipt(at(52, { eventId: 'ev_h', forwarding: true, status: null }));
    await store.settleForward({
      seqs: [failing.seq, again.seq],
      forward: answered,
      status: 200,
      owed: false,
    });
    await store.addReceipt(at(53, { eventId: 'ev_i', forwarding: true, status: null }));
  });
}

function at(i: number, about: (typeof RECEIPTS)[number]): NewReceipt {
  return newReceipt({ id: `rc_${i}`, receivedAt: AT + i * 1500, ...about });
}
