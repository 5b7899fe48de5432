import { StoreError } from '../core/errors.ts';
import { damaged } from './sqlite-file.ts';

/** Runs a piece of SQLite work and turns its errors into StoreErrors that say what to do. */
export function guard<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw error instanceof StoreError ? error : storeError(path, error as Error & { code?: string });
  }
}

/** True where a row met another one that a unique index holds already. */
export function isConstraintError(error: unknown): boolean {
  return (error as { code?: string }).code?.startsWith('SQLITE_CONSTRAINT') === true;
}

function storeError(path: string, cause: Error & { code?: string }): StoreError {
  const code = cause.code ?? '';
  if (/BUSY|LOCKED/.test(code)) {
    return new StoreError(`The store ${path} is locked by another process. Try again.`, 'busy', { cause });
  }
  if (/FULL/.test(code)) {
    return new StoreError(`The disk that holds the store ${path} is full. Free some space.`, 'full', {
      cause,
    });
  }
  if (/CORRUPT|NOTADB/.test(code)) return damaged(path, cause.message);
  return new StoreError(
    `The store ${path} cannot be used: ${cause.message} (${code || 'no code'}).`,
    'unavailable',
    { cause },
  );
}
