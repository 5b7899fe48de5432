import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import { delivery, eventBody } from '../../helpers/delivery.ts';
import { tempFolder } from '../../helpers/spawn-cli.ts';
import { testReceiver } from '../../helpers/test-receiver.ts';

const MIB = 1024 ** 2;
/** A sixteenth of what is usual, so that a sixteenth of the deliveries shows it. */
const BOUNDS = { rows: 600, bytes: MIB };

test.each<[string, count: number, headers: string[], body: (i: number) => string]>([
  ['large bodies', 100, [], (i) => `${i}${'x'.repeat(MIB - 10)}`],
  ['small ones', 6000, [], (i) => eventBody({ call_id: `MO${i}` })],
  ['large headers', 500, ['X-Large', 'h'.repeat(15_000)], (i) => eventBody({ call_id: `MO${i}` })],
  ['half a page each', 2000, [], (i) => `${i}${'x'.repeat(2000)}`],
  [
    'a type as long as the body',
    100,
    [],
    (i) => eventBody({ event: 'x'.repeat(MIB / 2), call_id: `MO${i}` }),
  ],
  ['a call as long as the body', 100, [], (i) => eventBody({ call_id: `${i}${'x'.repeat(MIB / 2)}` })],
])(
  'G4 forged deliveries with %s take the room that refused ones have, and no more; good ones go on',
  async (_, count, headers, body) => {
    const path = join(tempFolder(), 'deliveries.db');
    const store = await openStore(path, { refused: BOUNDS });
    const receiver = await testReceiver({ store });
    let good = 0;
    for (let i = 0; i < count; i += 20) {
      const sent = Array.from({ length: 20 }, (_, n) =>
        receiver.send(delivery({ id: `ev_${i + n}`, secret: 'forged', body: body(i + n), headers })),
      );
      const statuses = (await Promise.all(sent)).map(({ status }) => status);
      expect(new Set(statuses)).toEqual(new Set([400]));
      if (i % 100 === 0) {
        const answer = await receiver.send(
          delivery({ id: `good_${i}`, body: eventBody({ call_id: `G${i}` }) }),
        );
        good += 1;
        expect(answer.status).toBe(200);
      }
    }
    await receiver.drain();
    const { received } = await store.tally({});
    expect([received.refused, received.events]).toEqual([count, good]);
    await store.close();
    // An empty store's tables, and the good ones.
    expect(statSync(path).size).toBeLessThan(BOUNDS.bytes + 0.25 * MIB);
  },
);
