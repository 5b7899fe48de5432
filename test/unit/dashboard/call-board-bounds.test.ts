import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePayload } from '../../../src/core/payload.ts';
import { CallBoard } from '../../../src/dashboard/call-board.ts';
import type { CallRow } from '../../../src/dashboard/wire.ts';
import { anyText } from '../../helpers/any-record.ts';
import { arrive, HOUR, NOW, only, type Said, WHOLE } from '../../helpers/call-board.ts';
import { AT, newReceipt } from '../../helpers/records.ts';

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
