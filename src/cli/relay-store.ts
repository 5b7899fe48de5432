import { join } from 'node:path';
import type { Command } from 'commander';
import type { RelayStore } from '../core/relay-store.ts';
import type { CommonOptions, Context } from './context.ts';

export function withRelayStore(command: Command): Command {
  return command.option('--store <url>', "the relay's own store: sqlite:PATH (default: .mo-notify/relay.db)");
}

/** Opens the store of the relay of this folder, or the one that is named. Throws UsageError or StoreError. */
export async function openRelay({ project }: Context, { store }: CommonOptions): Promise<RelayStore> {
  const { openRelayStore } = await import('../store/open.ts');
  return openRelayStore(store ?? join(project.makeFolder(), 'relay.db'));
}
