import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inOnePiece, PieceGatherer, sizeOf } from '../../../src/core/pieces.ts';

describe('a body is gathered', () => {
  const bodies = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.integer({ min: 0, max: 70_000 }).map((size) => Buffer.alloc(size, size)),
    ),
    { maxLength: 30 },
  );

  test('whole and in order, whatever pieces it came in', () => {
    fc.assert(
      fc.property(bodies, (came) => {
        const gatherer = new PieceGatherer();
        for (const piece of came) gatherer.add(piece);
        const body = Buffer.concat(came);
        expect(gatherer.size).toBe(body.length);
        expect(sizeOf(gatherer.pieces)).toBe(body.length);
        expect(Buffer.from(inOnePiece(gatherer.pieces)).equals(body)).toBe(true);
      }),
    );
  });

  test('G5 of single bytes it holds few pieces', () => {
    const gatherer = new PieceGatherer();
    for (let i = 0; i < 100_000; i++) gatherer.add(Buffer.of(i));
    expect(gatherer.pieces.length).toBeLessThan(10);
  });

  test('a large piece is not copied, nor is one that comes alone', () => {
    for (const size of [1, 64 * 1024]) {
      const piece = Buffer.alloc(size);
      const gatherer = new PieceGatherer();
      gatherer.add(piece);
      expect(gatherer.pieces[0]).toBe(piece);
    }
  });
});
