import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { openRelayStore, openStore } from '../../src/store/open.ts';
import { damagedCopy, filledStore, spoilText } from '../helpers/damaged-store.ts';
import { collect } from '../helpers/records.ts';
import { soundStore } from '../helpers/sound-store.ts';
import { tempFolder } from '../helpers/spawn-cli.ts';
import { COMMANDS, expectRefusal } from '../helpers/store-refusal.ts';
import { testIo } from '../helpers/test-io.ts';

describe('E5 a store that is damaged or not ours is refused and keeps its bytes', () => {
  const RECOVER = /is damaged: .*It was left as it is\. Recover what can be read with: sqlite3 .* \.recover/;
  const edit = (path: string, change: (bytes: Buffer) => Buffer) =>
    writeFileSync(path, change(readFileSync(path)));
  const pragma = (path: string, text: string) =>
    new Database(path).exec(`PRAGMA ${text}; PRAGMA wal_checkpoint(TRUNCATE)`);

  test.each<[string, RegExp, (path: string) => unknown, { live?: boolean; only?: string }?]>([
    ['cut in half', RECOVER, (path) => edit(path, (bytes) => bytes.subarray(0, bytes.length / 2))],
    ['header zeroed', RECOVER, (path) => edit(path, (bytes) => bytes.fill(0, 0, 100))],
    [
      'header zeroed beside a live log',
      RECOVER,
      (path) => edit(path, (bytes) => bytes.fill(0, 0, 100)),
      { live: true },
    ],
    [
      'emptied beside a live log',
      /it is empty while its write-ahead log/,
      (path) => writeFileSync(path, ''),
      { live: true },
    ],
    [
      'other bytes in the middle',
      RECOVER,
      (path) => edit(path, (bytes) => bytes.fill(0xa5, 3 * 8192, bytes.length - 8192)),
      { only: 'report' },
    ],
    [
      'other bytes in its tables’ list',
      RECOVER,
      (path) => edit(path, (bytes) => bytes.fill(0xa5, 100, 8192)),
    ],
    [
      'log deleted, its index not',
      /-wal is gone while .*-shm is there.*delete .*-shm to go on/,
      (path) => {
        rmSync(`${path}-wal`);
        writeFileSync(`${path}-shm`, Buffer.alloc(32_768));
      },
      { live: true },
    ],
    [
      'made by a newer version',
      /made by a newer mo-notify \(schema 99, .*Upgrade mo-notify/,
      (path) => pragma(path, 'user_version = 99'),
    ],
    [
      'another program’s database',
      /not a mo-notify store\. Name another --store/,
      (path) => {
        rmSync(path);
        new Database(path).exec('CREATE TABLE notes (text)');
      },
    ],
    [
      'another program’s database with a log',
      /not a mo-notify store\. Name another --store/,
      (path) => {
        rmSync(path);
        new Database(path).exec('PRAGMA journal_mode = WAL; CREATE TABLE notes (text)');
      },
    ],
    [
      'another program’s newer database',
      /not a mo-notify store\. Name another --store/,
      (path) => pragma(path, 'application_id = 7'),
    ],
    ['no database at all', RECOVER, (path) => writeFileSync(path, 'call log, Monday\n'.repeat(500))],
  ])('%s', async (_, says, damage, { live = false, only } = {}) => {
    const path = await soundStore(live);
    damage(path);
    const before = readFileSync(path);
    await expectRefusal(
      path,
      says,
      only === undefined ? COMMANDS : COMMANDS.filter(([name]) => name === only),
    );
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test.each([
    ['logs', 'list'],
    ['logs', 'tail'],
    ['logs', 'show', 'ev-3'],
    ['logs', 'export'],
    ['logs', 'export', '--with-bodies'],
    ['replay', '--to', '9', '--dry-run'],
    ['replay', '--to', '9', '--dry-run', '--kind', 'attempt'],
    ['report', '--calls'],
  ])('G8 with a text in it that is none any more: %s %s %s %s', async (...command) => {
    const damage = (bytes: Buffer) => {
      spoilText('call-3')(bytes);
      spoilText('endpoint-3')(bytes);
    };
    const path = damagedCopy(await filledStore(), damage);
    await expectRefusal(path, RECOVER, [command]);
  });

  test('G8 a relay’s store with a text in it that is none any more', async () => {
    const path = join(tempFolder(), 'relay.db');
    const relay = await openRelayStore(path);
    const channel = { id: 'c', name: 'the-channel', ack: 'app', createdAt: 1, expiresAt: null } as const;
    await relay.addChannel({ ...channel, tokenHash: new Uint8Array(32) });
    await relay.close();
    edit(path, (bytes) => {
      spoilText('the-channel')(bytes);
      return bytes;
    });
    await expectRefusal(path, RECOVER, [['relay', 'channel', 'list']]);
  });

  test('an empty file is a new store', async () => {
    const path = join(tempFolder(), 'deliveries.db');
    writeFileSync(path, '');
    expect(await run(['report', '--store', path], testIo())).toBe(0);
  });

  test('what a killed process left, log and all, is whole', async () => {
    const store = await openStore(await soundStore(true));
    onTestFinished(() => store.close());
    expect(await collect(store.receipts({}))).toHaveLength(400);
  });
});
