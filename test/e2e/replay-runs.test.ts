import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SECRET } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { newAttempt } from '../helpers/records.ts';
import {
  attemptsOf,
  countByEvent,
  eventIds,
  file,
  inStore,
  ioOf,
  nthIds,
  replay,
  type Sent,
  to,
  type World,
  world,
} from '../helpers/replay.ts';
import { runOf, startReplay } from '../helpers/replay-process.ts';

/** A replay that was stopped after `sent` deliveries, one at a time. */
async function stoppedRun(where: World, sent: number, args: string[] = []) {
  const io = ioOf(where);
  const endpoint = await startEndpoint((response, _, nth) => {
    if (nth === sent) io.interrupt();
    response.end();
  });
  const { code, run } = await replay(where, [...args, ...to(endpoint, '--concurrency', '1')], io);
  expect([code, endpoint.requests.length]).toEqual([130, sent]);
  return { run, endpoint };
}

describe('E9 the same replay again is a new run of its own', () => {
  test('one after the other: all is sent twice, under two ids, both on record', async () => {
    const where = await world(3);
    const endpoint = await startEndpoint(answers(200));
    const first = await replay(where, to(endpoint));
    const second = await replay(where, to(endpoint));
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(second.run).not.toBe(first.run);
    expect(eventIds(endpoint)).toEqual([...nthIds(3), ...nthIds(3)]);
    const marks = endpoint.requests.map(({ header }) => header('X-MO-Replay'));
    expect(marks).toEqual([...Array(3).fill(first.run), ...Array(3).fill(second.run)]);
    for (const { run } of [first, second]) expect(await attemptsOf(where, run)).toHaveLength(3);
  });

  test('both at once, in processes of their own: all is sent twice, and each run is on record whole', async () => {
    const where = await world(50);
    const endpoint = await startEndpoint(answers(200));
    const both = [startReplay(where, to(endpoint)), startReplay(where, to(endpoint))];
    const runs = await Promise.all(both.map(runOf));
    for (const { code, err } of await Promise.all(both.map(({ ended }) => ended)))
      expect([code, err]).toEqual([0, '']);
    expect(runs[0]).not.toBe(runs[1]);
    expect([...countByEvent(endpoint).values()]).toEqual(Array(50).fill(2));
    for (const run of runs)
      expect((await attemptsOf(where, run)).map(({ eventId }) => eventId).sort()).toEqual(nthIds(50).sort());
  });
});

describe('--resume of a run that a living process is at', () => {
  test('is refused: exit 2, with the process, and nothing is sent', async () => {
    const where = await world(5);
    const endpoint = await startEndpoint(() => {});
    const sender = startReplay(where, to(endpoint, '--concurrency', '2'));
    const run = await runOf(sender);
    await endpoint.arrived(2);
    const { code, io } = await replay(where, ['--resume', run]);
    expect(code).toBe(2);
    expect(io.err()).toContain(`the replay ${run} is still under way (process ${sender.child.pid})`);
    expect(endpoint.requests).toHaveLength(2);
  });

  test('is refused, too, where that one began while this one was getting ready', async () => {
    const where = await world([{}, {}, {}, { body: null }]);
    const io = ioOf(where);
    const endpoint = await startEndpoint((response, _, nth) => {
      if (nth > 1) return;
      io.interrupt();
      response.end();
    });
    const { run } = await replay(where, to(endpoint, '--concurrency', '1'), io);
    // It says what has no body once it has looked through the log, then waits for its secret.
    const late = startReplay(where, ['--resume', run, '--secret-stdin']);
    await new Promise<void>((resolve) => late.child.stderr?.on('data', () => resolve()));
    startReplay(where, ['--resume', run, '--concurrency', '1']);
    await endpoint.arrived(2);
    late.child.stdin?.end(SECRET);
    await Promise.race([late.ended, endpoint.arrived(3)]);
    expect(eventIds(endpoint)).toEqual(['ev_0', 'ev_1']);
    expect((await late.ended).code).toBe(2);
  });
});

describe('--resume sends exactly what is left of what the run began with', () => {
  test.each([
    [['--limit', '1']],
    [['--status', 'failed']],
    [['--event', 'missed']],
    [['--since', '1h']],
    [['--new-ids']],
    [['--no-resign']],
    [['--kind', 'receipt']],
    [['--to', '9']],
    [['other.ndjson']],
  ])('%j with it is refused', async (flags) => {
    const where = await world(3);
    file(where, 'other.ndjson', '');
    const { run, endpoint } = await stoppedRun(where, 1);
    const { code, io } = await replay(where, ['--resume', run, ...flags]);
    expect([code, endpoint.requests.length]).toEqual([2, 1]);
    expect(io.err()).toContain('--resume: ');
    expect((await replay(where, ['--resume', run])).code).toBe(0);
    expect(eventIds(endpoint)).toEqual(nthIds(3));
  });

  test('what was added to the log meanwhile is not among it', async () => {
    const where = await world(3);
    const { run, endpoint } = await stoppedRun(where, 1);
    const elsewhere = await startEndpoint(answers(200));
    await replay(where, ['--to', elsewhere.url.href, '--new-ids']);
    await inStore(where, (store) =>
      store.addRecord({
        kind: 'attempt',
        headers: null,
        body: Buffer.from('{}'),
        attempt: newAttempt({ id: 'late', eventId: 'late' }),
      }),
    );
    expect((await replay(where, ['--resume', run])).code).toBe(0);
    expect(eventIds(endpoint)).toEqual(nthIds(3));
  });

  test('--since is the time that it was when the run began', async () => {
    const now = Date.parse('2026-01-31T13:00:00Z');
    const where = await world(4);
    const io = { ...ioOf(where), now: () => now };
    const endpoint = await startEndpoint((response, _, nth) => {
      if (nth === 1) io.interrupt();
      response.end();
    });
    const args = to(endpoint, '--since', '1h', '--concurrency', '1');
    const { run } = await replay(where, args, io);
    expect(
      (await replay(where, ['--resume', run], { ...ioOf(where), now: () => now + 3_600_000 })).code,
    ).toBe(0);
    expect(eventIds(endpoint)).toEqual(nthIds(4));
  });

  describe('of receipts with --status failed, where the app has answered since because the replay reached it', () => {
    const failing = { forwarding: true, status: 500 };
    const failed: Sent = { eventId: 'sent', outcome: 'rejected', status: 500 };
    const settle = (where: World, seqs: number[], status: number) =>
      inStore(where, async (store) => {
        // The forwards of the run before are this one's to settle.
        await store.takeUnforwarded();
        await store.settleForward({
          seqs,
          status,
          owed: status !== 200,
          forward: { status, durationMs: 1, error: null },
        });
      });

    test('it says how many are left, and sends those', async () => {
      const where = await world([failed], [failing, failing, failing]);
      await settle(where, [1, 2, 3], 500);
      const { run, endpoint } = await stoppedRun(where, 2, ['--status', 'failed']);
      await settle(where, [1, 2], 200);
      const rest = await replay(where, ['--resume', run, '--json']);
      expect([rest.code, rest.announced]).toEqual([0, 1]);
      expect(eventIds(endpoint)).toEqual(nthIds(3));
    });

    test('where none is left it does not turn to what was sent instead', async () => {
      const where = await world([failed], [failing, failing]);
      await settle(where, [1, 2], 500);
      const { run, endpoint } = await stoppedRun(where, 2, ['--status', 'failed']);
      await settle(where, [1, 2], 200);
      await replay(where, ['--resume', run]);
      expect(eventIds(endpoint)).toEqual(nthIds(2));
    });
  });
});

describe('--resume of a file', () => {
  const LOG = 'event_id,body\nev_0,{}\nev_1,{}\nev_2,{}\n';

  test('that has changed or gone is refused: what is left of it is not known', async () => {
    const where = await world();
    file(where, 'log.csv', LOG);
    const { run, endpoint } = await stoppedRun(where, 1, ['log.csv']);
    appendFileSync(join(where.cwd, 'log.csv'), 'ev_3,{}\n');
    const changed = await replay(where, ['--resume', run]);
    expect([changed.code, changed.io.err()]).toEqual([2, expect.stringContaining('log.csv has changed')]);
    rmSync(join(where.cwd, 'log.csv'));
    expect((await replay(where, ['--resume', run])).code).toBe(2);
    expect(endpoint.requests).toHaveLength(1);
  });

  test('finds it from any folder', async () => {
    const where = await world();
    file(where, 'log.csv', LOG);
    const { run, endpoint } = await stoppedRun(where, 1, ['log.csv']);
    const below = join(where.cwd, 'below');
    mkdirSync(below);
    const { code, io } = await replay({ ...where, cwd: below }, ['--resume', run]);
    expect([code, io.err().match(/cannot be read/)]).toEqual([0, null]);
    expect(eventIds(endpoint)).toEqual(nthIds(3));
  });

  test('of standard input is refused: it is gone', async () => {
    const where = await world();
    const io = ioOf(where, { stdin: LOG });
    const endpoint = await startEndpoint((response) => {
      io.interrupt();
      response.end();
    });
    const { run } = await replay(where, ['-', ...to(endpoint, '--concurrency', '1')], io);
    const again = await replay(where, ['--resume', run], { stdin: LOG });
    expect([again.code, again.io.err()]).toEqual([
      2,
      expect.stringContaining('standard input cannot be resumed'),
    ]);
  });
});

test('--resume of a run that nobody knows: exit 2', async () => {
  const { code, io } = await replay(await world(1), ['--resume', 'run_nobody']);
  expect([code, io.err()]).toEqual([2, expect.stringContaining("no replay 'run_nobody' is on record")]);
});
