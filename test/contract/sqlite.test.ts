import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/store/open.ts';
import { storeContract } from './store.ts';

storeContract({
  name: 'a SQLite file',
  prepare() {
    const url = `sqlite:${join(mkdtempSync(join(tmpdir(), 'mo-notify-store-')), 'deliveries.db')}`;
    return { shared: true, connect: (options) => openStore(url, options) };
  },
});

storeContract({
  name: 'SQLite in memory',
  prepare: () => ({ shared: false, connect: (options) => openStore('sqlite::memory:', options) }),
});
