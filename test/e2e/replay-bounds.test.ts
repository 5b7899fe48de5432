import { describe, expect, test } from 'vitest';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { attemptsOf, eventIds, inStore, nthIds, replay, to, world } from '../helpers/replay.ts';

describe('E10 a filter that matches nothing', () => {
  test('exit 0, says so, and sends nothing', async () => {
    const where = await world(3);
    const endpoint = await startEndpoint(answers(200));
    const { code, io } = await replay(where, ['--to', endpoint.url.href, '--event', 'missed']);
    expect([code, io.out(), endpoint.connections()]).toEqual([0, '', 0]);
    expect(io.err()).toMatch(/^0 deliveries: nothing in .*log\.db is to be sent\.$/m);
  });

  test('with --json: a summary of noughts', async () => {
    const where = await world(3);
    const endpoint = await startEndpoint(answers(200));
    const { code, io, summary } = await replay(where, to(endpoint, '--event', 'missed'));
    expect([code, endpoint.connections(), io.out().trim().split('\n')]).toMatchObject([0, 0, { length: 1 }]);
    expect(summary).toMatchObject({ type: 'summary', sent: 0, delivered: 0, failed: 0, attempts: 0 });
  });

  test('with --dry-run: 0', async () => {
    const { code, io } = await replay(await world(3), ['--to', '9', '--event', 'missed', '--dry-run']);
    expect([code, io.out()]).toEqual([0, expect.stringMatching(/^0 /)]);
  });

  test('an empty log, too', async () => {
    expect((await replay(await world(), ['--to', '9'])).code).toBe(0);
  });
});

describe('E10 more than 1000', () => {
  test('are refused without a terminal: exit 2, how many, what to say; nothing is sent or recorded', async () => {
    const where = await world(1001);
    const endpoint = await startEndpoint(answers(200));
    const { code, io } = await replay(where, to(endpoint));
    expect([code, io.out(), endpoint.connections()]).toEqual([2, '', 0]);
    expect(io.err()).toMatch(/1001 deliveries would be sent to http.*--yes.*--limit/);
    expect(await attemptsOf(where)).toHaveLength(1001);
  });

  test('are refused with --json on a terminal, too, which is no place to ask', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { code } = await replay(await world(1001), to(endpoint), { isTTY: true });
    expect([code, endpoint.connections()]).toEqual([2, 0]);
  });

  test('are sent with --yes', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { code, summary } = await replay(await world(1001), to(endpoint, '--yes'));
    expect(code).toBe(0);
    expect(summary).toMatchObject({ sent: 1001, delivered: 1001 });
  });

  test('are bounded by --limit, which sends the first', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { code } = await replay(await world(1001), to(endpoint, '--limit', '3', '--concurrency', '1'));
    expect([code, eventIds(endpoint)]).toEqual([0, nthIds(3)]);
  });

  test('just 1000 are sent unasked', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { code, summary } = await replay(await world(1000), to(endpoint));
    expect([code, summary.delivered]).toEqual([0, 1000]);
  });
});

describe('E10 the rate', () => {
  test.each([
    ['https://hooks.example.com/mo', [], ', 100 a second'],
    ['https://hooks.example.com/mo', ['--rate', '5/s'], ', 5 a second'],
    ['https://hooks.example.com/mo', ['--rate', '30/m'], ', 0.5 a second'],
    ['https://hooks.example.com/mo', ['--speed', 'max'], ''],
    ['3000', [], ''],
    ['http://[::1]:3000/', [], ''],
    ['3000', ['--rate', '7'], ', 7 a second'],
  ])('to %s with %j: "%s"', async (target, flags, rate) => {
    const { code, io } = await replay(await world(2), ['--to', target, '--dry-run', ...flags]);
    expect(code).toBe(0);
    const [first] = io.out().split('\n');
    const url = target === '3000' ? 'http://127.0.0.1:3000/' : target;
    expect(first).toBe(`2 sent deliveries would be sent to ${url}${rate}`);
  });

  test('spreads what is sent over time: each is due when its turn comes', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { attempts } = await replay(await world(4), to(endpoint, '--rate', '200/s'));
    const due = attempts.map(({ due_at }) => Date.parse(due_at as string)).sort((a, b) => a - b);
    expect(due.map((at) => at - (due[0] as number))).toEqual([0, 5, 10, 15]);
  });
});

describe('what is not understood is refused before anything is sent', () => {
  test.each([
    [['--to', '9', '--speed', '10x', '--rate', '5/s'], '--speed cannot be used with --rate'],
    [['--to', '9', '--no-resign', '--retime'], '--no-resign cannot be used with --retime'],
    [['--to', '9', '--speed', 'fast'], "--speed: 'fast' is not a speed"],
    [['--to', '9', '--rate', '0'], "--rate: '0' is not a rate"],
    [['--to', '9', '--status', 'bad'], "--status: 'bad' is not a status"],
    [['--to', '9', '--limit', '0'], '--limit'],
    [['--to', '9', '--timeout', '0s'], "--timeout: '0s'"],
    [['--to', '9', '-H', 'nonsense'], '-H'],
    [['--to', '9', '-H', 'X-MO-Signature: sha256=00'], 'X-MO-Signature cannot be set'],
    [['--to', 'ftp://example.com/'], "not 'ftp:'"],
    [['--to', '9', 'nowhere.ndjson'], 'nowhere.ndjson cannot be read'],
    [['--to', '9', '--since', '1h', '--until', '2h'], 'is not before'],
    [[], 'Say where to'],
  ])('%j', async (args, words) => {
    const where = await world(1);
    const { code, io } = await replay(where, args);
    expect([code, io.out()]).toEqual([2, '']);
    expect(io.err()).toContain(words);
    expect(await inStore(where, (store) => store.count('attempt', {}))).toBe(1);
  });

  test('- with --secret-stdin: it cannot be both the log and the secret', async () => {
    const { code, io } = await replay(await world(), ['-', '--to', '9', '--secret-stdin'], {
      stdin: 'event_id,body\nev_0,{}\n',
    });
    expect(code).toBe(2);
    expect(io.err()).toMatch(/Standard input cannot be both/);
  });
});
