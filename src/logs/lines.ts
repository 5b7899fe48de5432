/** Lines of a file that came in one piece. `ends[i]` is where line `first + i` ends; a line starts after the one before. */
export interface LineBatch {
  bytes: Buffer;
  /** The number of the first line, from 1. */
  first: number;
  /** Start and end of each line in turn, without its line break. */
  bounds: number[];
  /** The lines that were left out, with the reason. */
  skipped: { line: number; problem: string }[];
}

export interface LineOptions {
  /** A longer line is skipped and never held in memory, bytes. */
  limit?: number;
}

const LINE_LIMIT = 16 * 1024 ** 2;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Splits chunks into lines, holding one chunk and the line that it breaks off in. CRLF, a byte order mark, UTF-16 and a
 * missing last newline are taken as they come (fault E7). Blank lines count, but are not told of.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  { limit = LINE_LIMIT }: LineOptions = {},
): AsyncIterable<LineBatch> {
  let rest: Buffer[] = [];
  let restLength = 0;
  let line = 1;
  let tooLong = false;
  for await (const chunk of asUtf8(chunks)) {
    const firstEnd = chunk.indexOf(NEWLINE);
    if (firstEnd < 0) {
      restLength += chunk.length;
      tooLong ||= restLength > limit;
      rest = tooLong ? [] : [...rest, chunk];
      continue;
    }
    const skipped = tooLong || restLength + firstEnd > limit ? [{ line, problem: overlong(limit) }] : [];
    const lead = skipped.length > 0 ? [] : rest;
    const bytes = lead.length === 0 ? chunk : Buffer.concat([...lead, chunk]);
    const head = bytes.length - chunk.length;
    const lastEnd = bytes.lastIndexOf(NEWLINE);
    const bounds: number[] = [];
    const first = line + skipped.length;
    let start = skipped.length > 0 ? firstEnd + 1 : 0;
    for (let end = bytes.indexOf(NEWLINE, start || head); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      bounds.push(start, bytes[end - 1] === RETURN && end > start ? end - 1 : end);
      start = end + 1;
    }
    yield { bytes, first, bounds, skipped };
    line = first + bounds.length / 2;
    // A copy, so that the chunk can be let go of.
    rest = lastEnd + 1 < bytes.length ? [Buffer.from(bytes.subarray(lastEnd + 1))] : [];
    restLength = rest[0]?.length ?? 0;
    tooLong = restLength > limit;
  }
  if (tooLong)
    yield { bytes: Buffer.alloc(0), first: line, bounds: [], skipped: [{ line, problem: overlong(limit) }] };
  else if (restLength > 0) {
    const bytes = Buffer.concat(rest);
    const end = bytes[bytes.length - 1] === RETURN ? bytes.length - 1 : bytes.length;
    yield { bytes, first: line, bounds: [0, end], skipped: [] };
  }
}

function overlong(limit: number): string {
  return `longer than ${Math.round(limit / 1024 ** 2)} MiB`;
}

/** UTF-8 without its byte order mark; UTF-16, as PowerShell's `>` writes it, becomes UTF-8. */
async function* asUtf8(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  let begun = false;
  for await (const chunk of chunks) {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (!begun && bytes.length > 0) {
      begun = true;
      if (bytes[0] === 0xff && bytes[1] === 0xfe) decoder = new TextDecoder('utf-16le');
      else if (bytes[0] === 0xfe && bytes[1] === 0xff) decoder = new TextDecoder('utf-16be');
      else if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
    }
    yield decoder === null ? bytes : Buffer.from(decoder.decode(bytes, { stream: true }));
  }
  if (decoder !== null) yield Buffer.from(decoder.decode());
}
