import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import type { SqliteOptions } from '../../src/store/sqlite.ts';
import { credentialCases } from './store-credentials.ts';
import { deduplicationCases } from './store-deduplication.ts';
import { forwardingCases } from './store-forwarding.ts';
import { leaseCases } from './store-leases.ts';
import { pruneCases } from './store-prune.ts';
import { rateCases } from './store-rates.ts';
import { recordCases } from './store-records.ts';
import { refusedCases } from './store-refused.ts';
import { shownCases } from './store-shown.ts';
import { tallyCases } from './store-tally.ts';

/** What cases need otherwise than it usually is. */
export type StoreOptions = Pick<SqliteOptions, 'refused' | 'lease'>;

/** A kind of store under test. */
export interface Driver {
  name: string;
  /** Makes a place for one store and says how to connect to it. */
  prepare(): Place;
}

export interface Place {
  connect(options?: StoreOptions): Promise<Store>;
  /** False where a second connection would be another store, as in memory. */
  shared: boolean;
}

/** What the cases of a store work with; a new, empty store for each case. */
export interface Bench {
  readonly store: Store;
  readonly shared: boolean;
  /** Another connection to the same store. */
  connect(options?: StoreOptions): Promise<Store>;
  /** An empty store, for cases that want many of them. */
  another(options?: StoreOptions): Promise<Store>;
}

/** The cases that every driver of a Store must pass. */
export function storeContract(driver: Driver): void {
  describe(`a store in ${driver.name}`, () => {
    const opened: Store[] = [];
    let place: Place;
    let store: Store;
    const keep = async (opening: Promise<Store>) => {
      const one = await opening;
      opened.push(one);
      return one;
    };
    beforeEach(async () => {
      place = driver.prepare();
      store = await keep(place.connect());
    });
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });
    const bench: Bench = {
      get store() {
        return store;
      },
      shared: driver.prepare().shared,
      connect: (options) => keep(place.connect(options)),
      another: (options) => keep(driver.prepare().connect(options)),
    };
    deduplicationCases(bench);
    forwardingCases(bench);
    credentialCases(bench);
    leaseCases(bench);
    recordCases(bench);
    refusedCases(bench);
    pruneCases(bench);
    shownCases(bench);
    tallyCases(bench);
    rateCases(bench);
  });
}
