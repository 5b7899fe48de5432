import { UsageError } from '../core/errors.ts';
import { HEADER, headerValue, type RawHeaders } from '../core/headers.ts';

/** A delivery out of a file: what is needed to verify it. */
export interface SavedDelivery {
  signature: string | undefined;
  body: Buffer;
  /** What an export says of a body of which it has the beginning only. */
  cut?: { wholeBytes: number; sha256: string | null; cause: string | null };
}

/**
 * Reads a saved HTTP request, or a line of JSON: of `listen --json --with-bodies`, of `send-test --dry-run --json`, or of
 * an export.
 * Throws UsageError for anything else.
 */
export function parseSavedDelivery(bytes: Buffer, source: string): SavedDelivery {
  return bytes.toString('latin1', 0, 200).trimStart().startsWith('{')
    ? fromJson(bytes.toString('utf8'), source)
    : fromRequest(bytes, source);
}

function fromJson(text: string, source: string): SavedDelivery {
  let line: Record<string, unknown>;
  try {
    line = JSON.parse(text.trim().split('\n', 1)[0] as string);
  } catch {
    throw new UsageError(`--delivery: the first line of ${source} is not JSON, though it begins like it.`);
  }
  const delivery = (Array.isArray(line.deliveries) ? line.deliveries[0] : line) as Record<string, unknown>;
  if (typeof delivery?.body_base64 !== 'string' || !Array.isArray(delivery.headers)) {
    throw new UsageError(
      `--delivery: the line in ${source} has no body_base64 and headers. 'listen --json --with-bodies' prints lines that have.`,
    );
  }
  const headers = (delivery.headers as unknown[]).flat().map(String);
  const body = Buffer.from(delivery.body_base64, 'base64');
  const { body_bytes: wholeBytes, body_sha256: sha256, cause } = delivery;
  return {
    signature: headerValue(headers, HEADER.signature),
    body,
    ...(typeof wholeBytes === 'number' && body.length < wholeBytes
      ? { cut: { wholeBytes, sha256: textOrNull(sha256), cause: textOrNull(cause) } }
      : {}),
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function fromRequest(bytes: Buffer, source: string): SavedDelivery {
  const { headers, body } = parseSavedRequest(bytes, `--delivery: ${source}`);
  return { signature: headerValue(headers, HEADER.signature), body };
}

/** A saved HTTP request: headers, an empty line, the body. Throws UsageError. */
export function parseSavedRequest(bytes: Buffer, source: string): { headers: RawHeaders; body: Buffer } {
  const text = bytes.toString('latin1');
  const gap = /\r?\n\r?\n/.exec(text);
  const lines = text.slice(0, gap?.index ?? 0).split(/\r?\n/);
  const headers: RawHeaders = lines
    .filter((line, index) => index > 0 || !/ HTTP\/[\d.]+$/.test(line))
    .flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    });
  if (gap === null || headers.length === 0) {
    throw new UsageError(
      `${source} is neither a saved HTTP request (headers, an empty line, the body) nor a line of JSON.`,
    );
  }
  const body = bytes.subarray(gap.index + gap[0].length);
  const length = headerValue(headers, 'Content-Length');
  // Editors end files with a newline that was never sent.
  const sent = length !== undefined && /^\d+$/.test(length) ? body.subarray(0, Number(length)) : body;
  return { headers, body: sent };
}
