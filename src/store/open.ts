import { UsageError } from '../core/errors.ts';
import type { RelayStore } from '../core/relay-store.ts';
import type { Store } from '../core/store.ts';
import type { SqliteOptions } from './sqlite.ts';

/** Opens the store that `sqlite:PATH` (or a bare path) names. Throws UsageError or StoreError. */
export async function openStore(url: string, options: SqliteOptions = {}): Promise<Store> {
  const path = sqlitePath(url);
  const { openSqliteStore } = await import('./sqlite.ts');
  return openSqliteStore(path, options);
}

/** The same for what a relay keeps. */
export async function openRelayStore(url: string): Promise<RelayStore> {
  const path = sqlitePath(url);
  const { openSqliteRelayStore } = await import('./sqlite-relay.ts');
  return openSqliteRelayStore(path);
}

function sqlitePath(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'sqlite') {
    throw new UsageError(
      `--store: '${scheme}:' is not a kind of store. Write sqlite:PATH, such as sqlite:./deliveries.db.`,
    );
  }
  const path = url.replace(/^sqlite:(\/\/)?/i, '');
  if (path === '') throw new UsageError(`--store: '${url}' names no file. Write sqlite:PATH.`);
  return path;
}
