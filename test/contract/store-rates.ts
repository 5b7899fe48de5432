import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Attempt } from '../../src/core/record.ts';
import type { NewReceipt, RateStep, RecordFilter, Store } from '../../src/core/store.ts';
import { AT, newAttempt, newReceipt } from '../helpers/records.ts';
import type { Bench } from './store.ts';

const NONE = { received: 0, duplicates: 0, refused: 0, sent: 0, failed: 0 };

/** Within 3 s: 5 receipts, of which one is a copy and one forged, and 4 attempts beside a negative test. */
async function fillByHand(store: Store): Promise<void> {
  const receipts = [
    newReceipt({ receivedAt: AT }),
    newReceipt({ receivedAt: AT + 999 }),
    newReceipt({ receivedAt: AT + 2000, eventId: 'ev_2', event: 'call_missed' }),
    newReceipt({ receivedAt: AT + 2001, eventId: 'ev_3', signature: 'mismatch', accepted: false }),
    newReceipt({ receivedAt: AT + 2002, eventId: 'ev_4', signature: 'unchecked' }),
  ];
  for (const receipt of receipts) await store.addReceipt(receipt);
  const attempts: Partial<Attempt>[] = [
    { sentAt: AT + 2000, status: 503, outcome: 'rejected' },
    { sentAt: AT + 1 },
    { sentAt: AT + 1000, endpoint: 'erp', status: null, outcome: 'timeout', run: 'run_2' },
    { sentAt: AT + 1500, event: 'call_missed' },
    { sentAt: AT + 9000, status: 400, outcome: 'rejected', fault: 'bad-signature' },
  ];
  for (const about of attempts) await store.addAttempt(newAttempt(about), null);
}

export function rateCases(bench: Bench): void {
  describe('rates', () => {
    test('of nothing are none', async () => {
      expect(await bench.store.rates({}, 1000)).toEqual([]);
    });

    test('of a hand-made set come to what was counted by hand', async () => {
      await fillByHand(bench.store);
      expect(await bench.store.rates({}, 1000)).toEqual([
        { at: AT, received: 2, duplicates: 1, refused: 0, sent: 1, failed: 0 },
        { at: AT + 1000, received: 0, duplicates: 0, refused: 0, sent: 2, failed: 1 },
        { at: AT + 2000, received: 3, duplicates: 0, refused: 1, sent: 1, failed: 1 },
      ]);
      expect(await bench.store.rates({}, 60_000)).toEqual([
        { at: AT, received: 5, duplicates: 1, refused: 1, sent: 4, failed: 2 },
      ]);
    });

    test.each<[string, RecordFilter, expected: Partial<RateStep>[]]>([
      [
        'a time',
        { since: AT + 1000, until: AT + 2001 },
        [
          { at: AT + 1000, sent: 2, failed: 1 },
          { at: AT + 2000, received: 1, sent: 1, failed: 1 },
        ],
      ],
      ['an endpoint, which no receipt has', { endpoint: 'erp' }, [{ at: AT + 1000, sent: 1, failed: 1 }]],
      ['a run, which no receipt has', { run: 'run_2' }, [{ at: AT + 1000, sent: 1, failed: 1 }]],
      [
        'an event',
        { event: 'call_missed' },
        [
          { at: AT + 1000, sent: 1 },
          { at: AT + 2000, received: 1 },
        ],
      ],
    ])('are filtered by %s', async (_, filter, expected) => {
      await fillByHand(bench.store);
      expect(await bench.store.rates(filter, 1000)).toEqual(expected.map((step) => ({ ...NONE, ...step })));
    });

    test('of any records come to what counting them one by one does, before 1970 too', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyReceipt, { maxLength: 30 }),
          fc.array(anyAttempt, { maxLength: 30 }),
          fc.integer({ min: 1, max: 5000 }),
          async (receipts, attempts, stepMs) => {
            const store = await bench.another();
            const adding = receipts.map((receipt) => store.addReceipt(receipt));
            await Promise.all(attempts.map((attempt) => store.addAttempt(attempt, null)));
            const duplicates = (await Promise.all(adding)).map(({ duplicate }) => duplicate === 'duplicate');
            expect(await store.rates({}, stepMs)).toEqual(
              countOneByOne(receipts, duplicates, attempts, stepMs),
            );
            await store.close();
          },
        ),
        { numRuns: 20 },
      );
    });

    test('of more rows than are counted at once lack none, and others have a turn meanwhile', async () => {
      const { store } = bench;
      const count = 20_100;
      for (let i = 0; i < count; i += 5000) {
        const some = Array.from({ length: Math.min(5000, count - i) }, (_, n) =>
          store.addAttempt(newAttempt({ id: `at_${i + n}`, sentAt: AT + ((i + n) % 2) * 1000 }), null),
        );
        await Promise.all(some);
      }
      let turns = 0;
      const turning = setInterval(() => {
        turns += 1;
      });
      const steps = await store.rates({}, 1000);
      clearInterval(turning);
      expect(steps).toEqual([
        { ...NONE, at: AT, sent: count / 2 },
        { ...NONE, at: AT + 1000, sent: count / 2 },
      ]);
      expect(turns).toBeGreaterThan(0);
    });
  });
}

const moment = fc.oneof(
  fc.integer({ min: AT - 9000, max: AT + 9000 }),
  fc.integer({ min: -9000, max: 9000 }),
);

const anyReceipt: fc.Arbitrary<NewReceipt> = fc
  .record({
    eventId: fc.constantFrom('ev_1', 'ev_2', 'ev_3'),
    signature: fc.constantFrom('valid', 'unchecked', 'missing', 'malformed', 'mismatch' as const),
    receivedAt: moment,
  })
  .map((about) =>
    newReceipt({ ...about, accepted: about.signature === 'valid' || about.signature === 'unchecked' }),
  );

const anyAttempt: fc.Arbitrary<Attempt> = fc
  .record({
    sentAt: moment,
    outcome: fc.constantFrom('delivered', 'rejected', 'timeout' as const),
    fault: fc.constantFrom(null, null, 'killed'),
  })
  .map(newAttempt);

function countOneByOne(
  receipts: NewReceipt[],
  duplicates: boolean[],
  attempts: Attempt[],
  stepMs: number,
): RateStep[] {
  const steps = new Map<number, RateStep>();
  const stepOf = (ms: number) => {
    const at = Math.floor(ms / stepMs) * stepMs;
    const step = steps.get(at) ?? { at, ...NONE };
    steps.set(at, step);
    return step;
  };
  for (const [i, { receivedAt, accepted }] of receipts.entries()) {
    const step = stepOf(receivedAt);
    step.received += 1;
    if (duplicates[i]) step.duplicates += 1;
    if (!accepted) step.refused += 1;
  }
  for (const { sentAt, outcome } of attempts.filter(({ fault }) => fault === null)) {
    const step = stepOf(sentAt);
    step.sent += 1;
    if (outcome !== 'delivered') step.failed += 1;
  }
  return [...steps.values()].sort((a, b) => a.at - b.at);
}
