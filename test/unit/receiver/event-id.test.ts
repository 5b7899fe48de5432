import { expect, test } from 'vitest';
import { delivery } from '../../helpers/delivery.ts';
import { receiveOne, testReceiver } from '../../helpers/test-receiver.ts';

test.each([
  ['absent', null],
  ['empty', ''],
])('A11 an event id that is %s: accepted where signed, flagged', async (_, id) => {
  const { answer, receipt } = await receiveOne({ id });
  expect(answer.status).toBe(200);
  expect(receipt).toMatchObject({ eventId: null, event: 'call_connected' });
  expect(receipt.flags).toContain('no_event_id');
});

test.each([
  ['257 characters', 'e'.repeat(257)],
  ['10 KB', 'e'.repeat(10_240)],
  ['a control character', 'ev_\u0001'],
  ['an escape sequence', '\u001b[2Jev'],
  ['a tab', 'ev\t1'],
  ['latin1', 'ev_\u00e9'],
  ['a space around it', ' ev_1'],
  ['a space alone', ' '],
])('A12 %s is no event id: 400, flagged, and the bad id itself is not kept', async (_, id) => {
  const { answer, receipt } = await receiveOne({ id });
  expect(answer).toMatchObject({ status: 400, body: 'Invalid X-MO-Event-Id' });
  expect(receipt).toMatchObject({ eventId: null, status: 400 });
  expect(receipt.flags).toContain('bad_event_id');
});

const OPAQUE = [
  '../../x',
  '__proto__',
  'constructor',
  'toString',
  "'); DROP TABLE receipts;--",
  '%00%s%n',
  'e'.repeat(256),
  'e1, e2',
  '0',
];

test.each(OPAQUE)('A12 %s is an opaque text: new the first time, a duplicate the second', async (id) => {
  const receiver = await testReceiver();
  expect((await receiver.send(delivery({ id }))).headers).not.toContain('X-MO-Duplicate');
  const again = await receiver.send(delivery({ id }));
  expect(again).toMatchObject({ status: 200, body: 'ok' });
  expect(again.headers.join(': ')).toContain('X-MO-Duplicate: true');
  expect((await receiver.stored()).map(({ eventId, duplicate }) => [eventId, duplicate])).toEqual([
    [id, null],
    [id, 'duplicate'],
  ]);
});

test('A12 the header twice is one id, as Node joins it', async () => {
  const { answer, receipt } = await receiveOne({ id: 'e1', headers: ['x-mo-event-id', 'e2'] });
  expect(answer.status).toBe(200);
  expect(receipt.eventId).toBe('e1, e2');
});

test('A12 a bad id beside a bad signature is told nothing but the signature', async () => {
  const { answer } = await receiveOne({ id: '\u0001', signature: null });
  expect(answer.body).toBe('Invalid signature');
});

test.each(['-1', '0', 'abc', '1e9', '2,3', '1.5', ' 1', '01', '1001', '99999999999999999999', ''])(
  'A17 attempt %j is ignored and flagged',
  async (attempt) => {
    const { answer, receipt } = await receiveOne({ headers: ['X-MO-Delivery-Attempt', attempt] });
    expect(answer.status).toBe(200);
    expect(receipt.attempt).toBeNull();
    expect(receipt.flags).toContain('bad_attempt');
  },
);

test.each([
  ['1', 1],
  ['4', 4],
  ['1000', 1000],
])('A17 attempt %s is kept, unflagged', async (text, attempt) => {
  const { receipt } = await receiveOne({ headers: ['X-MO-Delivery-Attempt', text] });
  expect(receipt.attempt).toBe(attempt);
  expect(receipt.flags).toEqual([]);
});

test('A17 no attempt is nothing odd: a receiver must not need it', async () => {
  const { receipt } = await receiveOne({});
  expect(receipt).toMatchObject({ attempt: null, flags: [] });
});
