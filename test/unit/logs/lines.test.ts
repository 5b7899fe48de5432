import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attemptToJson } from '../../../src/core/record.ts';
import { readLines } from '../../../src/logs/lines.ts';
import { tallyLog } from '../../../src/logs/tally-log.ts';
import { collect, newAttempt } from '../../helpers/records.ts';

/** The lines of some bytes that come in pieces cut at these places: their numbers and texts. */
async function linesOf(bytes: Buffer, cuts: readonly number[] = [], limit?: number) {
  async function* pieces() {
    let from = 0;
    for (const cut of [...new Set([...cuts, bytes.length])].sort((a, b) => a - b)) {
      yield bytes.subarray(from, cut);
      from = Math.max(from, cut);
    }
  }
  const lines: [number, string][] = [];
  const skipped: number[] = [];
  for (const batch of await collect(readLines(pieces(), limit === undefined ? {} : { limit }))) {
    for (let i = 0; i < batch.bounds.length; i += 2)
      lines.push([batch.first + i / 2, batch.bytes.toString('utf8', batch.bounds[i], batch.bounds[i + 1])]);
    skipped.push(...batch.skipped.map(({ line }) => line));
  }
  return { lines, skipped };
}

const numbered = (texts: readonly string[]) => texts.map((text, i): [number, string] => [i + 1, text]);

describe('E7 lines of a file', () => {
  test.each([
    ['with a last newline', 'a\nb\n', ['a', 'b']],
    ['without one', 'a\nb', ['a', 'b']],
    ['with CRLF', 'a\r\nb\r\n', ['a', 'b']],
    ['with CRLF and no last newline', 'a\r\nb\r', ['a', 'b']],
    ['with blank ones, which count', 'a\n\n\nb\n', ['a', '', '', 'b']],
    ['with NUL', 'a\0b\n\0\n', ['a\0b', '\0']],
    ['with a byte order mark', '\ufeffa\nb\n', ['a', 'b']],
    ['with separators of Unicode’s, which are none', 'a\u2028b\u0085c\n', ['a\u2028b\u0085c']],
    ['that are none', '', []],
  ])('%s', async (_, text, lines) => {
    expect((await linesOf(Buffer.from(text))).lines).toEqual(numbered(lines));
  });

  test.each([
    ['UTF-16', (bytes: Buffer) => bytes],
    ['UTF-16, the other way round', (bytes: Buffer) => bytes.swap16()],
  ])('in %s, wherever it is cut', async (_, turn) => {
    // U+0A0D has the bytes of a line break, the other pairs fall apart at an odd cut.
    const bytes = turn(Buffer.from('\ufeffa\u0a0d\r\n📞é\n\nlast', 'utf16le'));
    for (let cut = 2; cut < bytes.length; cut++) {
      const { lines } = await linesOf(bytes, [cut, cut + 1]);
      expect(lines, `cut at ${cut}`).toEqual(numbered(['a\u0a0d', '📞é', '', 'last']));
    }
  });

  test('are the same wherever the file is cut', async () => {
    const anyLine = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', '\r', 'é', '\0'), maxLength: 9 }),
      fc.constant(''),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyLine, { maxLength: 8 }),
        fc.array(fc.nat(60), { maxLength: 6 }),
        fc.constantFrom('\n', '\r\n'),
        async (texts, cuts, end) => {
          const bytes = Buffer.from(texts.map((text) => text + end).join(''));
          const inside = cuts.filter((cut) => cut <= bytes.length);
          // A line's own last return goes with its line break.
          const expected = texts.map((text) => (end === '\n' ? text.replace(/\r$/, '') : text));
          expect((await linesOf(bytes, inside)).lines).toEqual(numbered(expected));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('longer than the limit are left out and named, wherever the file is cut', async () => {
    const bytes = Buffer.from(`${'x'.repeat(40)}\nb\n${'y'.repeat(40)}\n\n${'z'.repeat(40)}`);
    for (const length of [15, 16, 17, 18]) {
      const one = Buffer.from(`${'x'.repeat(length)}\nb\n`);
      for (let cut = 0; cut < one.length; cut++) {
        const { lines, skipped } = await linesOf(one, [cut], 16);
        expect([lines.length, skipped], `${length} cut at ${cut}`).toEqual(length > 16 ? [1, [1]] : [2, []]);
      }
    }
    for (let step = 1; step <= 8; step++) {
      const cuts = Array.from({ length: Math.floor(bytes.length / step) }, (_, i) => i * step);
      const { lines, skipped } = await linesOf(bytes, cuts, 16);
      expect([lines, skipped], `every ${step}`).toEqual([
        [
          [2, 'b'],
          [4, ''],
        ],
        [1, 3, 5],
      ]);
    }
  });
});

test('E7 a log of 96 MiB with a line of 64 MiB is counted without ever being there as a whole', async () => {
  const line = Buffer.from(`${JSON.stringify(attemptToJson(newAttempt()))}\n`);
  const lines = Buffer.concat(Array(Math.floor(2 ** 20 / line.length)).fill(line));
  const long = Buffer.alloc(2 ** 20, 'x');
  let most = 0;
  async function* open() {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 96; i++) {
      yield i >= 16 && i < 80 ? long : lines;
      if (i === 79) yield Buffer.from('\n');
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
  }
  const file = { name: 'a log', size: 96 * 2 ** 20, changedAt: 0, open };
  const { tally, skips } = await tallyLog(file, 'ndjson', new Map(), {});
  const perPiece = lines.length / line.length;
  expect(tally.endpoints.map(({ attempts }) => attempts)).toEqual([32 * perPiece]);
  expect(skips).toMatchObject({
    count: 1,
    named: [{ line: 16 * perPiece + 1, problem: 'longer than 16 MiB' }],
  });
  expect(most).toBeLessThan(64 * 2 ** 20);
});
