import { expect, test } from 'vitest';
import { toCsv } from '../../../src/core/csv.ts';

test.each([
  ['plain', 'plain'],
  ['+919876543210', '+919876543210'],
  ['-1.5', '-1.5'],
  ['-1+1', "'-1+1"],
  ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['+1+cmd', "'+1+cmd"],
  ['a,b', '"a,b"'],
  ['line\nbreak', '"line\nbreak"'],
  [null, ''],
  [0, '0'],
])('F4 %j becomes %j', (value, cell) => {
  expect(toCsv([[value, 'x']])).toBe(`${cell},x\r\n`);
});
