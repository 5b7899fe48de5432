import { describe, expect, test } from 'vitest';
import { attemptToJson } from '../../src/core/record.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { newAttempt } from '../helpers/records.ts';
import { attemptsOf, file, ioOf, nthEvent, replay, type Sent, to, world } from '../helpers/replay.ts';
import { spawnCli, startOnTerminal } from '../helpers/spawn-cli.ts';
import { jsonLines } from '../helpers/test-io.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be printed
const RAW = /[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]/;
const HOSTILE = '\x1b]52;c;aGk=\x07\x1b[2J\x9b\r\n<img src=x>\u202e\u200b\0end';

describe('--json', () => {
  test('a line for the run, one an attempt, and a summary; nothing else on stdout', async () => {
    const where = await world(3);
    const endpoint = await startEndpoint(answers(503, 200));
    const { code, io, run } = await replay(where, to(endpoint, '--concurrency', '1'));
    expect([code, io.err()]).toEqual([0, '']);
    const [first, ...rest] = jsonLines(io);
    const last = rest.pop();
    expect(first).toEqual({ type: 'replay', run, url: endpoint.url.href, deliveries: 3 });
    expect(rest).toHaveLength(4);
    expect(last).toEqual({
      type: 'summary',
      sent: 3,
      delivered: 3,
      failed: 0,
      attempts: 4,
      latency_ms: {
        p50: expect.any(Number),
        p95: expect.any(Number),
        p99: expect.any(Number),
        max: expect.any(Number),
      },
      run,
    });
    const kept = (await attemptsOf(where, run)).map((attempt) => attemptToJson(attempt));
    expect(rest).toEqual(kept);
  });

  test('the same of a process of its own: stdout is NDJSON to its end', async () => {
    const where = await world(30);
    const endpoint = await startEndpoint(answers(200));
    const { code, out, err } = await spawnCli(['replay', ...to(endpoint)], where);
    expect([code, err]).toEqual([0, '']);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ kind, type }) => kind ?? type)).toEqual([
      'replay',
      ...Array(30).fill('attempt'),
      'summary',
    ]);
  });

  test('what is hostile in a record is escaped in it, and means the same', async () => {
    const where = await world([{ event: HOSTILE, callId: HOSTILE }]);
    const endpoint = await startEndpoint(answers(200));
    const { io, attempts } = await replay(where, to(endpoint));
    expect(io.out()).not.toMatch(RAW);
    expect(attempts).toMatchObject([{ event: HOSTILE, call_id: HOSTILE }]);
  });
});

describe('for people', () => {
  test('a line a delivery while there are few, then the summary; the run and how to resume it on stderr', async () => {
    const endpoint = await startEndpoint(answers(503, 200));
    const args = ['--to', endpoint.url.href, '--backoff', '1ms'];
    const { code, io, run } = await replay(await world(1), args);
    expect(code).toBe(0);
    const lines = io.out().split('\n');
    expect(lines[0]).toMatch(/^↻ call_connected .*\[ev_0\] {2}503 .*will be retried$/);
    expect(lines[1]).toMatch(/^✓ call_connected .*\[ev_0\] {2}200 .*attempt 2$/);
    expect(io.out()).toContain('1 of 1 delivered in 2 attempts');
    expect(io.err()).toMatch(/^run_\w+: 1 deliver/);
    expect(io.err()).toContain(`mo-notify replay --resume ${run}`);
  });

  test('--quiet says nothing of what went well', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { code, io } = await replay(await world(2), ['--to', endpoint.url.href, '-q']);
    expect([code, io.out(), io.err(), endpoint.requests.length]).toEqual([0, '', '', 2]);
  });

  test('what is hostile, in a record or an answer, is shown escaped', async () => {
    const endpoint = await startEndpoint(answers([500, {}, HOSTILE]));
    const where = await world([{ event: HOSTILE }]);
    const { io } = await replay(where, ['--to', endpoint.url.href, '--retries', '0', '-v']);
    expect(io.out() + io.err()).not.toMatch(RAW);
    expect(io.out()).toContain('\\x1b]52;c;aGk=\\x07');
  });

  test.each([
    ['y', 0, 1001],
    ['n', 2, 0],
  ])(
    'E10 on a terminal more than 1000 are asked for; "%s": exit %i, %i are sent',
    async (answer, code, sent) => {
      const endpoint = await startEndpoint(answers(200));
      const terminal = startOnTerminal(`mo replay --to ${endpoint.url.href}`, await world(1001));
      await terminal.waitFor(/Send 1001 deliveries to .*\[y\/N\]/);
      terminal.child.stdin?.write(`${answer}\r`);
      expect([(await terminal.ended).code, endpoint.requests.length]).toEqual([code, sent]);
    },
  );
});

describe('--dry-run', () => {
  test('counts, shows the first five, and sends and records nothing', async () => {
    const where = await world(7);
    const endpoint = await startEndpoint(answers(200));
    const { code, io } = await replay(where, ['--to', endpoint.url.href, '--dry-run']);
    expect(code).toBe(0);
    const lines = io.out().trimEnd().split('\n');
    expect(lines[0]).toBe(`7 sent deliveries would be sent to ${endpoint.url.href}`);
    expect(lines.slice(1, 6).map((line) => /\[(\w+)\]/.exec(line)?.[1])).toEqual([
      'ev_0',
      'ev_1',
      'ev_2',
      'ev_3',
      'ev_4',
    ]);
    expect(lines[1]).toBe(
      `  2026-01-31 12:00:00.000  call_connected     [ev_0]  MO0  ${nthEvent(0).length} bytes`,
    );
    expect(lines[6]).toContain('… and 2 more');
    expect(io.err()).toContain('Nothing was sent');
    expect(endpoint.connections()).toBe(0);
    expect(await attemptsOf(where)).toHaveLength(7);
  });

  test('needs no secret and asks for no --yes', async () => {
    const where = await world(1001);
    const { MO_NOTIFY_STORE } = where.env as { MO_NOTIFY_STORE: string };
    const { code, io } = await replay({ ...where, env: { MO_NOTIFY_STORE } }, ['--to', '9', '--dry-run']);
    expect([code, io.out()]).toEqual([0, expect.stringMatching(/^1001 /)]);
  });

  test('--json: one document', async () => {
    const { io } = await replay(await world(6), ['--to', '9', '--dry-run', '--json', '--limit', '6']);
    expect(JSON.parse(io.out())).toEqual({
      type: 'dry_run',
      url: 'http://127.0.0.1:9/',
      kind: 'attempt',
      deliveries: 6,
      bodiless: 0,
      cut: 0,
      bad_id: 0,
      unsigned: 0,
      unwanted: 0,
      skipped: 0,
      first: [0, 1, 2, 3, 4].map((n) => ({
        id: `at_${n}`,
        at: `2026-01-31T12:00:0${n}.000Z`,
        event_id: `ev_${n}`,
        event: 'call_connected',
        call_id: `MO${n}`,
        body_bytes: nthEvent(n).length,
      })),
    });
  });

  test('of a resumed run counts what is left of it', async () => {
    const where = await world(4);
    const interrupted = ioOf(where);
    const endpoint = await startEndpoint((response, _, nth) => {
      if (nth === 2) interrupted.interrupt();
      response.end();
    });
    const { run } = await replay(where, to(endpoint, '--concurrency', '1'), interrupted);
    const { io } = await replay(where, ['--resume', run, '--dry-run', '--json']);
    const first = [{ event_id: 'ev_2' }, { event_id: 'ev_3' }];
    expect(JSON.parse(io.out())).toMatchObject({ deliveries: 2, first });
  });

  test('rows are shown escaped, each on one line, and cut', async () => {
    const long = 'x'.repeat(5000);
    const rows: Sent[] = [
      { event: HOSTILE, callId: HOSTILE, eventId: HOSTILE },
      { event: long, callId: long, eventId: long },
    ];
    const { io } = await replay(await world(rows), ['--to', '9', '--dry-run', '--new-ids']);
    expect(io.out()).not.toMatch(RAW);
    expect(io.out().trimEnd().split('\n')).toHaveLength(3);
    expect(io.out()).toContain('\\x1b]52;c;aGk=\\x07');
    expect(io.out().length).toBeLessThan(600);
  });

  test.each(['store', 'file'])(
    'numbers in rows of a %s are masked, unless --show-numbers',
    async (source) => {
      const number = '+919812345678';
      const about = { callId: number };
      const where = await world(source === 'store' ? [about] : 0);
      const line = { ...attemptToJson(newAttempt(about)), body_base64: 'e30=' };
      const name = file(where, 'log.ndjson', `${JSON.stringify(line)}\n`);
      const args = [...(source === 'store' ? [] : [name]), '--to', '9', '--dry-run'];
      const { io } = await replay(where, args);
      expect(io.out()).toContain('+91******5678');
      expect(io.out() + io.err()).not.toContain(number);
      expect((await replay(where, [...args, '--show-numbers'])).io.out()).toContain(number);
    },
  );
});

test('a number in a line that is skipped is masked, and what is hostile in it escaped', async () => {
  const where = await world();
  const bad = JSON.stringify({ kind: 'attempt', id: 'a', sent_at: `+919812345678 ${HOSTILE}` });
  const { io } = await replay(where, [file(where, 'log.ndjson', `${bad}\n`), '--to', '9']);
  expect(io.err()).toContain('line 1: ');
  expect(io.err()).not.toContain('+919812345678');
  expect(io.err()).not.toMatch(RAW);
});
