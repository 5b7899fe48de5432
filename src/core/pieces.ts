/** Bytes in the pieces they came in: to join a megabyte costs more than to leave it as it is. */
export type Pieces = readonly Uint8Array[];

export function sizeOf(pieces: Pieces): number {
  return pieces.reduce((size, piece) => size + piece.length, 0);
}

/** Copies nothing where there is nothing to join. */
export function inOnePiece(pieces: Pieces): Uint8Array {
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
}
