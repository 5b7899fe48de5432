import { type ByteHash, hashBytes } from './byte-hash.ts';

interface Known<Value> {
  bytes: Uint8Array;
  value: Value;
}

/** A power of two, well above the number of keys that take turns in a log. */
const RECENT = 256;

/**
 * Values known by the bytes of their key. Records repeat the same few endpoints and types; looking their bytes up
 * makes no text of them.
 */
export class Interner<Value> {
  readonly #known = new Map<number, Known<Value>[]>();
  /** The key last seen in each place of a rough hash: nearly every look-up ends here. */
  readonly #recent: (Known<Value> | undefined)[] = new Array(RECENT).fill(undefined);
  readonly #hash: ByteHash = { low: 0, high: 0 };

  /** The value of the key `bytes[start, end)`, made by `make` when first asked for. */
  get(bytes: Uint8Array, start: number, end: number, make: (key: Buffer) => Value): Value {
    const place = roughHash(bytes, start, end) & (RECENT - 1);
    const recent = this.#recent[place];
    if (recent !== undefined && equals(recent.bytes, bytes, start, end)) return recent.value;
    const known = this.#find(bytes, start, end, make);
    this.#recent[place] = known;
    return known.value;
  }

  #find(bytes: Uint8Array, start: number, end: number, make: (key: Buffer) => Value): Known<Value> {
    hashBytes(bytes, start, end, this.#hash);
    const { low } = this.#hash;
    const alike = this.#known.get(low) ?? [];
    const known = alike.find((one) => equals(one.bytes, bytes, start, end));
    if (known !== undefined) return known;
    const key = Buffer.from(bytes.subarray(start, end));
    const added = { bytes: key, value: make(key) };
    this.#known.set(low, [...alike, added]);
    return added;
  }
}

/** Every seventh byte will do: what it mixes up is told apart by `equals`. */
function roughHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i += 7) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  return hash ^ (hash >>> 8) ^ (hash >>> 16);
}

function equals(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  // From the end, where keys that begin with the same endpoint differ.
  for (let i = key.length - 1; i >= 0; i--) if (key[i] !== bytes[start + i]) return false;
  return true;
}
