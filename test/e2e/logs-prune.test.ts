import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { AT, newAttempt, newReceipt } from '../helpers/records.ts';
import { startOnTerminal, tempFolder } from '../helpers/spawn-cli.ts';
import { call, fill, newStore } from '../helpers/varied-log.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = AT + 40 * DAY;

/** Receipts and attempts of 35 days, 2 days and an hour ago. */
function agedStore(): Promise<string> {
  return fill(newStore(), async (store) => {
    for (const [i, age] of [35 * DAY, 2 * DAY, HOUR].entries()) {
      const eventId = `ev_${i}`;
      await store.addAttempt(
        newAttempt({ id: `at_${i}`, eventId, sentAt: NOW - age, dueAt: NOW - age }),
        null,
      );
      await store.addReceipt(newReceipt({ id: `rc_${i}`, eventId, receivedAt: NOW - age }));
    }
  });
}

const prune = (store: string, ...args: string[]) => call(store, ['logs', 'prune', ...args], { now: NOW });

async function totals(store: string) {
  return (JSON.parse((await call(store, ['report', '--json'], { now: NOW })).out) as { totals: object })
    .totals;
}

/** What the store makes of the same delivery coming again, or of another body under its id. */
async function comesAgain(location: string, eventId: string, body?: string) {
  const store = await openStore(location);
  const late = newReceipt({
    id: 'rc_late',
    eventId,
    receivedAt: NOW,
    ...(body === undefined ? {} : { body }),
  });
  const { duplicate } = await store.addReceipt(late);
  await store.close();
  return duplicate;
}

describe('E14 logs prune', () => {
  test('says what it will remove, removes that, and leaves the rest', async () => {
    const store = await agedStore();
    const { code, out, err } = await prune(store, '--before', '1d', '--yes');
    expect(code).toBe(0);
    expect(out).toContain(`From before ${new Date(NOW - DAY).toISOString()} in `);
    expect(out).toContain('  2 attempts, 2 receipts\n  of 1 receipts the key stays');
    expect(err).toContain('Removed');
    expect(await totals(store)).toEqual({ events: 1, attempts: 1, receipts: 1, duplicates: 0, refused: 0 });
    for (const args of [['list'], ['export'], ['tail']]) {
      const { out: left } = await call(store, ['logs', ...args], { now: NOW });
      expect(left.match(/ev_\d/g), args[0]).toEqual(['ev_2', 'ev_2']);
    }
    expect((await call(store, ['logs', 'show', 'ev_1'])).code).toBe(1);
  });

  test('with --dry-run says the same and removes nothing', async () => {
    const store = await agedStore();
    const dry = await prune(store, '--before', '1d', '--dry-run');
    expect(dry.code).toBe(0);
    expect(dry.err).toContain('Nothing was removed.');
    expect(await totals(store)).toMatchObject({ attempts: 3, receipts: 3 });
    expect(dry.out).toBe((await prune(store, '--before', '1d', '--yes')).out);
    expect(await totals(store)).toMatchObject({ attempts: 1, receipts: 1 });
  });

  test.each([[[]], [['--json']], [['--quiet']]])(
    'without a terminal and without --yes refuses: %j',
    async (flags) => {
      const store = await agedStore();
      const { code, err } = await prune(store, '--before', '1d', ...flags);
      expect(code).toBe(2);
      expect(err).toContain('Nothing was removed. Say --yes');
      expect(await totals(store)).toMatchObject({ attempts: 3, receipts: 3 });
    },
  );

  test('with nothing to remove needs no --yes', async () => {
    const store = await agedStore();
    const { code, out, err } = await prune(store, '--before', '2020-01-01');
    expect([code, err]).toEqual([0, 'Nothing was removed.\n']);
    expect(out).toContain('  0 attempts, 0 receipts\n');
  });

  test('as JSON is one document with the counts', async () => {
    const store = await agedStore();
    const counts = { attempts: 2, receipts: 2, keys: 1, owed: 0 };
    for (const [flag, removed] of [
      ['--dry-run', false],
      ['--yes', true],
    ] as const) {
      const { code, out, err } = await prune(store, '--before', '1d', '--json', flag);
      expect([code, err]).toEqual([0, '']);
      expect(JSON.parse(out)).toEqual({ type: 'prune', removed, ...counts });
    }
  });

  test.each([
    [['--before', 'last week', '--yes'], `--before: 'last week' is not a time`],
    [['--yes'], `required option '--before <time>' not specified`],
    [
      ['--before', '1d', '--yes', '--keep-keys', '299s'],
      `'299s' is less than the 5 min 0 s over which a delivery may be retried; its retries would count as new. Write 300s or more.`,
    ],
    [['--before', '1d', '--yes', '--keep-keys', '0s'], 'less than the 5 min 0 s'],
    [['--before', '1d', '--yes', '--keep-keys', 'long'], `--keep-keys: 'long' is not a duration`],
  ])('%j is refused, and nothing is removed', async (flags, message) => {
    const store = await agedStore();
    const { code, err } = await prune(store, ...flags);
    expect(err).toContain(message);
    expect(code).toBe(2);
    expect(await totals(store)).toMatchObject({ attempts: 3, receipts: 3 });
  });
});

describe('E14 after a prune a late copy', () => {
  test('is a duplicate as long as the keys are kept, and new once they are gone', async () => {
    const store = await agedStore();
    await prune(store, '--before', '1m', '--keep-keys', '3d', '--yes');
    expect(await totals(store)).toMatchObject({ attempts: 0, receipts: 0 });
    expect(await comesAgain(store, 'ev_2')).toBe('duplicate');
    expect(await comesAgain(store, 'ev_1')).toBe('duplicate');
    expect(await comesAgain(store, 'ev_0')).toBe(null);
    await prune(store, '--before', '1m', '--keep-keys', '5m', '--yes');
    expect(await comesAgain(store, 'ev_1')).toBe(null);
  });

  test('at the shortest that --keep-keys takes is a duplicate over the whole retry horizon', async () => {
    const store = await fill(newStore(), (open) =>
      open.addReceipt(newReceipt({ receivedAt: NOW - 299_999 })),
    );
    await prune(store, '--before', '1s', '--keep-keys', '5m', '--yes');
    expect(await totals(store)).toMatchObject({ receipts: 0 });
    expect(await comesAgain(store, 'ev_1')).toBe('duplicate');
  });

  test.each([
    ['a longer backoff', { backoff: '1h', retries: 2 }, 7200 * 1.2 + 90],
    ['more retries', { retries: 100 }, 100 * 60 + 101 * 30],
    ['a longer timeout', { timeout: '10m' }, 3 * 60 + 4 * 600],
    ['a shorter schedule than the usual', { retries: 0, timeout: '1s' }, 300],
  ])('of an endpoint with %s is known as long as one may come', async (_, about, seconds) => {
    const cwd = tempFolder();
    const endpoint = { url: 'https://crm.example.com/', secret: 'env:S', ...about };
    const usual = { url: 'https://erp.example.com/', secret: 'env:S' };
    writeFileSync(join(cwd, 'mo-notify.config.json'), JSON.stringify({ endpoints: { usual, endpoint } }));
    const store = await agedStore();
    const keep = (time: number) =>
      call(store, ['logs', 'prune', '--before', '1d', '--dry-run', '--keep-keys', `${time}s`], {
        now: NOW,
        cwd,
      });
    const refused = await keep(seconds - 1);
    expect(refused.err).toContain(` Write ${seconds}s or more.`);
    expect([refused.code, (await keep(seconds)).code]).toEqual([2, 0]);
  });

  test('with another body is still a conflict, and under another id a suspected replay', async () => {
    const store = await agedStore();
    await prune(store, '--before', '1m', '--yes');
    expect(await comesAgain(store, 'ev_2', 'another')).toBe('conflict');
    expect(await comesAgain(store, 'ev_7', 'body of ev_1')).toBe('suspected_replay');
  });

  test('is a duplicate after the same prune ran again, and after what was removed is imported again', async () => {
    const store = await agedStore();
    const { out: text } = await call(store, ['logs', 'export', '--with-bodies']);
    const before = await totals(store);
    for (let i = 0; i < 3; i++) await prune(store, '--before', '1m', '--yes');
    expect((await call(store, ['logs', 'import', '-'], { stdin: text })).code).toBe(0);
    expect(await totals(store)).toEqual(before);
    expect(await comesAgain(store, 'ev_2')).toBe('duplicate');
    expect(await comesAgain(store, 'ev_1')).toBe('duplicate');
  });
});

describe('what an app has yet to be given', () => {
  const failed = { status: 500, durationMs: 1, error: null };

  test('stays whole, and is said to', async () => {
    const store = await fill(newStore(), async (open) => {
      await open.addReceipt(newReceipt({ receivedAt: NOW - 9 * DAY, forwarding: true, status: null }));
      await open.addReceipt(newReceipt({ eventId: 'ev_2', receivedAt: NOW - 9 * DAY }));
    });
    const { out } = await prune(store, '--before', '1m', '--yes');
    expect(out).toContain(
      '  0 attempts, 1 receipts\n  1 receipts stay: an app has yet to be given their events',
    );
    const open = await openStore(store);
    const [owed, ...others] = (await open.takeUnforwarded()).receipts;
    expect(Buffer.from(owed?.body ?? '').toString()).toBe('body of ev_1');
    expect(others).toEqual([]);
    await open.close();
  });

  test('because it answered with a failure stays for the sender’s retry, until none can come', async () => {
    const store = await fill(newStore(), async (open) => {
      const { seq } = await open.addReceipt(newReceipt({ receivedAt: NOW - 2 * MINUTE, forwarding: true }));
      await open.settleForward({ seqs: [seq], forward: failed, status: 500, owed: true });
    });
    expect((await prune(store, '--before', '1m', '--yes', '--json')).out).toContain(
      '"receipts":0,"keys":0,"owed":1',
    );
    const open = await openStore(store);
    const retry = newReceipt({ receivedAt: NOW - MINUTE, forwarding: true, status: null });
    expect(await open.addReceipt(retry)).toMatchObject({ duplicate: null, redelivery: true });
    await open.close();
    const late = await call(store, ['logs', 'prune', '--before', '1m', '--yes', '--json'], {
      now: NOW + 30 * DAY,
    });
    expect(JSON.parse(late.out)).toMatchObject({ receipts: 1, keys: 0, owed: 1 });
  });
});

test('thousands of records are removed while another process goes on receiving', async () => {
  const store = await fill(newStore(), (open) =>
    Promise.all(
      Array.from({ length: 3500 }, (_, i) =>
        open.addReceipt(newReceipt({ id: `rc_${i}`, eventId: `ev_${i}`, receivedAt: NOW - 30 * DAY + i })),
      ),
    ),
  );
  const receiver = await openStore(store);
  const pruning = prune(store, '--before', '1d', '--yes');
  for (let i = 0; i < 50; i++)
    await receiver.addReceipt(newReceipt({ id: `new_${i}`, eventId: `new_${i}`, receivedAt: NOW }));
  expect((await pruning).code).toBe(0);
  await receiver.close();
  expect(await totals(store)).toMatchObject({ receipts: 50 });
});

describe.skipIf(process.platform !== 'linux')('on a terminal logs prune asks', () => {
  test.each([
    ['y', 0, 0],
    ['n', 2, 3],
    ['', 2, 3],
  ])('and takes %j for an answer', async (answer, code, left) => {
    const store = await agedStore();
    const running = startOnTerminal(`mo logs prune --before ${new Date(NOW).toISOString()} --store ${store}`);
    await running.waitFor(/Remove them\? \[y\/N\] /);
    running.child.stdin?.write(`${answer}\r`);
    expect((await running.ended).code).toBe(code);
    expect(await totals(store)).toMatchObject({ attempts: left, receipts: left });
  });
});
