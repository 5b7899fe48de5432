import type { ByteHash } from './byte-hash.ts';

const LEAST_SIZE = 1024;
const MOST_SIZE_AT_FIRST = 2 ** 21;

/**
 * A number for each of very many keys, each key known by 64 bits of its hash: 16 bytes a slot, where a Map of texts
 * takes ten times that. Two of a million keys are taken for one with a probability of 3 in 100 million.
 */
export class EventTable {
  /** Two halves of the hash and a number for each slot, side by side: one look into memory finds all three. */
  #hashes: Uint32Array;
  #values: Float64Array;
  #mask: number;
  #count = 0;
  /** Whether the key that `find` looked for last was new. */
  added = false;

  /** `expected` keys, as far as that is known: making room later takes time. */
  constructor(expected = 0) {
    let size = LEAST_SIZE;
    while (size * 2 < expected * 3 && size < MOST_SIZE_AT_FIRST) size *= 2;
    const memory = new ArrayBuffer(size * 16);
    this.#hashes = new Uint32Array(memory);
    this.#values = new Float64Array(memory);
    this.#mask = size - 1;
  }

  get size(): number {
    return this.#count;
  }

  /** The key's slot, good until the next call; a new key's value is `initial`. Keys of different salts differ. */
  find({ low, high }: ByteHash, salt: number, initial: number): number {
    const key = salted(low, salt);
    let slot = this.#slotOf(key, high);
    this.added = this.#hashes[slot * 4] === 0;
    if (!this.added) return slot;
    this.#count += 1;
    if (this.#count * 3 > (this.#mask + 1) * 2) {
      this.#grow();
      slot = this.#slotOf(key, high);
    }
    this.#hashes[slot * 4] = key;
    this.#hashes[slot * 4 + 1] = high;
    this.#values[slot * 2 + 1] = initial;
    return slot;
  }

  /** The key's value; undefined where it is not known. */
  get({ low, high }: ByteHash, salt: number): number | undefined {
    const slot = this.#slotOf(salted(low, salt), high);
    return this.#hashes[slot * 4] === 0 ? undefined : this.#values[slot * 2 + 1];
  }

  valueAt(slot: number): number {
    return this.#values[slot * 2 + 1] as number;
  }

  setAt(slot: number, value: number): void {
    this.#values[slot * 2 + 1] = value;
  }

  /** Where the key is, or would be. */
  #slotOf(key: number, high: number): number {
    const hashes = this.#hashes;
    const mask = this.#mask;
    let slot = key & mask;
    for (;;) {
      const found = hashes[slot * 4];
      if (found === 0 || (found === key && hashes[slot * 4 + 1] === high)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const hashes = this.#hashes;
    const values = this.#values;
    const size = (this.#mask + 1) * 2;
    const memory = new ArrayBuffer(size * 16);
    this.#hashes = new Uint32Array(memory);
    this.#values = new Float64Array(memory);
    this.#mask = size - 1;
    for (let i = 0; i * 4 < hashes.length; i++) {
      const key = hashes[i * 4] as number;
      if (key === 0) continue;
      const slot = this.#slotOf(key, hashes[i * 4 + 1] as number);
      this.#hashes[slot * 4] = key;
      this.#hashes[slot * 4 + 1] = hashes[i * 4 + 1] as number;
      this.#values[slot * 2 + 1] = values[i * 2 + 1] as number;
    }
  }
}

/** Nought stands for a free slot, so no key may be that. */
function salted(low: number, salt: number): number {
  return (low ^ Math.imul(salt + 1, 0x9e3779b1)) >>> 0 || 1;
}
