import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import { DELIVERY_LOG } from '../../../src/store/schema.ts';
import { inspectFile } from '../../../src/store/sqlite-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mo-notify-file-'));
  path = join(folder, 'deliveries.db');
});

const mode = (file: string) => statSync(file).mode & 0o777;

/** A sound store's bytes, as one that was closed leaves them. */
async function soundStore(): Promise<Buffer> {
  await (await openStore(path)).close();
  return readFileSync(path);
}

describe('inspectFile', () => {
  test('F18 makes an absent file for its owner alone, whatever the umask', () => {
    const before = process.umask(0);
    try {
      inspectFile(path, DELIVERY_LOG);
    } finally {
      process.umask(before);
    }
    expect(mode(path)).toBe(0o600);
  });

  test('F18 sets a file and its log that others can read back to their owner alone', async () => {
    const bytes = await soundStore();
    for (const suffix of ['', '-wal', '-shm']) {
      if (!existsSync(path + suffix)) writeFileSync(path + suffix, '');
      chmodSync(path + suffix, 0o644);
    }
    inspectFile(path, DELIVERY_LOG);
    expect(['', '-wal', '-shm'].map((suffix) => mode(path + suffix))).toEqual([0o600, 0o600, 0o600]);
    expect(readFileSync(path)).toEqual(bytes);
  });

  test('takes an empty file for a new store, as mktemp makes one', async () => {
    writeFileSync(path, '');
    inspectFile(path, DELIVERY_LOG);
    const store = await openStore(path);
    expect((await store.tally({})).from).toBeNull();
    await store.close();
  });

  test('takes a sound store as it is', async () => {
    const bytes = await soundStore();
    inspectFile(path, DELIVERY_LOG);
    expect(readFileSync(path)).toEqual(bytes);
  });

  test.each<[string, (file: string) => void, RegExp, reason: string]>([
    [
      'E4 a missing folder',
      () => {
        path = join(folder, 'no', 'such.db');
      },
      /folder .*no does not exist\. Create it/,
      'unavailable',
    ],
    [
      'E4 a file where its folder should be',
      () => {
        writeFileSync(join(folder, 'f'), '');
        path = join(folder, 'f', 'x.db');
      },
      /folder .*f is a file\. Name another --store/,
      'unavailable',
    ],
    ['E4 a folder in its place', () => mkdirSync(path), /is a folder\. Name a file/, 'unavailable'],
    [
      'E4 a pipe in its place',
      () => void execFileSync('mkfifo', [path]),
      /is no regular file/,
      'unavailable',
    ],
    [
      'E4 a symbolic link',
      () => {
        writeFileSync(join(folder, 'real'), '');
        symlinkSync('real', path);
      },
      /is a symbolic link; name the file it leads to/,
      'unavailable',
    ],
    [
      'E4 a symbolic link that leads nowhere',
      () => symlinkSync('nowhere', path),
      /is a symbolic link/,
      'unavailable',
    ],
    [
      'E5 text',
      () => writeFileSync(path, 'these are my notes\n'.repeat(20)),
      /does not begin like a SQLite file/,
      'damaged',
    ],
    [
      'E5 a file shorter than a header',
      () => writeFileSync(path, 'SQLite format 3\0'),
      /does not begin like a SQLite file/,
      'damaged',
    ],
    [
      'E5 an emptied file beside its log',
      () => {
        writeFileSync(path, '');
        writeFileSync(`${path}-wal`, 'records');
      },
      /it is empty while its write-ahead log .*-wal is not/,
      'damaged',
    ],
    [
      'E5 a text beside a log',
      () => {
        writeFileSync(path, 'x'.repeat(500));
        writeFileSync(`${path}-wal`, 'records');
      },
      /does not begin like a SQLite file/,
      'damaged',
    ],
    [
      'another program’s file',
      () => void new Database(path).exec('CREATE TABLE notes (text)'),
      /is a SQLite file, but not a mo-notify store/,
      'unavailable',
    ],
  ])('refuses %s and leaves it alone', (_, prepare, message, reason) => {
    prepare(path);
    const before = contentOf(path);
    expect(() => inspectFile(path, DELIVERY_LOG)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message), reason }),
    );
    expect(contentOf(path)).toEqual(before);
    expect(() => inspectFile(path, DELIVERY_LOG)).toThrow(folder);
  });

  test('E4 does not change the mode of a device', () => {
    const before = mode('/dev/null');
    expect(() => inspectFile('/dev/null', DELIVERY_LOG)).toThrow('/dev/null is no regular file');
    expect(mode('/dev/null')).toBe(before);
  });

  test.each([
    [
      'half of it gone',
      (bytes: Buffer) => bytes.subarray(0, bytes.length / 2),
      /has \d+ bytes where its header promises \d+/,
    ],
    ['its last byte gone', (bytes: Buffer) => bytes.subarray(0, -1), /bytes where its header promises/],
    [
      'its header zeroed',
      (bytes: Buffer) => Buffer.from(bytes).fill(0, 0, 100),
      /does not begin like a SQLite file/,
    ],
    [
      'a format that does not exist (G8)',
      (bytes: Buffer) => Buffer.from(bytes).fill(66, 18, 19),
      /its header names a file format that does not exist/,
    ],
  ])('E5 refuses a store with %s and leaves it alone', async (_, damage, message) => {
    const damaged = damage(await soundStore());
    writeFileSync(path, damaged);
    expect(() => inspectFile(path, DELIVERY_LOG)).toThrow(message);
    expect(() => inspectFile(path, DELIVERY_LOG)).toThrow(/sqlite3 .* \.recover/);
    expect(readFileSync(path)).toEqual(Buffer.from(damaged));
  });

  test('E5 refuses a store whose log was deleted while the log’s index is there', async () => {
    await soundStore();
    writeFileSync(`${path}-shm`, Buffer.alloc(32_768));
    for (const file of [`${path}-wal`]) if (existsSync(file)) execFileSync('rm', [file]);
    expect(() => inspectFile(path, DELIVERY_LOG)).toThrow(
      /-wal is gone while .*-shm is there.*delete .*-shm to go on/,
    );
  });
});

function contentOf(file: string): string | null {
  const about = existsSync(file) ? statSync(file) : undefined;
  return about?.isFile() ? readFileSync(file, 'latin1') : null;
}
