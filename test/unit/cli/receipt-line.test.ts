import { expect, test } from 'vitest';
import { receiptLine } from '../../../src/cli/receipt-line.ts';
import { PLAIN } from '../../../src/cli/style.ts';
import { refusedReceipt } from '../../helpers/records.ts';

test.each([
  ['it was made over \u001b[2J', 'signature mismatch: it was made over \\x1b[2J  answered 400'],
  [null, 'signature mismatch: cause not searched  answered 400'],
])('a refused delivery whose cause is %j', (cause, says) => {
  const receipt = {
    ...refusedReceipt({ latencyMs: null }, cause),
    duplicate: null,
    forward: null,
    shownAt: null,
  };
  expect(receiptLine(receipt, null, PLAIN)).toContain(says);
});
