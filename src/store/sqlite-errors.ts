import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../core/errors.ts';
import { damaged } from './sqlite-file.ts';

const READ_PATIENCE_MS = 5000;
const RETRY_MS = 5;

/** Runs a piece of SQLite work and turns its errors into StoreErrors that say what to do. */
export function guard<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw error instanceof StoreError ? error : storeError(path, error as Error & { code?: string });
  }
}

/**
 * The same for reading: what another process locks only for a moment, as it opens or ends, is asked for again without
 * blocking the event loop.
 */
export async function guardRead<Result>(path: string, work: () => Result): Promise<Result> {
  const began = performance.now();
  for (;;) {
    try {
      return guard(path, work);
    } catch (error) {
      const locked = error instanceof StoreError && error.reason === 'busy';
      if (!locked || performance.now() - began > READ_PATIENCE_MS) throw error;
      await sleep(RETRY_MS);
    }
  }
}

/** True where a row met another one that a unique index holds already. */
export function isConstraintError(error: unknown): boolean {
  return (error as { code?: string }).code?.startsWith('SQLITE_CONSTRAINT') === true;
}

/** SQLite's codes that libsql has no name for: their lowest byte is the kind of error. */
const UNNAMED = /^UNKNOWN_SQLITE_ERROR_(\d+)$/;
const KINDS: Record<number, string> = {
  5: 'BUSY',
  6: 'LOCKED',
  11: 'CORRUPT',
  13: 'FULL',
  19: 'CONSTRAINT',
  26: 'NOTADB',
};

function codeOf({ code = '' }: { code?: string }): string {
  const number = UNNAMED.exec(code)?.[1];
  return (number === undefined ? undefined : KINDS[Number(number) & 0xff]) ?? code;
}

function storeError(path: string, cause: Error & { code?: string }): StoreError {
  const code = codeOf(cause);
  if (/BUSY|LOCKED/.test(code)) {
    return new StoreError(`The store ${path} is locked by another process. Try again.`, 'busy', { cause });
  }
  if (/FULL/.test(code)) {
    return new StoreError(`The disk that holds the store ${path} is full. Free some space.`, 'full', {
      cause,
    });
  }
  // What is asked is always the same, so what makes no sense is in the file: a table that is gone, JSON that is none, a
  // value of another type than its column's.
  if (/CORRUPT|NOTADB|CONSTRAINT|^SQLITE_ERROR$/.test(code)) return damaged(path, cause.message);
  return new StoreError(
    `The store ${path} cannot be used: ${cause.message} (${code || 'no code'}). Check the disk that holds it, or name another --store.`,
    'unavailable',
    { cause },
  );
}
