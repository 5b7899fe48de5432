import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CallEvent } from '../../../src/core/event.ts';
import { parsePayload } from '../../../src/core/payload.ts';
import { verifySignature } from '../../../src/core/signature.ts';
import { eventCount, type PlanOptions, planDeliveries } from '../../../src/sender/plan.ts';
import { SCENARIOS } from '../../../src/sender/scenario.ts';

const START = Date.parse('2025-07-21T12:45:00Z');
const DAY_MS = 86_400_000;

/** Ids that count, and a fixed sequence for chance. */
function options(changes: Partial<PlanOptions> = {}): PlanOptions {
  let ids = 0;
  let seed = 1;
  return {
    events: ['call_connected'],
    scenario: null,
    count: 1,
    rate: null,
    speed: 1,
    duplicate: 0,
    shuffle: false,
    fault: null,
    bodyFormat: 'compact',
    secret: 's',
    eventId: null,
    callId: null,
    data: null,
    changes: (event) => event,
    newId: (prefix) => `${prefix}_${++ids}`,
    random: () => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    },
    ...changes,
  };
}

/** The plan as it would be sent: each delivery made when it is due, `START` where it is due at once. */
function sent(changes: Partial<PlanOptions>) {
  return [...planDeliveries(options(changes))].map(({ afterMs, make }) => {
    const delivery = make(START + (afterMs ?? 0));
    const event = JSON.parse(Buffer.from(delivery.body).toString()) as CallEvent;
    return { afterMs, delivery, event, happenedMs: Date.parse(event.timestamp) - START };
  });
}

describe('single events', () => {
  test('one is due at once, signed, without flags, and happens when it is due', () => {
    const [only, ...more] = sent({});
    expect(more).toEqual([]);
    expect(only).toMatchObject({
      afterMs: null,
      happenedMs: 0,
      delivery: { eventId: 'ev_1', replayOf: null },
    });
    expect(parsePayload(only?.delivery.body as Uint8Array)).toMatchObject({ problem: null, flags: [] });
  });

  test('several types take turns, each event with its own id and call', () => {
    const plan = sent({ events: ['call_initiated', 'call_missed'], count: 5 });
    expect(plan.map(({ event }) => event.event)).toEqual([
      'call_initiated',
      'call_missed',
      'call_initiated',
      'call_missed',
      'call_initiated',
    ]);
    expect(new Set(plan.map(({ delivery }) => delivery.eventId)).size).toBe(5);
    expect(new Set(plan.map(({ event }) => event.call_id)).size).toBe(5);
  });

  test('at a rate they are due at fixed times, however many there are', () => {
    expect(sent({ count: 4, rate: 200 }).map(({ afterMs }) => afterMs)).toEqual([0, 5, 10, 15]);
    expect(sent({ count: 3, rate: 0.5 }).map(({ happenedMs }) => happenedMs)).toEqual([0, 2000, 4000]);
  });

  test('ids that are given are used', () => {
    const plan = sent({ count: 2, eventId: 'ev_mine', callId: 'MO_mine' });
    expect(plan.map(({ delivery, event }) => [delivery.eventId, delivery.callId, event.call_id])).toEqual([
      ['ev_mine', 'MO_mine', 'MO_mine'],
      ['ev_mine', 'MO_mine', 'MO_mine'],
    ]);
  });

  test('changes are made before signing', () => {
    const [only] = sent({ changes: (event) => ({ ...event, call_id: 'MO9' }) });
    expect(only?.delivery).toMatchObject({ callId: 'MO9' });
    expect(only?.event.call_id).toBe('MO9');
    expect(
      verifySignature(only?.delivery.body as Uint8Array, only?.delivery.signature, [
        { name: 's', value: 's' },
      ]),
    ).toMatchObject({ result: 'valid' });
  });

  test('exact bytes are sent as they are', () => {
    const body = Buffer.from(' {"call_id": 1.0}\r\n');
    const [first, second] = sent({ count: 2, data: { body, event: null, callId: null } });
    expect(first?.delivery.body).toBe(body);
    expect([first, second].map((each) => each?.delivery.eventId)).toEqual(['ev_1', 'ev_2']);
  });

  test('a stale event happened a day before it is sent', () => {
    expect(sent({ fault: 'stale' })[0]?.happenedMs).toBe(-DAY_MS);
  });

  test('a plan of a billion is begun at once', () => {
    const [first] = planDeliveries(options({ count: 1e9 }));
    expect(first?.make(START).eventId).toBe('ev_1');
  });
});

describe('scenarios', () => {
  test('a call’s events share its id and are due with its gaps', () => {
    const plan = sent({ scenario: 'answered' });
    expect(plan.map(({ afterMs, event }) => [afterMs, event.event])).toEqual([
      [0, 'call_initiated'],
      [6000, 'call_connected'],
      [48_000, 'call_disconnected'],
    ]);
    expect(new Set(plan.map(({ event }) => event.call_id)).size).toBe(1);
    expect(new Set(plan.map(({ delivery }) => delivery.eventId)).size).toBe(3);
    expect(plan.map(({ happenedMs }) => happenedMs)).toEqual([0, 6000, 48_000]);
  });

  test('speed divides the gaps; at full speed there are none', () => {
    expect(sent({ scenario: 'answered', speed: 10 }).map(({ afterMs }) => afterMs)).toEqual([0, 600, 4800]);
    expect(sent({ scenario: 'answered', speed: Infinity }).map(({ afterMs }) => afterMs)).toEqual([
      null,
      null,
      null,
    ]);
  });

  test('at full speed a rate still says when calls begin', () => {
    expect(
      sent({ scenario: 'missed', count: 3, rate: 10, speed: Infinity }).map(({ afterMs }) => afterMs),
    ).toEqual([0, 0, 100, 100, 200, 200]);
  });

  test('at full speed one call follows the other, so a run without an end can begin', () => {
    const plan = planDeliveries(
      options({ scenario: 'missed', count: Number.MAX_SAFE_INTEGER, speed: Infinity }),
    );
    const calls: (string | null)[] = [];
    for (const { make } of plan) if (calls.push(make(START).callId) === 6) break;
    expect(calls[0]).toBe(calls[1]);
    expect(new Set(calls).size).toBe(3);
  });

  test('without a rate all calls begin together; a plan of 20,000 is made in order', () => {
    const plan = [...planDeliveries(options({ scenario: 'campaign', count: 20_000 }))];
    expect(plan).toHaveLength(eventCount({ scenario: 'campaign', count: 20_000 }));
    const times = plan.map(({ afterMs }) => afterMs as number);
    expect(times.every((time, i) => i === 0 || time >= (times[i - 1] as number))).toBe(true);
  });

  test('metadata is merged into the sample, not replaced', () => {
    const ended = sent({ scenario: 'transferred' }).at(-1)?.event;
    expect(ended?.metadata).toMatchObject({ queue: 'Support', agent_id: 'ag_72' });
  });

  test('property: calls overlap in order of time, and none is lost', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SCENARIOS),
        fc.integer({ min: 1, max: 20 }),
        fc.double({ min: 0.01, max: 50, noNaN: true }),
        fc.constantFrom(1, 3, 10),
        (scenario, count, rate, speed) => {
          const plan = [...planDeliveries(options({ scenario, count, rate, speed }))];
          expect(plan).toHaveLength(eventCount({ scenario, count }));
          const times = plan.map(({ afterMs }) => afterMs as number);
          expect(times).toEqual([...times].sort((a, b) => a - b));
        },
      ),
    );
  });
});

describe('duplicates', () => {
  test('each delivery is sent again with the same id, bytes and signature', () => {
    const plan = sent({ count: 2, duplicate: 2, rate: 10 });
    expect(plan.map(({ afterMs }) => afterMs)).toEqual([0, 0, 0, 100, 100, 100]);
    expect(plan.map(({ delivery }) => delivery.eventId)).toEqual([
      'ev_1',
      'ev_1',
      'ev_1',
      'ev_2',
      'ev_2',
      'ev_2',
    ]);
    expect(plan[1]?.delivery).toBe(plan[0]?.delivery);
  });
});

describe('shuffled', () => {
  test('the same events at the same times, in another order, each with the timestamp of its own place', () => {
    const straight = sent({ scenario: 'transferred', count: 3, rate: 1 });
    const shuffled = sent({ scenario: 'transferred', count: 3, rate: 1, shuffle: true });
    expect(shuffled.map(({ afterMs }) => afterMs)).toEqual(straight.map(({ afterMs }) => afterMs));
    const facts = (plan: typeof straight) =>
      plan.map(({ event, happenedMs }) => `${happenedMs} ${event.event}`);
    expect(facts(shuffled)).not.toEqual(facts(straight));
    expect(facts(shuffled).sort()).toEqual(facts(straight).sort());
  });

  test('without times the order of the timestamps is still that of the plan', () => {
    const plan = sent({ scenario: 'answered', speed: Infinity, shuffle: true });
    const types = (list: typeof plan) => list.map(({ event }) => event.event);
    const inOrder = ['call_initiated', 'call_connected', 'call_disconnected'];
    // `make` is given the same time for all three here, so a place's timestamp differs by its distance alone.
    const byPlace = plan.map((each, place) => ({ ...each, happenedMs: each.happenedMs + place }));
    expect(types(plan)).not.toEqual(inOrder);
    expect(types(byPlace.sort((a, b) => a.happenedMs - b.happenedMs))).toEqual(inOrder);
  });

  test('a duplicate that comes before its original is the same delivery', () => {
    const plan = sent({ count: 20, duplicate: 1, shuffle: true });
    const ids = plan.map(({ delivery }) => delivery.eventId);
    expect(new Set(ids).size).toBe(20);
    for (const { delivery } of plan)
      expect(plan.filter((other) => other.delivery === delivery)).toHaveLength(2);
  });

  test('a long plan is shuffled by windows, so that it begins at once', () => {
    const shuffled = planDeliveries(options({ count: 1e9, shuffle: true }));
    const afters: number[] = [];
    for (const { make } of shuffled) {
      afters.push(Date.parse((JSON.parse(Buffer.from(make(START).body).toString()) as CallEvent).timestamp));
      if (afters.length === 1000) break;
    }
    expect(afters).not.toEqual([...afters].sort((a, b) => a - b));
  });
});

test.each([
  [{ scenario: null, count: 7 }, 7],
  [{ scenario: 'answered', count: 7 }, 21],
  [{ scenario: 'campaign', count: 3 }, 8],
  [{ scenario: 'campaign', count: 4 }, 11],
] as const)('eventCount(%j) is %d', (plan, count) => {
  expect(eventCount(plan)).toBe(count);
});
