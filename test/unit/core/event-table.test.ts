import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ByteHash, hashBytes } from '../../../src/core/byte-hash.ts';
import { EventTable } from '../../../src/core/event-table.ts';
import { Interner } from '../../../src/core/interner.ts';

function hashOf(text: string): ByteHash {
  const hash = { low: 0, high: 0 };
  const padded = Buffer.from(`before${text}after`);
  hashBytes(padded, 6, padded.length - 5, hash);
  return hash;
}

describe('an event table', () => {
  test('keeps what a map keeps, through growth', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string(), fc.nat({ max: 3 }), fc.double({ noNaN: true }))),
        (entries) => {
          const table = new EventTable();
          const map = new Map<string, number>();
          for (let i = 0; i < 3000; i++) entries.push([`ev_${i}`, i % 4, i]);
          for (const [id, salt, value] of entries) {
            const key = `${salt} ${id}`;
            const slot = table.find(hashOf(id), salt, value);
            expect(table.added).toBe(!map.has(key));
            if (!map.has(key)) map.set(key, value);
            expect(table.valueAt(slot)).toBe(map.get(key));
          }
          expect(table.size).toBe(map.size);
          for (const [id, salt] of entries)
            expect(table.get(hashOf(id), salt)).toBe(map.get(`${salt} ${id}`));
          expect(table.get(hashOf('absent'), 0)).toBe(undefined);
        },
      ),
      { numRuns: 5 },
    );
  });

  test('makes room for what is expected', () => {
    const table = new EventTable(100_000);
    for (let i = 0; i < 100_000; i++) table.find(hashOf(`ev_${i}`), 0, i);
    expect(table.size).toBe(100_000);
    expect(table.get(hashOf('ev_99999'), 0)).toBe(99_999);
  });
});

test('an interner makes one value a key, whatever the keys have in common', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 400 }), (keys) => {
      const interner = new Interner<{ key: string }>();
      const seen = new Map<string, { key: string }>();
      for (const key of keys) {
        const padded = Buffer.concat([Buffer.from('#'), key, Buffer.from('#')]);
        const hex = Buffer.from(key).toString('hex');
        const value = interner.get(padded, 1, padded.length - 1, (bytes) => ({ key: bytes.toString('hex') }));
        expect(value.key).toBe(hex);
        expect(seen.get(hex) ?? value).toBe(value);
        seen.set(hex, value);
      }
    }),
  );
});
