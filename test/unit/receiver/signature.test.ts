import { expect, test } from 'vitest';
import { signPayload } from '../../../src/core/signature.ts';
import { type DeliveryOptions, delivery, EVENT, SECRET } from '../../helpers/delivery.ts';
import { receiveOne, testReceiver } from '../../helpers/test-receiver.ts';
import { watchCompare } from '../../helpers/watch-compare.ts';

const good = signPayload(EVENT, SECRET);
const hex = good.slice('sha256='.length);
const wrong = `sha256=${'0'.repeat(64)}`;

const refused: [name: string, options: DeliveryOptions, verdict: string][] = [
  ['A1 no header', { signature: null }, 'missing'],
  ['A2 no prefix', { signature: hex }, 'malformed'],
  ['A3 upper-case hex', { signature: `sha256=${hex.toUpperCase()}` }, 'malformed'],
  ['A3 an upper-case scheme', { signature: `SHA256=${hex}` }, 'malformed'],
  ['A4 63 digits', { signature: good.slice(0, -1) }, 'malformed'],
  ['A4 65 digits', { signature: `${good}0` }, 'malformed'],
  ['A4 no digits', { signature: 'sha256=' }, 'malformed'],
  ['A4 an empty header', { signature: '' }, 'malformed'],
  ['A4 a tail that is not hex', { signature: `${good}zz` }, 'malformed'],
  ['A4 a digit that is not hex', { signature: `${good.slice(0, -1)}g` }, 'malformed'],
  ['A4 non-ASCII', { signature: `${good.slice(0, -1)}\u00e9` }, 'malformed'],
  ['A4 commas alone', { signature: ',,,,,,,' }, 'malformed'],
  ['A4 16 KB of digits', { signature: `sha256=${'a'.repeat(16_384)}` }, 'malformed'],
  ['A5 the digest of the re-serialised body', { body: `${EVENT}\n`, signature: good }, 'mismatch'],
  ['A6 the right one behind five others', { signature: `${`${wrong},`.repeat(5)}${good}` }, 'mismatch'],
  ['A7 two, neither right', { signature: `${wrong}, ${wrong.replace('0', '1')}` }, 'mismatch'],
  ['A8 a revoked secret', { secret: 'revoked' }, 'mismatch'],
  ['A10 sha1', { signature: `sha1=${hex.slice(0, 40)}` }, 'malformed'],
  ['A10 sha512', { signature: `sha512=${hex}${hex}` }, 'malformed'],
  ['A10 v0', { signature: `v0=${hex}` }, 'malformed'],
];

test.each(refused)(
  '%s: 400, kept for its reason, and the answer gives nothing away',
  async (_, options, verdict) => {
    const { answer, receipt } = await receiveOne(options);
    expect(answer).toEqual({ status: 400, headers: [], body: 'Invalid signature' });
    expect(receipt).toMatchObject({
      signature: verdict,
      secret: null,
      status: 400,
      duplicate: null,
      eventId: 'ev_1',
    });
  },
);

test('--invalid-status 401 changes the answer', async () => {
  const { answer, receipt } = await receiveOne({ signature: wrong }, { invalidStatus: 401 });
  expect([answer.status, receipt.status]).toEqual([401, 401]);
});

const accepted: [name: string, options: DeliveryOptions][] = [
  ['A6 behind a wrong one', { signature: `${wrong},${good}` }],
  ['A6 behind a wrong one and a space', { signature: `${wrong}, ${good}` }],
  ['A6 before a wrong one', { signature: `${good},${wrong}` }],
  ['A6 the fifth', { signature: `${`${wrong},`.repeat(4)}${good}` }],
  ['A6 a second header', { signature: wrong, headers: ['X-MO-Signature', good] }],
  ['A6 beside one of another scheme', { signature: `sha512=${hex},${good}` }],
];

test.each(accepted)(
  '%s: the right signature is found, and the secret it was made with',
  async (_, options) => {
    const { answer, receipt } = await receiveOne(options);
    expect(answer.status).toBe(200);
    expect(receipt).toMatchObject({ signature: 'valid', secret: 'current' });
  },
);

test('A8 a secret in its rotation window is accepted and flagged, the current one is not flagged', async () => {
  const secrets = [
    { name: 'new', value: SECRET },
    { name: 'old', value: 'the old one' },
  ];
  const old = await receiveOne({ secret: 'the old one' }, { secrets });
  expect(old.answer.status).toBe(200);
  expect(old.receipt).toMatchObject({ signature: 'valid', secret: 'old' });
  expect(old.receipt.flags).toContain('old_secret');
  const current = await receiveOne({}, { secrets });
  expect(current.receipt).toMatchObject({ signature: 'valid', secret: 'new' });
  expect(current.receipt.flags).not.toContain('old_secret');
});

test.each([
  ['first', `${good},${wrong},${wrong}`],
  ['last', `${wrong},${wrong},${good}`],
  ['nowhere', `${wrong},${wrong},${wrong}`],
])('A7 every candidate is compared, in constant time, with the right one %s', async (_, signature) => {
  const compare = watchCompare();
  await receiveOne({ signature });
  expect(compare).toHaveBeenCalledTimes(3);
});

test('A1, A16 what was refused burns no id and no body: the good one after it is new', async () => {
  const receiver = await testReceiver();
  await receiver.send(delivery({ signature: null }));
  await receiver.send(delivery({ signature: wrong }));
  const answer = await receiver.send(delivery());
  expect(answer).toMatchObject({ status: 200, body: 'ok' });
  expect(answer.headers).not.toContain('X-MO-Duplicate');
  expect((await receiver.stored()).map(({ status, duplicate }) => [status, duplicate])).toEqual([
    [400, null],
    [400, null],
    [200, null],
  ]);
});

test('a forged copy of a known event is refused, never called a duplicate', async () => {
  const receiver = await testReceiver();
  await receiver.send(delivery());
  const answer = await receiver.send(delivery({ signature: wrong }));
  expect(answer).toMatchObject({ status: 400, headers: [] });
  expect((await receiver.stored())[1]).toMatchObject({ signature: 'mismatch', duplicate: null });
});

test('--no-verify takes any signature and says that none was checked', async () => {
  const { answer, receipt } = await receiveOne({ signature: wrong }, { secrets: null });
  expect(answer.status).toBe(200);
  expect(receipt).toMatchObject({ signature: 'unchecked', secret: null, event: 'call_connected' });
});

test('neither the secret nor the expected signature is in a receipt or an answer', async () => {
  for (const options of [{}, { signature: wrong }, { body: `${EVENT} `, signature: good.toUpperCase() }]) {
    const outcome = JSON.stringify(await receiveOne(options));
    expect(outcome).not.toContain(SECRET);
    expect(outcome).not.toContain(hex);
  }
});
