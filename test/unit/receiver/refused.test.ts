import { hash } from 'node:crypto';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, test } from 'vitest';
import type { StoreError } from '../../../src/core/errors.ts';
import { judge } from '../../../src/receiver/judge.ts';
import type { Lost } from '../../../src/receiver/receiver.ts';
import { refusalCause } from '../../../src/receiver/refusal-cause.ts';
import { openStore } from '../../../src/store/open.ts';
import { type DeliveryOptions, delivery, eventBody, SECRET } from '../../helpers/delivery.ts';
import { collect } from '../../helpers/records.ts';
import { tempFolder } from '../../helpers/spawn-cli.ts';
import { NOW, receiveOne, testReceiver } from '../../helpers/test-receiver.ts';

const SECRETS = [{ name: 'current', value: SECRET }];
const NONE = 'none of the current secrets produces it for these bytes';

describe('the cause of a refused signature', () => {
  function causes() {
    let now = 0;
    const cause = refusalCause(SECRETS, () => now);
    return {
      wait: (ms: number) => {
        now += ms;
      },
      of(options: DeliveryOptions) {
        const { headers, body } = delivery(options);
        const request = { method: 'POST', target: '/', headers, body, receivedAt: NOW };
        return cause(request, judge(request, { secrets: SECRETS, maxAgeMs: null, maxBody: 1024 ** 2 }));
      },
    };
  }

  test('G4 is searched once a second, whatever comes; what needs no search is always told', () => {
    const { of, wait } = causes();
    expect(of({ secret: 'another' })).toBe(NONE);
    expect(of({ secret: `${SECRET}\n` })).toBeNull();
    wait(999);
    expect(of({ secret: `${SECRET}\n` })).toBeNull();
    expect(of({ signature: null })).toBe('there is no X-MO-Signature');
    expect(of({ signature: 'sha1=00' })).toBe('the signature is malformed: unsupported scheme');
    wait(1);
    expect(of({ secret: `${SECRET}\n` })).toBe('it was made with the secret and a trailing newline');
    expect(of({ secret: `${SECRET}\n` })).toBeNull();
  });

  test('G4 is not searched over a very large body, which leaves the search to others', () => {
    const { of } = causes();
    expect(of({ secret: 'another', body: 'x'.repeat(256 * 1024 + 1) })).toBeNull();
    expect(of({ secret: 'another', body: 'x'.repeat(256 * 1024) })).toBe(NONE);
  });
});

test('G4 the cause is found over the whole body, of which the beginning is kept', async () => {
  const body = eventBody({ padding: 'x'.repeat(9000) });
  const signature = delivery({ body: `${body}\n` }).headers[5] as string;
  const receiver = await testReceiver();
  await receiver.send(delivery({ body, signature }));
  await receiver.drain();
  const [entry] = await collect(receiver.store.entries('receipt', {}, { bodies: true }));
  expect(entry?.record).toMatchObject({
    receipt: {
      event: 'call_connected',
      callId: 'MO1',
      bodyBytes: body.length,
      evidence: {
        sha256: hash('sha256', body, 'hex'),
        cause: 'it was made over the body and a trailing newline',
      },
    },
    body: Buffer.from(body.slice(0, 4096)),
  });
});

test('G4 texts out of a forged body are kept to their beginning, whole characters only', async () => {
  const { receipt } = await receiveOne({
    secret: 'another',
    body: eventBody({ event: `${'x'.repeat(255)}📞`, call_id: `${'y'.repeat(254)}📞z` }),
  });
  expect([receipt.event, receipt.callId]).toEqual(['x'.repeat(255), `${'y'.repeat(254)}📞`]);
});

test.each<[string, DeliveryOptions, Parameters<typeof receiveOne>[1]]>([
  ['answered 422', { body: `[${'1,'.repeat(5000)}1]` }, { strict: true }],
  [
    'rehearsed',
    { body: eventBody({ x: 'x'.repeat(5000) }) },
    { rehearsal: { statuses: [503], pause: async () => {} } },
  ],
])('a rightly signed delivery that is %s is kept whole', async (_, options, overrides) => {
  const receiver = await testReceiver(overrides);
  await receiver.send(delivery(options));
  await receiver.drain();
  const [entry] = await collect(receiver.store.entries('receipt', {}, { bodies: true }));
  expect(entry?.record.body).toEqual(Buffer.from(options?.body ?? ''));
  expect(entry?.record.kind === 'receipt' && entry.record.receipt.evidence).toBeUndefined();
});

describe('a request that a browser marks as', () => {
  const marked = (site: string, options: DeliveryOptions = {}) =>
    delivery({ ...options, headers: ['sec-fetch-site', site] });

  test.each([
    ['rightly signed', {}],
    ['forged', { secret: 'another' }],
    ['unsigned', { signature: null }],
  ])('G4 cross-site is answered 403 and not stored, though it is %s', async (_, options) => {
    const receiver = await testReceiver();
    expect((await receiver.send(marked('cross-site', options))).status).toBe(403);
    expect(await receiver.stored()).toEqual([]);
    expect(receiver.answered).toEqual([]);
  });

  test.each(['same-origin', 'same-site', 'none'])('%s is taken like any other', async (site) => {
    const receiver = await testReceiver();
    expect((await receiver.send(marked(site))).status).toBe(200);
    expect(await receiver.stored()).toHaveLength(1);
  });
});

describe('G10 behind a locked store', () => {
  async function locked(limits: { limit?: number; limitBytes?: number; patienceMs?: number }) {
    const path = join(tempFolder(), 'deliveries.db');
    const lost: Lost[] = [];
    const errors: StoreError[] = [];
    const receiver = await testReceiver({
      store: await openStore(path, { limits: { patienceMs: 600_000, ...limits } }),
      onStoreFailure: (error, what) => {
        errors.push(error);
        lost.push(what);
      },
    });
    const holder = new Database(path);
    holder.exec('BEGIN IMMEDIATE');
    const unlock = () => {
      holder.exec('ROLLBACK');
      holder.close();
    };
    return { receiver, lost, errors, unlock };
  }
  const forged = (i: number, length: number) =>
    delivery({ id: `ev_${i}`, secret: 'another', body: `${i}${'x'.repeat(length)}` });

  test.each<[string, { limit?: number; limitBytes?: number }, length: number]>([
    ['in number', { limit: 400 }, 10],
    ['in bytes', { limitBytes: 400 * 6000 }, 100_000],
  ])(
    'a flood of forged bodies takes a part of the queue that is bounded %s, and good deliveries have the rest',
    async (_, limits, length) => {
      const { receiver, lost, errors, unlock } = await locked(limits);
      const count = 2000;
      for (let i = 0; i < count; i++) expect((await receiver.send(forged(i, length))).status).toBe(400);
      const good = Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          receiver.send(delivery({ id: `good_${i}`, body: `{"event":"${i}"}` })),
        ),
      );
      unlock();
      expect((await good).map(({ status }) => status)).toEqual(Array(50).fill(200));
      await receiver.drain();
      // None of those that found no room was answered 503, and all of them are counted.
      expect(new Set(lost)).toEqual(new Set(['evidence']));
      expect(lost.length).toBeGreaterThan(count - 400);
      expect(errors[0]).toMatchObject({ reason: 'full', message: expect.stringContaining('queue is full') });
      const { received } = await receiver.store.tally({});
      expect(received).toMatchObject({ refused: count, receipts: count + 50 });
      expect(await receiver.store.count('receipt', {})).toBe(count - lost.length + 50);
      await receiver.store.close();
    },
  );

  test('good bodies are bounded in bytes, too: 503 then, and what is acknowledged is stored', async () => {
    const { receiver, lost, unlock } = await locked({ limitBytes: 200_000 });
    const sent = Array.from({ length: 40 }, (_, i) =>
      receiver.send(delivery({ id: `ev_${i}`, body: `{"event":"${i}","x":"${'x'.repeat(10_000)}"}` })),
    );
    const refused = await Promise.race(sent);
    expect(refused).toMatchObject({ status: 503, headers: ['Retry-After', '1'] });
    unlock();
    const statuses = (await Promise.all(sent)).map(({ status }) => status);
    const acknowledged = statuses.filter((status) => status === 200).length;
    expect(acknowledged).toBeGreaterThan(10);
    expect(acknowledged).toBeLessThan(20);
    expect(lost).toEqual(Array(40 - acknowledged).fill('delivery'));
    expect(await receiver.stored()).toHaveLength(acknowledged);
    await receiver.store.close();
  });

  test('what could not be stored before the run ended is counted at its end', async () => {
    const { receiver, lost, unlock } = await locked({ patienceMs: 0 });
    await receiver.send(forged(1, 10));
    await receiver.drain();
    expect(lost).toEqual(['evidence']);
    unlock();
    const { location } = receiver.store;
    await receiver.store.close();
    const again = await openStore(location);
    const { refused, receipts } = (await again.tally({})).received;
    expect([refused, receipts, await again.count('receipt', {})]).toEqual([1, 1, 0]);
    await again.close();
  });
});
