import { findNodeAtLocation, parseTree } from 'jsonc-parser';
import { formatTimestamp } from '../core/time.ts';

/**
 * The same body with another timestamp: only the value's own bytes change, the rest stays as it was written. A body
 * that is no JSON object with a timestamp stays as it is.
 */
export function retime(body: Uint8Array, at: number): Uint8Array {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const tree = parseTree(text);
  const node = tree === undefined ? undefined : findNodeAtLocation(tree, ['timestamp']);
  if (node === undefined) return body;
  const value = JSON.stringify(formatTimestamp(at));
  return Buffer.from(text.slice(0, node.offset) + value + text.slice(node.offset + node.length));
}
