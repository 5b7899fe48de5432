import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

const DECODERS = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
} as const;

/** A body freed of its `Content-Encoding`, for reading only: signatures are over the wire's bytes. */
export type Content = { bytes: Uint8Array } | { problem: 'unsupported_encoding' | 'bad_encoding' };

/** Never expands beyond `limit` bytes: what would is taken as bad (fault B9). */
export function decodeContent(body: Uint8Array, encoding: string | undefined, limit: number): Content {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity' || name === '') return { bytes: body };
  if (!Object.hasOwn(DECODERS, name)) return { problem: 'unsupported_encoding' };
  try {
    return { bytes: DECODERS[name as keyof typeof DECODERS](body, { maxOutputLength: limit }) };
  } catch {
    return { problem: 'bad_encoding' };
  }
}
