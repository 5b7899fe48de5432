import { copyFileSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { StoreError, UsageError } from '../../src/core/errors.ts';
import { openRelayStore, openStore } from '../../src/store/open.ts';
import { memoryRelayDisk, memoryRelayStore } from '../helpers/memory-relay-store.ts';
import { relayStoreContract } from './relay-store.ts';

const place = () => join(mkdtempSync(join(tmpdir(), 'mo-notify-relay-')), 'relay.db');

relayStoreContract({
  name: 'a SQLite file',
  prepare() {
    const url = `sqlite:${place()}`;
    return { connect: () => openRelayStore(url) };
  },
});

relayStoreContract({
  name: "the tests' own memory",
  prepare() {
    const disk = memoryRelayDisk();
    return { connect: async () => memoryRelayStore(disk) };
  },
});

describe('a relay store in a SQLite file', () => {
  let path: string;
  beforeEach(() => {
    path = place();
  });

  test('F11 a delivery is in the file once keep has resolved: another process sees it at once', async () => {
    const [store, other] = [await openRelayStore(path), await openRelayStore(path)];
    const seq = await store.keep('c', 1, [Buffer.from('x')]);
    expect(await other.waiting()).toMatchObject([{ seq, bytes: 1 }]);
    for (const one of [store, other]) await one.close();
  });

  test('F18 is its owner’s alone, and a copy of the file alone is whole once it is closed', async () => {
    const store = await openRelayStore(path);
    await store.set('public_url', 'https://relay.example.com');
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
    await store.close();
    const copy = place();
    copyFileSync(path, copy);
    const copied = await openRelayStore(copy);
    expect(await copied.setting('public_url')).toBe('https://relay.example.com');
    await copied.close();
  });

  test('names where it is', async () => {
    const store = await openRelayStore(`sqlite:${path}`);
    expect(store.location).toBe(path);
    await store.close();
  });
});

describe('E5 a file of one kind is never taken for another', () => {
  test('a delivery log is refused as a relay’s store, and left as it is', async () => {
    const path = place();
    await (await openStore(path)).close();
    await refused(() => openRelayStore(path), path, 'a SQLite file, but not a mo-notify relay store');
    await (await openStore(path)).close();
  });

  test('a relay’s store is refused as a delivery log, and left as it is', async () => {
    const path = place();
    const store = await openRelayStore(path);
    await store.keep('c', 1, [Buffer.from('x')]);
    await store.close();
    await refused(() => openStore(path), path, 'a SQLite file, but not a mo-notify store');
    const again = await openRelayStore(path);
    expect(await again.waiting()).toHaveLength(1);
    await again.close();
  });

  test('nor while the other is at work', async () => {
    const [log, relay] = [place(), place()];
    const [first, second] = [await openStore(log), await openRelayStore(relay)];
    await second.set('max_channels', '1');
    await expect(openRelayStore(log)).rejects.toThrow(/not a mo-notify relay store/);
    await expect(openStore(relay)).rejects.toThrow(/not a mo-notify store/);
    await first.close();
    await second.close();
  });

  async function refused(open: () => Promise<unknown>, path: string, why: string): Promise<void> {
    const before = readFileSync(path);
    const error = await open().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(StoreError);
    expect((error as StoreError).message).toBe(`${path} is ${why}. Name another --store.`);
    expect((error as StoreError).exitCode).toBe(3);
    expect(readFileSync(path).equals(before)).toBe(true);
  }
});

test('another kind of URL is a mistake in the command line', async () => {
  await expect(openRelayStore('postgres://x')).rejects.toThrow(UsageError);
  await expect(openRelayStore('sqlite:')).rejects.toThrow(/names no file/);
});
