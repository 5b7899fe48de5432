import { UsageError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import type { SqliteOptions } from './sqlite.ts';

/** Opens the store that `sqlite:PATH` (or a bare path) names. Throws UsageError or StoreError. */
export async function openStore(url: string, options: SqliteOptions = {}): Promise<Store> {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'sqlite') {
    throw new UsageError(
      `--store: '${scheme}:' is not a kind of store. Write sqlite:PATH, such as sqlite:./deliveries.db.`,
    );
  }
  const path = url.replace(/^sqlite:(\/\/)?/i, '');
  if (path === '') throw new UsageError(`--store: '${url}' names no file. Write sqlite:PATH.`);
  const { openSqliteStore } = await import('./sqlite.ts');
  return openSqliteStore(path, options);
}
