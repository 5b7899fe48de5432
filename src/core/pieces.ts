/** Bytes in the pieces they came in: to join a megabyte costs more than to leave it as it is. */
export type Pieces = readonly Uint8Array[];

export function sizeOf(pieces: Pieces): number {
  return pieces.reduce((size, piece) => size + piece.length, 0);
}

/** Copies nothing where there is nothing to join. */
export function inOnePiece(pieces: Pieces): Uint8Array {
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
}

const BLOCK = 16_384;
const NO_ROOM = Buffer.alloc(0);

/**
 * Gathers a body as it comes in. Small pieces are copied together, because a piece of one byte takes a hundred to keep
 * (fault G5).
 */
export class PieceGatherer {
  readonly #pieces: Uint8Array[] = [];
  /** What the last piece, where it is a block of copies, has still room for. */
  #room: Buffer = NO_ROOM;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get pieces(): Pieces {
    if (this.#room.length > 0) this.#closeBlock();
    return this.#pieces;
  }

  add(piece: Uint8Array): void {
    this.#size += piece.length;
    // Nearly every delivery comes in one.
    if (piece.length >= BLOCK || this.#pieces.length === 0) {
      if (this.#room.length > 0) this.#closeBlock();
      this.#pieces.push(piece);
      return;
    }
    let rest = piece;
    while (rest.length > 0) {
      if (this.#room.length === 0) this.#openBlock();
      const part = rest.subarray(0, this.#room.length);
      this.#room.set(part);
      this.#room = this.#room.subarray(part.length);
      rest = rest.subarray(part.length);
    }
  }

  #openBlock(): void {
    const block = Buffer.allocUnsafeSlow(BLOCK);
    this.#pieces.push(block);
    this.#room = block;
  }

  /** Nothing more goes into it: what it has no bytes for is no part of the body. */
  #closeBlock(): void {
    const block = this.#pieces.pop() as Uint8Array;
    this.#pieces.push(block.subarray(0, block.length - this.#room.length));
    this.#room = NO_ROOM;
  }
}
