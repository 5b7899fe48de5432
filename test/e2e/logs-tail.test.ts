import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { attemptToJson } from '../../src/core/record.ts';
import { openStore } from '../../src/store/open.ts';
import { AT, newAttempt, newReceipt } from '../helpers/records.ts';
import { BIN, spawnCli, start, tempFolder } from '../helpers/spawn-cli.ts';
import { jsonLines, testIo } from '../helpers/test-io.ts';
import { call, fill, newStore } from '../helpers/varied-log.ts';

/** Twelve attempts and a receipt after each of the first four. */
function filledStore(): Promise<string> {
  return fill(newStore(), async (store) => {
    for (let i = 0; i < 12; i++) {
      const event = i % 3 === 0 ? 'call_missed' : 'call_connected';
      const about = { event, eventId: `ev_${i}` };
      await store.addAttempt(newAttempt({ ...about, id: `at_${i}`, sentAt: AT + i * 1000 }), null);
      if (i < 4)
        await store.addReceipt(newReceipt({ ...about, id: `rc_${i}`, receivedAt: AT + i * 1000 + 500 }));
    }
  });
}

const shown = (out: string) => [...out.matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id);

describe('logs tail', () => {
  test.each([
    ['the last ten, the latest at the end', [], ['at_3', 'rc_3', ...range(4, 12)]],
    ['as many as are asked for', ['-n', '3'], range(9, 12)],
    ['everything where there is less', ['-n', '99', '--kind', 'receipt'], ['rc_0', 'rc_1', 'rc_2', 'rc_3']],
    ['nothing with -n 0', ['-n', '0'], []],
    ['only what matches', ['-n', '4', '--event', 'missed'], ['at_3', 'rc_3', 'at_6', 'at_9']],
    ['only what matches, both kinds', ['--event-id', 'ev_2'], ['at_2', 'rc_2']],
    ['nothing of what is no match', ['--run', 'run_9'], []],
  ])('shows %s', async (_, flags, expected) => {
    const { code, out, err } = await call(await filledStore(), ['logs', 'tail', '--json', ...flags]);
    expect([code, err]).toEqual([0, '']);
    expect(shown(out)).toEqual(expected);
  });

  test('has the lines that logs list has, in the other order', async () => {
    const store = await filledStore();
    const { out: tail } = await call(store, ['logs', 'tail', '-n', '6']);
    const { out: list } = await call(store, ['logs', 'list', '--limit', '6']);
    expect(tail.trim().split('\n')).toEqual(list.trim().split('\n').reverse());
  });
});

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `at_${from + i}`);
}

/** A `logs tail -f --json` that runs until it is interrupted. */
function follow(store: string, args: readonly string[] = [], closed?: AbortSignal) {
  const io = { ...testIo(), ...(closed === undefined ? {} : { closed }) };
  const ended = run(['logs', 'tail', '-f', '--json', '--store', store, ...args], io);
  return {
    io,
    ended,
    ids: () => jsonLines(io).map(({ id }) => id),
    stop: () => {
      io.interrupt();
      return ended;
    },
  };
}

describe('logs tail -f', () => {
  test('shows what another handle on the store adds, each once, and ends with 130', async () => {
    const store = await filledStore();
    const tail = follow(store, ['-n', '2']);
    await tail.io.waitFor(/at_11/);
    const other = await openStore(store);
    for (let i = 0; i < 3; i++) {
      await other.addAttempt(newAttempt({ id: `more_${i}`, eventId: `more_${i}` }), null);
      await other.addReceipt(newReceipt({ id: `came_${i}`, eventId: `more_${i}` }));
      await tail.io.waitFor(new RegExp(`"id":"came_${i}"`));
    }
    await other.close();
    expect(await tail.stop()).toBe(130);
    expect(tail.ids().slice(0, 2)).toEqual(['at_10', 'at_11']);
    expect(tail.ids().slice(2).sort()).toEqual(['came_0', 'came_1', 'came_2', 'more_0', 'more_1', 'more_2']);
    expect(tail.io.err()).toBe('');
  });

  test('shows what another process adds', async () => {
    const store = await fill(newStore(), (other) => other.addAttempt(newAttempt({ id: 'first' }), null));
    const tail = follow(store);
    await tail.io.waitFor(/first/);
    const file = join(tempFolder(), 'more.ndjson');
    const lines = Array.from({ length: 700 }, (_, i) => attemptToJson(newAttempt({ id: `more_${i}` })));
    writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
    expect((await spawnCli(['logs', 'import', file, '--store', store])).code).toBe(0);
    await tail.io.waitFor(/"id":"more_699"/);
    expect(await tail.stop()).toBe(130);
    expect(tail.ids()).toEqual(['first', ...lines.map(({ id }) => id)]);
  });

  test('shows only what matches', async () => {
    const failed = { status: 503, outcome: 'rejected' as const };
    const missed = { event: 'call_missed', ...failed };
    const store = await fill(newStore(), (other) =>
      other.addAttempt(newAttempt({ id: 'first', ...missed }), null),
    );
    const tail = follow(store, ['--event', 'missed', '--kind', 'attempt', '--status', 'failed']);
    await tail.io.waitFor(/first/);
    await fill(store, async (other) => {
      await other.addAttempt(newAttempt({ id: 'fine', event: 'call_missed' }), null);
      await other.addAttempt(newAttempt({ id: 'connected', ...failed }), null);
      await other.addReceipt(
        newReceipt({ id: 'received', event: 'call_missed', status: 503, accepted: false }),
      );
      await other.addAttempt(newAttempt({ id: 'wanted', ...missed }), null);
    });
    await tail.io.waitFor(/wanted/);
    expect(await tail.stop()).toBe(130);
    expect(tail.ids()).toEqual(['first', 'wanted']);
  });

  test('neither loses nor repeats what comes in as it begins', async () => {
    const store = newStore();
    const other = await openStore(store);
    const tail = follow(store, ['-n', '1000']);
    const adding = [];
    for (let i = 0; i < 300; i++) {
      adding.push(other.addAttempt(newAttempt({ id: `at_${i}`, sentAt: AT + i }), null));
      if (i % 20 === 0) await Promise.all(adding);
    }
    await Promise.all(adding);
    await other.close();
    await tail.io.waitFor(/"id":"at_299"/);
    await tail.stop();
    expect(tail.ids()).toEqual(range(0, 300));
  });

  test('ends quietly with 0 where its reader has gone', async () => {
    const closed = new AbortController();
    const tail = follow(await filledStore(), [], closed.signal);
    await tail.io.waitFor(/at_11/);
    closed.abort();
    expect([await tail.ended, tail.io.err()]).toEqual([0, '']);
  });

  test('in a process of its own ends at SIGINT with 130, and all that it showed has left it', async () => {
    const store = await filledStore();
    const running = start(process.execPath, [BIN, 'logs', 'tail', '-f', '--store', store]);
    await running.waitFor(/\[ev_11\]/);
    await fill(store, (other) => other.addAttempt(newAttempt({ eventId: 'ev_new' }), null));
    await running.waitFor(/\[ev_new\]/);
    running.child.kill('SIGINT');
    const { code, out, err } = await running.ended;
    expect([code, err]).toEqual([130, '']);
    expect(out.trimEnd().split('\n')).toHaveLength(11);
  });
});
