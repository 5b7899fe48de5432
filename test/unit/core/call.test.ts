import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CallStatus, callStatus, compareLife, type LifeEvent } from '../../../src/core/call.ts';
import { EVENT_TYPES } from '../../../src/core/event.ts';

/** Events at these seconds, in this order of arrival. */
function life(...events: [event: string, second: number | null][]): LifeEvent[] {
  return events.map(([event, second], arrival) => ({
    event,
    timestampMs: second === null ? null : second * 1000,
    arrival,
  }));
}

test.each<[string, CallStatus]>([
  ['call_initiated', 'Ringing'],
  ['call_connected', 'Connected'],
  ['call_transferred', 'Transferred'],
  ['call_disconnected', 'Disconnected'],
  ['call_missed', 'Missed'],
])('%s alone shows as %s', (event, status) => {
  expect(callStatus(life([event, 0]))).toBe(status);
});

test.each<[string, LifeEvent[], CallStatus | null]>([
  ['nothing', [], null],
  ['an unknown event alone', life(['call_parked', 9]), null],
  [
    'an unknown event after a known one changes nothing',
    life(['call_connected', 1], ['call_parked', 9]),
    'Connected',
  ],
  ['names from the prototype are unknown', life(['constructor', 1], ['__proto__', 2]), null],
  ['in order', life(['call_initiated', 0], ['call_connected', 6], ['call_disconnected', 48]), 'Disconnected'],
  [
    'B16 disconnected before connected',
    life(['call_disconnected', 48], ['call_connected', 6]),
    'Disconnected',
  ],
  [
    'B16 disconnected first, connected with a later timestamp: an ended call stays ended',
    life(['call_disconnected', 10], ['call_connected', 20]),
    'Disconnected',
  ],
  ['B16 equal timestamps go by rank', life(['call_connected', 0], ['call_initiated', 0]), 'Connected'],
  [
    'B16 transferred after connected in the same second',
    life(['call_transferred', 5], ['call_connected', 5]),
    'Transferred',
  ],
  [
    'B16 a whole call in one second',
    life(['call_disconnected', 0], ['call_initiated', 0], ['call_connected', 0]),
    'Disconnected',
  ],
  [
    'B16 without a timestamp, rank decides',
    life(['call_connected', null], ['call_initiated', null]),
    'Connected',
  ],
  [
    'B16 an event without a timestamp does not undo a later one',
    life(['call_transferred', 5], ['call_connected', null]),
    'Transferred',
  ],
  [
    'B16 an end without a timestamp is still an end',
    life(['call_connected', 5], ['call_disconnected', null]),
    'Disconnected',
  ],
  ['missed after ringing', life(['call_missed', 25], ['call_initiated', 0]), 'Missed'],
  [
    'connected again after a transfer',
    life(['call_connected', 5], ['call_transferred', 30], ['call_connected', 31]),
    'Connected',
  ],
])('%s', (_, events, status) => {
  expect(callStatus(events)).toBe(status);
});

const events = fc
  .array(
    fc.record({
      event: fc.constantFrom(...EVENT_TYPES, 'call_parked'),
      timestampMs: fc.option(fc.integer({ min: 0, max: 3 }).map((second) => second * 1000)),
    }),
    { maxLength: 8 },
  )
  .chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray([...list.keys()], { minLength: list.length })),
  );

test('B16 property: any order of arrival ends in the same status', () => {
  fc.assert(
    fc.property(events, ([list, order]) => {
      const arrived = (indexes: number[]) =>
        indexes.map((index, arrival) => ({ ...(list[index] as Omit<LifeEvent, 'arrival'>), arrival }));
      expect(callStatus(arrived(order))).toBe(callStatus(arrived([...list.keys()])));
    }),
    { numRuns: 500 },
  );
});

test('B16 property: once ended, no further event but another end changes the status', () => {
  fc.assert(
    fc.property(
      events,
      fc.constantFrom('call_initiated', 'call_connected', 'call_transferred'),
      ([list], late) => {
        const ended = [...list, { event: 'call_disconnected', timestampMs: 3000 }];
        const before = ended.map((event, arrival) => ({ ...event, arrival }));
        const after = [...before, { event: late, timestampMs: 9000, arrival: before.length }];
        expect(callStatus(after)).toBe(callStatus(before));
        expect(['Disconnected', 'Missed']).toContain(callStatus(after));
      },
    ),
  );
});

test('property: compareLife is a total order: antisymmetric, and zero only for equal places', () => {
  fc.assert(
    fc.property(events, ([list]) => {
      const all = list.map((event, arrival) => ({ ...event, arrival }));
      for (const a of all)
        for (const b of all) {
          expect(Math.sign(compareLife(a, b)) + Math.sign(compareLife(b, a))).toBe(0);
          expect(compareLife(a, b) === 0).toBe(a === b);
        }
      const sorted = [...all].sort(compareLife);
      for (let i = 1; i < sorted.length; i++)
        expect(compareLife(sorted[i - 1] as LifeEvent, sorted[i] as LifeEvent)).toBeLessThan(0);
    }),
  );
});
