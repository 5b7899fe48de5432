/** 64 bits of a hash, as two unsigned halves of 32. */
export interface ByteHash {
  low: number;
  high: number;
}

/** Drawn anew in each process, so that no file can be written to make its ids collide. */
const SEED = Math.floor(Math.random() * 2 ** 32);

const HALF_A_PAIR = /\p{Cs}/u;

/** The hash of a text's UTF-8. Halves of surrogate pairs, which UTF-8 has no bytes for, are told apart all the same. */
export function hashText(text: string, into: ByteHash): void {
  // The first byte is one that UTF-8 never has.
  const bytes = HALF_A_PAIR.test(text) ? Buffer.from(`\xff${text}`, 'utf16le') : Buffer.from(text);
  hashBytes(bytes, 0, bytes.length, into);
}

/** Hashes `bytes[start, end)` into `into`, four bytes at a time; not for secrets. Equal bytes hash equally, in this process. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, into: ByteHash): void {
  let low = SEED ^ (end - start);
  let high = SEED ^ 0x9e3779b9;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    low = Math.imul(low ^ word, 0x85ebca6b);
    low ^= low >>> 15;
    high = Math.imul(high + word, 0xc2b2ae35);
    high ^= high >>> 13;
  }
  for (; i < end; i++) {
    low = Math.imul(low ^ (bytes[i] as number), 0x85ebca6b);
    low ^= low >>> 15;
    high = Math.imul(high + (bytes[i] as number), 0xc2b2ae35);
    high ^= high >>> 13;
  }
  low = Math.imul(low ^ (low >>> 16), 0x7feb352d);
  into.low = (low ^ (low >>> 15)) >>> 0;
  high = Math.imul(high ^ (high >>> 16), 0x846ca68b);
  into.high = (high ^ (high >>> 15)) >>> 0;
}
