/** Lines of a file that came in one piece. */
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
const NOTHING = Buffer.alloc(0);

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
    let start = 0;
    if (tooLong || restLength + firstEnd > limit) {
      yield { bytes: NOTHING, first: line, bounds: [], skipped: [{ line, problem: overlong(limit) }] };
      line += 1;
      start = firstEnd + 1;
    } else if (restLength > 0) {
      // The line that two chunks share comes on its own, so that no whole chunk is copied.
      const bytes = Buffer.concat([...rest, chunk.subarray(0, firstEnd + 1)]);
      yield { bytes, first: line, bounds: [0, endOf(bytes, 0, bytes.length - 1)], skipped: [] };
      line += 1;
      start = firstEnd + 1;
    }
    const bounds: number[] = [];
    for (let end = chunk.indexOf(NEWLINE, start); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      bounds.push(start, endOf(chunk, start, end));
      start = end + 1;
    }
    if (bounds.length > 0) yield { bytes: chunk, first: line, bounds, skipped: [] };
    line += bounds.length / 2;
    // A copy, so that the chunk can be let go of.
    rest = start < chunk.length ? [Buffer.from(chunk.subarray(start))] : [];
    restLength = rest[0]?.length ?? 0;
    tooLong = restLength > limit;
  }
  if (tooLong)
    yield { bytes: NOTHING, first: line, bounds: [], skipped: [{ line, problem: overlong(limit) }] };
  else if (restLength > 0) {
    const bytes = Buffer.concat(rest);
    yield { bytes, first: line, bounds: [0, endOf(bytes, 0, bytes.length)], skipped: [] };
  }
}

/** Where a line's text ends, which is before its CRLF or LF. */
function endOf(bytes: Buffer, start: number, end: number): number {
  return end > start && bytes[end - 1] === RETURN ? end - 1 : end;
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
