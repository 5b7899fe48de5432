import { readFileSync } from 'node:fs';
import { UsageError } from '../core/errors.ts';
import type { Io } from './io.ts';

const LIMIT = 64 * 1024 ** 2;

/** Everything on standard input, as the bytes it is. */
export async function readStdin(io: Io): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of io.stdin) {
    chunks.push(Buffer.from(chunk as Uint8Array));
    size += (chunk as Uint8Array).length;
    if (size > LIMIT) throw new UsageError('Standard input holds more than 64 MiB; that is no delivery.');
  }
  return Buffer.concat(chunks);
}

/** The bytes of a file, or of standard input for `-`. Throws UsageError. */
export async function readInput(source: string, flag: string, io: Io): Promise<Buffer> {
  if (source === '-') return readStdin(io);
  try {
    return readFileSync(source);
  } catch (error) {
    throw new UsageError(`${flag}: ${source} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}
