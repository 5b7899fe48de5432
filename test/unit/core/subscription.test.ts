import { expect, test } from 'vitest';
import { sampleEvent } from '../../../src/core/event.ts';
import { parseNumber, unwantedBecause } from '../../../src/core/subscription.ts';

test.each([
  ['+91 98765 43210', '+919876543210'],
  ['98765-43210', '9876543210'],
  ['+91 (0) 98765.43210', '+9109876543210'],
  ['101', '101'],
])('%s is the number %s', (text, number) => {
  expect(parseNumber(text, '--number')).toBe(number);
});

test.each(['foo', '', '+', '98765x43210', '91+9876543210', '1234567890123456'])('%j is no number', (text) => {
  expect(() => parseNumber(text, '--number')).toThrow(
    `--number: '${text}' is not a phone number. Write up to 15 digits, with + and the country code or without`,
  );
});

test.each([
  ['9876543210', '+919876543210', true],
  ['98765-43210', '+919876543210', true],
  ['9876543210', '919876543210', true],
  ['9876543210', '9876543210', true],
  ['9876543210', '+919876543211', false],
  ['543210', '+919876543210', false],
  ['101', '101', true],
  ['101', '+91987650101', false],
  ['+919876543210', '+919876543210', true],
  ['+91 98765 43210', '+919876543210', true],
  ['+919876543210', '919876543210', false],
  ['+9876543210', '+919876543210', false],
  ['9876543210', 'anonymous9876543210', false],
])('an endpoint for %s and a call from or to %s: %s', (wanted, number, given) => {
  const sample = sampleEvent('call_connected', 'MO1', 0);
  for (const called of [
    { caller_number: number, receiver_number: '+10000000000' },
    { caller_number: '+10000000000', receiver_number: number },
  ])
    expect(unwantedBecause({ ...sample, ...called }, { numbers: [wanted] })).toBe(
      given ? null : 'its numbers do not match',
    );
});
