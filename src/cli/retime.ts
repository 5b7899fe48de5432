import { type Node, parseTree } from 'jsonc-parser';
import { parsePayload } from '../core/payload.ts';
import { formatTimestamp } from '../core/time.ts';

/**
 * The same body with another timestamp, `at` in ms since the epoch: only the value's own bytes change, the rest stays as it
 * was written, whatever it is. A body that is no JSON object with a timestamp stays as it is.
 */
export function retime(body: Uint8Array, at: number): Uint8Array {
  // Depth and all else that a parser could stumble over.
  if (parsePayload(body).flags.includes('too_deep')) return body;
  // A character a byte: JSON's own signs are ASCII, so places in this text are places in the body.
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  const node = lastTimestamp(parseTree(text.replace(/^\xef\xbb\xbf/, '   ')));
  if (node === undefined) return body;
  const value = JSON.stringify(formatTimestamp(at));
  return Buffer.from(text.slice(0, node.offset) + value + text.slice(node.offset + node.length), 'latin1');
}

/** Of several, the last is the one that counts (fault B4). */
function lastTimestamp(tree: Node | undefined): Node | undefined {
  if (tree?.type !== 'object') return undefined;
  const property = tree.children?.findLast(({ children }) => children?.[0]?.value === 'timestamp');
  return property?.children?.[1];
}
