import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { callStatus } from '../../../src/core/call.ts';
import { parsePayload } from '../../../src/core/payload.ts';
import type { Receipt } from '../../../src/core/record.ts';
import { CallBoard } from '../../../src/dashboard/call-board.ts';
import type { CallRow } from '../../../src/dashboard/wire.ts';
import { anyText } from '../../helpers/any-record.ts';
import { AT, newReceipt } from '../../helpers/records.ts';

/** An event of a call, as its body says it. */
interface Said {
  event: string;
  /** Seconds after the call began. */
  second: number;
  call_id?: string;
  [more: string]: unknown;
}

const HOUR = 3_600_000;

/** Tells the board of an event that arrives as the `seq`th, an hour after the call began unless told otherwise. */
function arrive(board: CallBoard, seq: number, said: Said, about: Partial<Receipt> = {}): void {
  const { second, ...rest } = said;
  const timestamp = new Date(AT + second * 1000).toISOString();
  const payload = parsePayload(Buffer.from(JSON.stringify({ call_id: 'MO1', timestamp, ...rest })));
  const receipt = {
    ...newReceipt({ id: `rc_${seq}`, eventId: `ev_${seq}`, receivedAt: AT + HOUR + seq }),
    event: payload.event,
    callId: payload.callId,
    duplicate: null,
    forward: null,
    shownAt: null,
    ...about,
  };
  board.add(seq, receipt, payload);
}

const NOW = AT + 2 * HOUR;
const only = (board: CallBoard) => {
  const [row, ...others] = board.all(NOW);
  expect(others).toEqual([]);
  return row as CallRow;
};

const WHOLE: Said[] = [
  {
    event: 'call_initiated',
    second: 0,
    direction: 'inbound',
    caller_number: '+919876543210',
    metadata: { queue: 'Sales' },
  },
  { event: 'call_connected', second: 8, receiver_number: '+911234567890', metadata: { agent_id: 'ag_72' } },
  { event: 'call_transferred', second: 20, metadata: { queue: 'Billing', agent_id: 'ag_9' } },
  {
    event: 'call_disconnected',
    second: 50,
    duration_seconds: 42,
    metadata: { recording_url: 'https://r/1' },
  },
];

describe('a call’s row', () => {
  test('is told by its events', () => {
    const board = new CallBoard();
    for (const [i, said] of WHOLE.entries()) arrive(board, i + 1, said);
    expect(only(board)).toEqual({
      key: expect.any(Number),
      call_id: 'MO1',
      status: 'Disconnected',
      caller_number: '+919876543210',
      receiver_number: '+911234567890',
      direction: 'inbound',
      queue: 'Billing',
      agent_id: 'ag_9',
      started_ms: AT,
      connected_ms: AT + 8000,
      since_ms: AT + 50_000,
      ended: true,
      duration_seconds: 42,
      last: { event: 'call_disconnected', event_id: 'ev_4', received_ms: AT + HOUR + 4 },
      seqs: [1, 2, 3, 4],
      events: 4,
      warnings: 0,
    });
  });

  test('of one under way has no length yet', () => {
    const board = new CallBoard();
    arrive(board, 1, WHOLE[0] as Said);
    expect(only(board)).toMatchObject({
      status: 'Ringing',
      ended: false,
      connected_ms: null,
      duration_seconds: null,
      since_ms: AT,
      queue: 'Sales',
      agent_id: null,
    });
    arrive(board, 2, WHOLE[1] as Said);
    expect(only(board)).toMatchObject({
      status: 'Connected',
      ended: false,
      since_ms: AT + 8000,
      agent_id: 'ag_72',
    });
  });

  test('has a length where its end tells one', () => {
    const board = new CallBoard();
    arrive(board, 1, { event: 'call_missed', second: 30, duration_seconds: '30' });
    expect(only(board)).toMatchObject({ status: 'Missed', ended: true, duration_seconds: null });
  });

  test('is made of unknown events, too, but has no status by them', () => {
    const board = new CallBoard();
    arrive(board, 1, { event: 'call_recorded', second: 60 });
    expect(only(board)).toMatchObject({
      status: null,
      ended: false,
      last: { event: 'call_recorded' },
      since_ms: AT + 60_000,
    });
  });

  test('without any body is what its receipts say', () => {
    const board = new CallBoard();
    const about = { duplicate: null, forward: null, shownAt: null };
    board.add(5, { ...newReceipt({ event: 'call_disconnected' }), ...about }, null);
    expect(only(board)).toMatchObject({
      call_id: 'MO1',
      status: 'Disconnected',
      ended: true,
      started_ms: null,
      since_ms: null,
      caller_number: null,
      queue: null,
      duration_seconds: null,
    });
  });

  test.each<[string, Partial<Receipt>]>([
    ['forged', { signature: 'mismatch' }],
    ['unsigned', { signature: 'missing' }],
    ['malformed', { signature: 'malformed' }],
    ['a duplicate', { duplicate: 'duplicate' }],
    ['without a call', { callId: null }],
    ['no event', { event: null }],
  ])('is not touched by what is %s', (_, about) => {
    const board = new CallBoard();
    arrive(board, 1, WHOLE[0] as Said, about);
    expect(board.all(NOW)).toEqual([]);
    expect(board.changes(10, NOW)).toEqual({ calls: [], gone: [], more: false });
    arrive(board, 2, WHOLE[0] as Said);
    board.changes(10, NOW);
    arrive(board, 3, { ...(WHOLE[3] as Said), caller_number: 'evil' }, about);
    expect(only(board)).toMatchObject({ status: 'Ringing', events: 1 });
    expect(board.changes(10, NOW).calls).toEqual([]);
  });

  test('counts an event once that a sender had to send twice', () => {
    const board = new CallBoard();
    arrive(board, 1, WHOLE[0] as Said, { eventId: 'ev_a' });
    arrive(board, 2, WHOLE[0] as Said, { eventId: 'ev_a', flags: ['redelivery'] });
    expect(only(board)).toMatchObject({ events: 1, seqs: [1, 2] });
  });

  test('takes a conflict for what it is: another event', () => {
    const board = new CallBoard();
    arrive(board, 1, WHOLE[0] as Said, { eventId: 'ev_a' });
    arrive(board, 2, WHOLE[3] as Said, { eventId: 'ev_a', duplicate: 'conflict' });
    arrive(board, 3, WHOLE[1] as Said, { eventId: 'ev_b', duplicate: 'suspected_replay' });
    expect(only(board)).toMatchObject({ events: 3, status: 'Disconnected' });
  });

  test('B16 does not go back once the call has ended, and says what does not fit', () => {
    const board = new CallBoard();
    for (const [i, said] of WHOLE.entries()) arrive(board, i + 1, said);
    arrive(board, 9, { event: 'call_connected', second: 80 });
    const row = only(board);
    expect(row).toMatchObject({ status: 'Disconnected', ended: true, since_ms: AT + 50_000, events: 5 });
    expect(row.warnings).toBeGreaterThan(0);
    expect(board.detail(row.key, NOW)?.findings.map(({ rule }) => rule)).toContain('after_end');
  });
});

const anySaid: fc.Arbitrary<Said> = fc.record({
  event: fc.constantFrom(
    'call_initiated',
    'call_connected',
    'call_transferred',
    'call_disconnected',
    'call_missed',
    'call_recorded',
  ),
  second: fc.nat(40),
  caller_number: fc.option(fc.constantFrom('+919876543210', '+911'), { nil: undefined }),
  receiver_number: fc.option(fc.constant('+912'), { nil: undefined }),
  direction: fc.option(fc.constantFrom('inbound', 'outbound', 7), { nil: undefined }),
  duration_seconds: fc.option(fc.nat(60), { nil: undefined }),
  metadata: fc.option(
    fc.record({
      queue: fc.constantFrom('Sales', null, 'Billing'),
      agent_id: fc.constantFrom('ag_1', undefined),
    }),
    { nil: undefined },
  ),
});
/** No two that only their arrival would tell apart. */
const anyLife = fc.uniqueArray(anySaid, {
  minLength: 1,
  maxLength: 10,
  selector: ({ event, second }) => `${event} ${second}`,
});

test('any order of arrival of the same events, repeated ones among them, ends in the same row', () => {
  fc.assert(
    fc.property(
      anyLife.chain((life) =>
        fc.record({
          life: fc.constant(life),
          order: fc.shuffledSubarray(life, { minLength: life.length }),
          again: fc.array(fc.tuple(fc.constantFrom(...life), fc.constantFrom('duplicate', 'redelivery'))),
        }),
      ),
      ({ life, order, again }) => {
        const idOf = (said: Said) => `ev_${life.indexOf(said)}`;
        const inOrder = new CallBoard();
        for (const [i, said] of life.entries()) arrive(inOrder, i + 1, said, { eventId: idOf(said) });
        const shuffled = new CallBoard();
        let seq = 100;
        for (const said of order) {
          arrive(shuffled, ++seq, said, { eventId: idOf(said) });
          for (const [repeated, as] of again.filter(([one]) => one === said)) {
            const duplicate = as === 'duplicate' ? 'duplicate' : null;
            const flags = as === 'duplicate' ? [] : ['redelivery'];
            arrive(shuffled, ++seq, repeated, { eventId: idOf(repeated), duplicate, flags });
          }
        }
        const { seqs, last, ...row } = only(inOrder);
        const { seqs: otherSeqs, last: otherLast, ...otherRow } = only(shuffled);
        expect(otherRow).toEqual(row);
        expect({ ...otherLast, received_ms: 0 }).toEqual({ ...last, received_ms: 0 });
        expect(row.status).toBe(
          callStatus(
            life.map(({ event, second }, arrival) => ({ event, timestampMs: AT + second * 1000, arrival })),
          ),
        );
        expect(row.events).toBe(life.length);
      },
    ),
  );
});

describe('changes', () => {
  test('are each call that has changed, once, the earliest change first', () => {
    const board = new CallBoard();
    arrive(board, 1, { event: 'call_initiated', second: 0, call_id: 'A' });
    arrive(board, 2, { event: 'call_initiated', second: 0, call_id: 'B' });
    arrive(board, 3, { event: 'call_connected', second: 1, call_id: 'A' });
    expect(board.changes(10, NOW).calls.map((row) => [row.call_id, row.events])).toEqual([
      ['A', 2],
      ['B', 1],
    ]);
    expect(board.changes(10, NOW)).toEqual({ calls: [], gone: [], more: false });
    arrive(board, 4, { event: 'call_missed', second: 1, call_id: 'B' });
    expect(board.changes(10, NOW).calls).toMatchObject([{ call_id: 'B', status: 'Missed' }]);
  });

  test('too many for one message come with the next ones', () => {
    const board = new CallBoard();
    for (let i = 1; i <= 5; i++) arrive(board, i, { event: 'call_initiated', second: 0, call_id: `C${i}` });
    const told = (limit: number) => {
      const { calls, more } = board.changes(limit, NOW);
      return [calls.map(({ call_id }) => call_id).join(' '), more];
    };
    expect(told(2)).toEqual(['C1 C2', true]);
    arrive(board, 6, { event: 'call_connected', second: 1, call_id: 'C1' });
    expect(told(3)).toEqual(['C3 C4 C5', true]);
    expect(told(3)).toEqual(['C1', false]);
  });

  test('tell of the latest receipts of a call, by which it is known what was shown', () => {
    const board = new CallBoard();
    for (let i = 1; i <= 30; i++) arrive(board, i, { event: 'call_transferred', second: i });
    const { seqs } = only(board);
    expect(seqs.length).toBeGreaterThanOrEqual(3);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => 31 - seqs.length + i));
  });
});

describe('what is kept is bounded', () => {
  /** Many calls, and all that a page has been told of them, asked for now and then. */
  function flood(
    count: number,
    event: string,
  ): { board: CallBoard; known: Map<number, string>; gone: number[] } {
    const board = new CallBoard();
    const known = new Map<number, string>();
    const gone: number[] = [];
    const ask = () => {
      const changes = board.changes(Number.POSITIVE_INFINITY, NOW);
      for (const key of changes.gone) {
        gone.push(key);
        known.delete(key);
      }
      for (const { key, call_id } of changes.calls) known.set(key, call_id);
    };
    for (let i = 1; i <= count; i++) {
      arrive(board, i, { event, second: 0, call_id: `C${i}` });
      if (i % 700 === 0) ask();
    }
    ask();
    return { board, known, gone };
  }

  test.each([
    ['under way', 'call_connected', 25_000, 1000, 10_000],
    ['that have ended', 'call_disconnected', 3000, 100, 1000],
  ])(
    'calls %s: the ones that changed last; of the others pages are told that they are gone',
    (_, event, count, least, most) => {
      const { board, known, gone } = flood(count, event);
      const kept = board.all(NOW).map(({ call_id }) => call_id);
      expect(kept.length).toBeLessThanOrEqual(most);
      expect(kept.length).toBeGreaterThanOrEqual(least);
      expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => `C${count - kept.length + 1 + i}`));
      // A page that follows knows these, and no other.
      expect([...known.values()].sort()).toEqual([...kept].sort());
      expect(gone.length).toBe(new Set(gone).size);
      for (const key of gone.slice(0, 20)) expect(board.detail(key, NOW)).toBeNull();
    },
  );

  test('a call that goes on is not gone', () => {
    const board = new CallBoard();
    arrive(board, 1, { event: 'call_initiated', second: 0, call_id: 'early' });
    for (let i = 2; i <= 20_000; i++) {
      arrive(board, i, { event: 'call_initiated', second: 0, call_id: `C${i}` });
      if (i % 900 === 0)
        arrive(board, 100_000 + i, { event: 'call_transferred', second: i, call_id: 'early' });
    }
    const row = board.all(NOW).find(({ call_id }) => call_id === 'early') as CallRow;
    expect(row.events).toBe(23);
    expect(board.changes(Number.POSITIVE_INFINITY, NOW).gone).not.toContain(row.key);
  });

  test('a call that is gone and comes again is a new one', () => {
    const board = new CallBoard();
    arrive(board, 1, { event: 'call_initiated', second: 0, call_id: 'again' });
    const { key } = only(board);
    for (let i = 2; i <= 20_000; i++)
      arrive(board, i, { event: 'call_initiated', second: 0, call_id: `C${i}` });
    expect(board.detail(key, NOW)).toBeNull();
    arrive(board, 20_001, { event: 'call_connected', second: 5, call_id: 'again' });
    const { gone, calls } = board.changes(Number.POSITIVE_INFINITY, NOW);
    expect(gone).toContain(key);
    expect(calls.find((row) => row.key === key)).toMatchObject({ call_id: 'again', events: 1 });
    expect(board.detail(key, NOW)?.events).toHaveLength(1);
  });

  test('an ended call’s place is free for one under way, and the other way round', () => {
    const board = new CallBoard();
    for (let i = 1; i <= 3000; i++) {
      arrive(board, i, { event: 'call_initiated', second: 0, call_id: `C${i}` });
      arrive(board, 10_000 + i, { event: 'call_disconnected', second: 9, call_id: `C${i}` });
    }
    arrive(board, 1, { event: 'call_initiated', second: 0, call_id: 'live' });
    const rows = board.all(NOW);
    expect(rows.filter(({ ended }) => !ended).map(({ call_id }) => call_id)).toEqual(['live']);
    expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length);
  });

  test('of a call with more events than any life has, the latest', () => {
    const board = new CallBoard();
    for (let i = 1; i <= 5000; i++) arrive(board, i, { event: 'call_transferred', second: i });
    const row = only(board);
    expect(row.events).toBeLessThanOrEqual(100);
    expect(row).toMatchObject({ last: { event_id: 'ev_5000' }, since_ms: AT + 5_000_000 });
  });
});

describe('a call whose end was lost', () => {
  const LONGEST = 4 * HOUR;

  test('is taken for over when nothing was heard of it for four hours', () => {
    const board = new CallBoard();
    arrive(board, 1, WHOLE[1] as Said, { receivedAt: AT });
    arrive(board, 2, { ...(WHOLE[0] as Said), call_id: 'MO2' }, { receivedAt: AT + HOUR });
    board.changes(10, NOW);
    expect(board.giveUp(AT + LONGEST)).toBe(false);
    expect(board.changes(10, NOW).calls).toEqual([]);
    expect(board.giveUp(AT + LONGEST + 1)).toBe(true);
    expect(board.giveUp(AT + LONGEST + 1)).toBe(false);
    const { calls } = board.changes(10, AT + LONGEST + 1);
    expect(calls).toMatchObject([
      { call_id: 'MO1', ended: true, status: 'Connected', duration_seconds: null },
    ]);
    expect(board.all(NOW).filter(({ ended }) => !ended)).toMatchObject([{ call_id: 'MO2' }]);
  });

  test('is under way again when something is', () => {
    const board = new CallBoard();
    arrive(board, 1, WHOLE[0] as Said, { receivedAt: AT });
    board.giveUp(AT + LONGEST + 1);
    expect(only(board).ended).toBe(true);
    arrive(board, 2, WHOLE[1] as Said, { receivedAt: AT + LONGEST + 2 });
    expect(only(board)).toMatchObject({ ended: false, status: 'Connected' });
  });

  test('is one of many', () => {
    const board = new CallBoard();
    for (let i = 1; i <= 2000; i++)
      arrive(board, i, { event: 'call_initiated', second: 0, call_id: `C${i}` }, { receivedAt: AT });
    board.giveUp(AT + LONGEST + 1);
    const rows = board.all(NOW);
    expect(rows.every(({ ended }) => ended)).toBe(true);
    expect(rows.length).toBeLessThanOrEqual(1000);
  });
});

describe('its story', () => {
  test('has each event in order of life, and what does not fit', () => {
    const board = new CallBoard();
    for (const [i, said] of [...WHOLE].reverse().entries()) arrive(board, i + 1, said);
    const { key } = only(board);
    const detail = board.detail(key, NOW);
    expect(detail?.row).toEqual(only(board));
    expect(detail?.events).toEqual(
      WHOLE.map(({ event, second }, i) => ({
        event,
        event_id: `ev_${4 - i}`,
        timestamp_ms: AT + second * 1000,
        received_ms: AT + HOUR + 4 - i,
        seq: 4 - i,
      })),
    );
    expect(detail?.findings).toEqual([
      {
        rule: 'arrival_order',
        severity: 'info',
        text: 'arrived as disconnected, transferred, connected, initiated',
      },
    ]);
    expect(board.detail(key + 1, NOW)).toBeNull();
  });

  test('has the same address in every run', () => {
    const keys = [1, 2].map(() => {
      const board = new CallBoard();
      arrive(board, 1, WHOLE[0] as Said);
      return only(board).key;
    });
    expect(keys[0]).toBe(keys[1]);
    expect(String(keys[0])).toMatch(/^\d{1,16}$/);
    expect(keys[0]).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
  });
});

describe('ids and texts come from outside', () => {
  test.each([
    '__proto__',
    'constructor',
    'hasOwnProperty',
    '',
    '\0',
    ' ',
    '../../etc',
    "'; DROP TABLE calls; --",
  ])('B5 a call may be called %j', (id) => {
    const board = new CallBoard();
    arrive(board, 1, { event: 'call_initiated', second: 0, call_id: id });
    arrive(board, 2, { event: 'call_connected', second: 5, call_id: id });
    arrive(board, 3, { event: 'call_connected', second: 5, call_id: 'other' });
    const row = board.all(NOW).find(({ call_id }) => call_id === id) as CallRow;
    expect(row).toMatchObject({ events: 2, status: 'Connected' });
    expect(board.detail(row.key, NOW)?.row.call_id).toBe(id);
    expect(({} as Record<string, unknown>).events).toBeUndefined();
  });

  test('two calls are two, however much their ids are alike', () => {
    const long = 'x'.repeat(100_000);
    const ids = [
      `${long}1`,
      `${long}2`,
      long,
      'x'.repeat(200),
      'x'.repeat(201),
      '\ud800',
      '\udbff',
      '\ufffd',
      'é',
      'e\u0301',
    ];
    const board = new CallBoard();
    for (const [i, id] of ids.entries()) {
      arrive(board, i + 1, { event: 'call_initiated', second: i, call_id: id });
      arrive(board, i + 100, { event: 'call_connected', second: 90, call_id: id });
    }
    const rows = board.all(NOW);
    expect(rows.map(({ started_ms, events }) => [started_ms, events])).toEqual(
      ids.map((_, i) => [AT + i * 1000, 2]),
    );
    expect(new Set(rows.map(({ key }) => key)).size).toBe(ids.length);
    for (const row of rows) expect(board.detail(row.key, NOW)?.row).toEqual(row);
  });

  test('__proto__ in a body is data like any other', () => {
    const board = new CallBoard();
    const metadata = JSON.parse('{"__proto__":{"queue":"evil"},"queue":"Sales"}');
    arrive(board, 1, { event: 'call_initiated', second: 0, metadata });
    expect(only(board).queue).toBe('Sales');
    const body =
      '{"event":"call_initiated","call_id":"P","timestamp":"2026-01-31T12:00:00Z","__proto__":{"direction":"evil"}}';
    const about = { duplicate: null, forward: null, shownAt: null, callId: 'P', event: 'call_initiated' };
    board.add(2, { ...newReceipt(), ...about }, parsePayload(Buffer.from(body)));
    expect(board.all(NOW).find(({ call_id }) => call_id === 'P')?.direction).toBeNull();
  });

  test('B14 no text of a row or a story is much longer than 200 characters, whatever the field', () => {
    const texts = (value: unknown): string[] =>
      typeof value === 'string'
        ? [value]
        : typeof value === 'object' && value !== null
          ? Object.values(value).flatMap(texts)
          : [];
    fc.assert(
      fc.property(anyText, (text) => {
        const long = `${text}x`.repeat(2000);
        const board = new CallBoard();
        for (let i = 1; i <= 3; i++) {
          arrive(
            board,
            i,
            {
              event: i === 2 ? 'call_disconnected' : long,
              second: i,
              call_id: long,
              caller_number: long,
              receiver_number: long,
              direction: long,
              metadata: { queue: long, agent_id: long },
            },
            { eventId: `${long}${i}` },
          );
        }
        const row = only(board);
        for (const one of texts([row, board.detail(row.key, NOW)]))
          expect(one.length).toBeLessThanOrEqual(201);
      }),
      { numRuns: 50 },
    );
  });
});
