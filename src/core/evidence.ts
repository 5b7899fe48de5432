import { hash } from 'node:crypto';
import type { Receipt } from './record.ts';

/** How much is kept of a refused delivery's body, bytes. */
export const EVIDENCE_BYTES = 4096;
/** The same of a text out of its body, characters: it may be as long as that. */
const TEXT_LENGTH = 256;

/**
 * Leaves of a refused receipt what is kept of it (contract §2). The beginning of its body is a copy: a part of it would
 * keep the whole in memory.
 */
export function keepEvidence(
  receipt: Pick<Receipt, 'event' | 'callId' | 'evidence'> & { body: Uint8Array },
  cause: string | null,
): void {
  const { body } = receipt;
  receipt.evidence = { sha256: hash('sha256', body, 'hex'), cause };
  receipt.body = Buffer.from(body.subarray(0, EVIDENCE_BYTES));
  receipt.event = clip(receipt.event);
  receipt.callId = clip(receipt.callId);
}

function clip(text: string | null): string | null {
  if (text === null || text.length <= TEXT_LENGTH) return text;
  // What is cut off may be the second half of a character; and a slice keeps the whole text in memory.
  const kept = text.slice(0, TEXT_LENGTH).replace(/[\ud800-\udbff]$/, '');
  return Buffer.from(kept, 'utf16le').toString('utf16le');
}
