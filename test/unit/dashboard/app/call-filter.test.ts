import { describe, expect, test } from 'vitest';
import { callFilter, listCalls } from '../../../../src/dashboard/app/call-filter.ts';
import { FADE_MS, type PageCall } from '../../../../src/dashboard/app/model.ts';
import { CALL_AT as AT, callRow } from '../../../helpers/call-row.ts';

function call(key: number, about: Partial<PageCall> = {}): PageCall {
  return {
    ...callRow({
      key,
      call_id: `MO${key}`,
      caller_number: '+919876543210',
      receiver_number: '+911234567890',
      direction: 'inbound',
      queue: 'Sales',
      seqs: [key],
    }),
    endedSeen: 0,
    ...about,
  };
}

const list = (calls: PageCall[], state: Record<string, string> = {}, now = AT) => {
  const { live, ended, counts } = listCalls(calls, callFilter(state), now);
  const keys = (some: PageCall[]) => some.map(({ key }) => key);
  return { live: keys(live), ended: keys(ended), counts: Object.fromEntries(counts) };
};
const found = (calls: PageCall[], state: Record<string, string>) => {
  const { live, ended } = list(calls, state);
  return [...live, ...ended];
};

describe('what an address asks for', () => {
  test('is nothing in particular where it says nothing', () => {
    expect(callFilter({})).toEqual({ number: '', queue: '', direction: '', statuses: [] });
  });

  test('are the statuses that there are', () => {
    expect(callFilter({ status: 'Missed,Nonsense,Ringing,' }).statuses).toEqual(['Ringing', 'Missed']);
  });
});

describe('the order', () => {
  test('is the latest beginning first; of equal ones the latest arrival', () => {
    const calls = [
      call(1),
      call(2, { started_ms: AT + 1 }),
      call(3, { seqs: [9, 10] }),
      call(4, { started_ms: null }),
    ];
    expect(list(calls).live).toEqual([2, 3, 1, 4]);
  });

  test('of ended ones is the latest end first', () => {
    const ended = (key: number, since_ms: number | null) =>
      call(key, { ended: true, status: 'Missed', since_ms });
    expect(list([ended(1, AT), ended(2, AT + 5), ended(3, AT), ended(4, null)]).ended).toEqual([2, 3, 1, 4]);
  });
});

test('one that has just ended stays among those under way for a while', () => {
  const calls = [call(1, { ended: true, status: 'Missed', endedSeen: AT })];
  expect(list(calls, {}, AT + FADE_MS - 1)).toMatchObject({ live: [1], ended: [] });
  expect(list(calls, {}, AT + FADE_MS)).toMatchObject({ live: [], ended: [1] });
  // The clock was set back (G18).
  expect(list(calls, {}, AT - 86_400_000)).toMatchObject({ live: [], ended: [1] });
});

test('the counts are of what number, queue and direction leave, whichever statuses are listed', () => {
  const calls = [
    call(1),
    call(2, { status: 'Connected' }),
    call(3, { status: 'Connected', queue: 'Support' }),
    call(4, { status: null }),
  ];
  expect(list(calls, { status: 'Ringing', queue: 'sales' })).toMatchObject({
    live: [1],
    counts: { Ringing: 1, Connected: 1, Transferred: 0, Disconnected: 0, Missed: 0 },
  });
});

describe('a number', () => {
  const calls = [
    call(1, { caller_number: '+919876543210', receiver_number: null }),
    call(2, { caller_number: '098765 11111', receiver_number: '+91 22 6100-0001' }),
    call(3, { caller_number: 'anonymous', receiver_number: null, call_id: 'abc-919876543210' }),
  ];

  test.each([
    ['+919876543210', [1]],
    ['919876543210', [1, 3]],
    ['+91 98765 43210', [1]],
    ['98765-43210', [1]],
    ['09876543210', [1]],
    ['00919876543210', [1]],
    ['(98765)', [1, 2]],
    ['98765', [1, 2, 3]],
    ['2261000001', [2]],
    ['+91******3210', [1]],
    ['**********', []],
    ['0', [1, 2, 3]],
    ['+', []],
    ['ANONYMOUS', []],
    ['ABC-91', [3]],
    ['   ', [1, 2, 3]],
    ['.*', []],
  ])('%j finds %j', (number, keys) => {
    expect(found(calls, { number }).sort()).toEqual(keys);
  });
});

test('a queue is found by a part of its name, a direction by all of it', () => {
  const calls = [
    call(1, { queue: 'Sales North' }),
    call(2, { queue: null }),
    call(3, { direction: 'outbound' }),
  ];
  expect(found(calls, { queue: 'north' })).toEqual([1]);
  expect(found(calls, { direction: 'outbound' })).toEqual([3]);
  expect(found(calls, { direction: 'out' })).toEqual([]);
});
