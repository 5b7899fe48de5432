import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Histogram } from '../../src/core/histogram.ts';
import type { Attempt } from '../../src/core/record.ts';
import type { NewReceipt, RecordFilter, Store, StoredReceipt } from '../../src/core/store.ts';
import type { ReceiptTally, Tally } from '../../src/core/tally.ts';
import { AT, newAttempt, newReceipt } from '../helpers/records.ts';
import type { Bench } from './store.ts';

/** A tally as plain data: a histogram is what it answers. */
function plain({ endpoints, received, from, to }: Tally) {
  const spread = (latency: Histogram) =>
    [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1].map((share) => latency.quantile(share)).concat(latency.count);
  return {
    endpoints: endpoints.map((one) => ({ ...one, latency: spread(one.latency) })),
    received: { ...received, latency: spread(received.latency), widget: spread(received.widget) },
    from,
    to,
  };
}

export function tallyCases(bench: Bench): void {
  describe('tally', () => {
    test('E15 of nothing is zero and null, never NaN', async () => {
      expect(plain(await bench.store.tally({}))).toEqual({
        endpoints: [],
        received: {
          ...NONE,
          latency: [...Array(8).fill(null), 0],
          widget: [...Array(8).fill(null), 0],
        },
        from: null,
        to: null,
      });
    });

    test('E15 of a hand-made set comes to the figures worked out by hand', async () => {
      await fillByHand(bench.store);
      const { endpoints, received, from, to } = await bench.store.tally({});
      expect(
        endpoints.map(({ latency, ...rest }) => ({
          ...rest,
          median: latency.quantile(0.5),
          n: latency.count,
        })),
      ).toEqual([
        {
          name: 'crm',
          url: 'https://crm/',
          attempts: 5,
          successes: 2,
          events: 3,
          delivered: 2,
          skewed: 0,
          statuses: { 200: 1, 204: 1, 503: 2 },
          outcomes: { delivered: 2, rejected: 2, timeout: 1 },
          eventsByType: { call_connected: 1, ['__proto__']: 1, unknown: 1 },
          // ev_1: the second attempt, sent 1,000 ms after it was due, took 200; ev_2: 50.
          median: 50,
          n: 2,
        },
        {
          name: 'erp',
          url: 'https://erp/',
          attempts: 1,
          successes: 0,
          events: 1,
          delivered: 0,
          skewed: 0,
          statuses: {},
          outcomes: { refused: 1 },
          eventsByType: { call_connected: 1 },
          median: null,
          n: 0,
        },
      ]);
      const { latency, widget, ...counts } = received;
      // 300 ms after its timestamp it came, 200 ms later it was on the page.
      expect(widget.buckets()).toEqual([[500, 1]]);
      expect({ ...counts, median: latency.quantile(0.5), n: latency.count }).toEqual({
        receipts: 9,
        events: 3,
        duplicates: 1,
        dropped: 1,
        conflicts: 1,
        suspectedReplays: 1,
        refused: 1,
        skewed: 1,
        eventsByType: { call_connected: 1, constructor: 1, unknown: 1 },
        median: 300,
        n: 1,
      });
      expect([from, to]).toEqual([AT, AT + 60_000]);
    });

    test.each<[string, RecordFilter, expected: object]>([
      [
        'an endpoint',
        { endpoint: 'erp' },
        { endpoints: [{ name: 'erp' }], received: { receipts: 0 }, from: AT + 9000, to: AT + 9000 },
      ],
      ['a run', { run: 'run_none' }, { endpoints: [], received: { receipts: 0 }, from: null, to: null }],
      [
        'an event',
        { event: 'constructor' },
        { endpoints: [], received: { receipts: 1, events: 1 }, from: AT + 20_000, to: AT + 20_000 },
      ],
      [
        'a time',
        { since: AT + 9000, until: AT + 10_000 },
        { endpoints: [{ name: 'erp', attempts: 1 }], received: { receipts: 0 } },
      ],
    ])('is filtered by %s', async (_, filter, expected) => {
      await fillByHand(bench.store);
      expect(await bench.store.tally(filter)).toMatchObject(expected);
    });

    test('E15 of any records comes to what counting them one by one does', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyAttempt, { maxLength: 40 }),
          fc.array(anyReceipt, { maxLength: 40 }),
          async (attempts, receipts) => {
            const store = await bench.another();
            await Promise.all(attempts.map((attempt) => store.addAttempt(attempt, null)));
            const stored = await Promise.all(receipts.map(({ receipt }) => store.addReceipt(receipt)));
            const shown = receipts.flatMap(({ shownAt }, i) =>
              shownAt === null ? [] : [{ seq: (stored[i] as StoredReceipt).seq, at: shownAt }],
            );
            await store.noteShown(shown);
            expect(plain(await store.tally({}))).toEqual(plain(countOneByOne(attempts, receipts, stored)));
            await store.close();
          },
        ),
        { numRuns: 40 },
      );
    });
  });
}

const NONE = {
  receipts: 0,
  events: 0,
  duplicates: 0,
  dropped: 0,
  conflicts: 0,
  suspectedReplays: 0,
  refused: 0,
  skewed: 0,
  eventsByType: {},
};

async function fillByHand(store: Store): Promise<void> {
  const crm = { endpoint: 'crm', url: 'https://crm/' };
  const attempts: Partial<Attempt>[] = [
    { ...crm, eventId: 'ev_1', status: 503, outcome: 'rejected', durationMs: 10, sentAt: AT, final: false },
    { ...crm, eventId: 'ev_1', status: 200, durationMs: 200, sentAt: AT + 1000, attempt: 2 },
    { ...crm, eventId: 'ev_2', status: 204, durationMs: 50, event: '__proto__' },
    { ...crm, eventId: 'ev_3', status: 503, outcome: 'rejected', event: null, final: false },
    { ...crm, eventId: 'ev_3', status: null, outcome: 'timeout', event: null, attempt: 2 },
    {
      ...crm,
      eventId: 'ev_4',
      status: 400,
      outcome: 'rejected',
      fault: 'bad-signature',
      sentAt: AT + 99_000,
    },
    { endpoint: 'erp', url: 'https://erp/', status: null, outcome: 'refused', sentAt: AT + 9000 },
  ];
  for (const about of attempts) await store.addAttempt(newAttempt(about), null);
  const failed = { status: 500, durationMs: 1, error: null };
  const first = await store.addReceipt(newReceipt({ latencyMs: 300, forwarding: true }));
  await store.settleForward({ seqs: [first.seq], forward: failed, status: 500, owed: true });
  const retry = await store.addReceipt(newReceipt({ latencyMs: 900, forwarding: true }));
  await store.settleForward({ seqs: [first.seq, retry.seq], forward: failed, status: 200, owed: false });
  const receipts = [
    newReceipt({ latencyMs: 1 }),
    newReceipt({ latencyMs: 2, body: 'other' }),
    newReceipt({ latencyMs: 3, eventId: 'ev_2', body: 'other' }),
    newReceipt({ eventId: 'ev_3', latencyMs: -5, event: 'constructor', receivedAt: AT + 20_000 }),
    newReceipt({ eventId: 'ev_4', latencyMs: null, event: null, receivedAt: AT + 60_000 }),
    newReceipt({ eventId: 'ev_5', latencyMs: 4, signature: 'mismatch', accepted: false }),
    newReceipt({ eventId: 'ev_6', latencyMs: 5, status: 503, flags: ['rehearsed'], accepted: false }),
  ];
  const seqs = [first.seq, retry.seq];
  for (const receipt of receipts) seqs.push((await store.addReceipt(receipt)).seq);
  const shown = seqs.map((seq) => ({ seq, at: AT + 200 }));
  await store.noteShown(shown);
}

const anyAttempt: fc.Arbitrary<Attempt> = fc
  .record({
    endpoint: fc.constantFrom('crm', 'erp'),
    url: fc.constantFrom('https://a/', 'https://b/'),
    event: fc.integer({ min: 0, max: 6 }),
    outcome: fc.constantFrom('delivered', 'rejected', 'timeout' as const),
    status: fc.constantFrom(200, 500, null),
    fault: fc.constantFrom(null, null, 'tampered-body'),
    wait: fc.integer({ min: 0, max: 30_000 }),
    tenths: fc.integer({ min: 0, max: 100_000 }),
    ahead: fc.constantFrom(0, 0, 0, 500_000),
    replayOf: fc.constantFrom(null, null, 'at_0'),
  })
  .map(({ event, wait, tenths, ahead, ...rest }) =>
    newAttempt({
      ...rest,
      eventId: `ev_${event}`,
      event: [null, 'constructor', 'call_missed'][event % 3] ?? null,
      dueAt: AT + ahead,
      sentAt: AT + wait,
      durationMs: tenths / 10,
    }),
  );

/** A receipt, and when it was on the page. */
interface Seen {
  receipt: NewReceipt;
  shownAt: number | null;
}

const anyReceipt: fc.Arbitrary<Seen> = fc
  .record({
    eventId: fc.constantFrom(null, 'ev_1', 'ev_2', 'ev_3'),
    body: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
    event: fc.constantFrom(null, 'call_missed', '__proto__', 'a\0b'),
    latencyMs: fc.option(fc.integer({ min: -1000, max: 100_000 }), { nil: null }),
    signature: fc.constantFrom('valid', 'valid', 'unchecked', 'mismatch' as const),
    receivedAt: fc.integer({ min: AT - 1000, max: AT + 1000 }),
    after: fc.option(fc.integer({ min: 0, max: 10_000 }), { nil: null }),
  })
  .map(({ after, ...about }) => ({
    receipt: newReceipt({ ...about, accepted: about.signature !== 'mismatch' }),
    shownAt: after === null ? null : about.receivedAt + after,
  }));

/** Contract §4 over the records themselves. */
function countOneByOne(attempts: Attempt[], receipts: Seen[], stored: StoredReceipt[]): Tally {
  const sent = attempts.filter(({ fault }) => fault === null);
  const times = [...sent.map(({ sentAt }) => sentAt), ...receipts.map(({ receipt }) => receipt.receivedAt)];
  const places = [...new Set(sent.map(({ endpoint, url }) => `${endpoint} ${url}`))].sort();
  const received: ReceiptTally = {
    ...NONE,
    latency: new Histogram(),
    widget: new Histogram(),
    eventsByType: {},
  };
  const types: string[] = [];
  for (const [i, { receipt, shownAt }] of receipts.entries()) {
    const { signature, latencyMs, accepted, event, receivedAt } = receipt;
    const duplicate = (stored[i] as StoredReceipt).duplicate;
    received.receipts += 1;
    if (signature === 'mismatch') received.refused += 1;
    if (duplicate === 'duplicate') received.duplicates += 1;
    if (duplicate === 'conflict') received.conflicts += 1;
    if (duplicate === 'suspected_replay') received.suspectedReplays += 1;
    if (!accepted || duplicate !== null) continue;
    received.events += 1;
    types.push(event ?? 'unknown');
    if (signature !== 'valid' || latencyMs === null) continue;
    if (latencyMs < 0) received.skewed += 1;
    else {
      received.latency.record(latencyMs);
      if (shownAt !== null) received.widget.record(shownAt - receivedAt + latencyMs);
    }
  }
  received.dropped = received.duplicates;
  received.eventsByType = countOf(types);
  return {
    endpoints: places.map((place) => {
      const [name, url] = place.split(' ') as [string, string];
      const here = sent.filter((one) => one.endpoint === name && one.url === url);
      const events = [...new Set(here.map(({ eventId }) => eventId))].map((id) =>
        here.filter((one) => one.eventId === id),
      );
      const latency = new Histogram();
      let delivered = 0;
      let skewed = 0;
      for (const tries of events) {
        const done = tries.filter(({ outcome }) => outcome === 'delivered');
        if (done.length > 0) delivered += 1;
        const waits = done
          .filter(({ replayOf }) => replayOf === null)
          .map(({ sentAt, dueAt, durationMs }) => sentAt - dueAt + durationMs);
        skewed += waits.filter((ms) => ms < 0).length;
        const timed = waits.filter((ms) => ms >= 0);
        if (timed.length > 0) latency.record(Math.round(Math.min(...timed) * 10) / 10);
      }
      return {
        name,
        url,
        attempts: here.length,
        successes: here.filter(({ outcome }) => outcome === 'delivered').length,
        events: events.length,
        delivered,
        skewed,
        latency,
        statuses: countOf(here.flatMap(({ status }) => (status === null ? [] : [String(status)]))),
        outcomes: countOf(here.map(({ outcome }) => outcome)),
        eventsByType: countOf(events.map(([one]) => one?.event ?? 'unknown')),
      };
    }),
    received,
    from: times.length === 0 ? null : Math.min(...times),
    to: times.length === 0 ? null : Math.max(...times),
  };
}

function countOf(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    [...new Set(names)].map((name) => [name, names.filter((one) => one === name).length]),
  );
}
