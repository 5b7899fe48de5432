import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { nth } from '../helpers/relay.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { testReceiver } from '../helpers/test-receiver.ts';
import { hastyClock, innerRelay, innerTunnel } from '../helpers/tunnel-ends.ts';

const COUNT = 40;
const CUTS = 12;
const numbers = Array.from({ length: COUNT }, (_, n) => n);
const idOf = (n: number) => `ev_${n}`;

/** The first receipt of each event, in the order they came. */
function firsts(receipts: { eventId: string | null; duplicate: string | null }[]): (string | null)[] {
  return receipts.filter(({ duplicate }) => duplicate === null).map(({ eventId }) => eventId);
}

/** After so many bytes the link is cut or reset, again and again; resolves once that was done `CUTS` times. */
async function troubled(gaps: number[], ack: 'app' | 'relay') {
  const relay = await innerRelay(ack);
  const proxy = await startTcpProxy();
  proxy.to(relay.port);
  const receiver = await testReceiver();
  const { states } = await innerTunnel(proxy.port, receiver.receive, { clock: hastyClock(200) });
  let cuts = 0;
  const cutNext = () =>
    proxy.after(gaps[cuts % gaps.length] as number, () => {
      if (cuts % 2 === 0) proxy.cut();
      else proxy.reset();
      cuts += 1;
      if (cuts < CUTS) cutNext();
    });
  cutNext();
  return { relay, receiver, states, cuts: () => cuts };
}

const gaps = fc.array(fc.integer({ min: 200, max: 2500 }), { minLength: 3, maxLength: 8 });

test('F11 a link that is cut at any points: what was kept arrives at least once, in order, duplicates marked', async () => {
  await fc.assert(
    fc.asyncProperty(gaps, async (bytes) => {
      const { relay, receiver, states, cuts } = await troubled(bytes, 'relay');
      for (const n of numbers) expect((await relay.publish(nth(n))).status).toBe(200);
      const [live] = relay.channels();
      await eventually(() => expect(live?.backlog.count).toBe(0));
      const receipts = await receiver.stored();
      expect(firsts(receipts)).toEqual(numbers.map(idOf));
      const again = receipts.filter(({ duplicate }) => duplicate !== null);
      expect(again.map(({ duplicate }) => duplicate)).toEqual(again.map(() => 'duplicate'));
      expect(receipts).toHaveLength(COUNT + again.length);
      expect(cuts()).toBeGreaterThan(2);
      expect(states.filter(({ state }) => state === 'lost').length).toBeGreaterThan(1);
    }),
    { numRuns: 4 },
  );
});

test('F11 the same in pass-through: each is answered 200 or 503, and every 200 has arrived', async () => {
  await fc.assert(
    fc.asyncProperty(gaps, async (bytes) => {
      const { relay, receiver, cuts } = await troubled(bytes, 'app');
      for (const n of numbers)
        await eventually(async () => {
          const { status, headers } = await relay.publish(nth(n));
          if (status !== 200) expect([status, headers['retry-after']]).toEqual([503, expect.any(String)]);
          expect(status).toBe(200);
        });
      expect(firsts(await receiver.stored())).toEqual(numbers.map(idOf));
      expect(cuts()).toBeGreaterThan(2);
    }),
    { numRuns: 3 },
  );
});
