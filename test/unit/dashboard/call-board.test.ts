import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { callStatus } from '../../../src/core/call.ts';
import type { Receipt } from '../../../src/core/record.ts';
import { CallBoard } from '../../../src/dashboard/call-board.ts';
import { arrive, HOUR, NOW, only, type Said, WHOLE } from '../../helpers/call-board.ts';
import { AT, newReceipt } from '../../helpers/records.ts';

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
