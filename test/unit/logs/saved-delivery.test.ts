import { expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { parseSavedDelivery } from '../../../src/logs/saved-delivery.ts';

const body = '{"event":"call_missed","queue":"é"}';
const length = Buffer.byteLength(body);

test.each([
  ['a request', `POST /hook HTTP/1.1\r\nHost: x\r\nX-MO-Signature: sha256=ab\r\n\r\n${body}`],
  ['with LF line ends, in other case', `POST / HTTP/1.1\nx-mo-signature:sha256=ab\n\n${body}`],
  ['without a request line', `X-MO-Signature: sha256=ab\n\n${body}`],
  [
    'with a newline that was never sent',
    `POST / HTTP/1.1\nX-MO-Signature: sha256=ab\nContent-Length: ${length}\n\n${body}\n`,
  ],
  [
    'a line of JSON',
    JSON.stringify({
      headers: [['X-MO-Signature', 'sha256=ab']],
      body_base64: Buffer.from(body).toString('base64'),
    }),
  ],
])('%s', (_, text) => {
  const delivery = parseSavedDelivery(Buffer.from(text), 'file');
  expect({ ...delivery, body: delivery.body.toString() }).toEqual({ signature: 'sha256=ab', body });
});

test('a request without a signature has none', () => {
  expect(parseSavedDelivery(Buffer.from(`Host: x\n\n${body}`), 'file').signature).toBeUndefined();
});

test.each(['', 'nothing of the kind', '{"type":"receipt"}', '{"half":'])('refuses %j', (text) => {
  expect(() => parseSavedDelivery(Buffer.from(text), 'saved.http')).toThrow(UsageError);
  expect(() => parseSavedDelivery(Buffer.from(text), 'saved.http')).toThrow('saved.http');
});
