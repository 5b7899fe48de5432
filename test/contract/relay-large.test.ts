import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RelayStore } from '../../src/core/relay-store.ts';
import { openRelayStore } from '../../src/store/open.ts';
import { cannotMount, mountTmpfs } from '../helpers/mount.ts';
import { channelOf } from './relay-store.ts';

const LARGE = Buffer.alloc(200_000, 'large');
let path: string;
let store: RelayStore;
beforeEach(async () => {
  path = join(mkdtempSync(join(tmpdir(), 'mo-notify-relay-')), 'relay.db');
  store = await openRelayStore(path);
});
afterEach(() => store.close());

const folder = () => `${path}.contents`;
const files = () => (existsSync(folder()) ? readdirSync(folder()) : []);
/** Nobody waits for files to be removed, but they are. */
async function filesLeft(count: number): Promise<string[]> {
  while (files().length > count) await turn();
  return files();
}

test('F14 a large content is a file beside the store, a small one is not', async () => {
  await store.keep('c', 1, [LARGE.subarray(0, 65_536)]);
  expect(files()).toEqual([]);
  await store.keep('c', 1, [LARGE.subarray(0, 65_537)]);
  const [file] = files();
  expect(statSync(join(folder(), file as string)).size).toBe(65_537);
});

test('F18 such a file, and its folder, are their owner’s alone, whatever the umask', async () => {
  const before = process.umask(0);
  try {
    await store.keep('c', 1, [LARGE]);
  } finally {
    process.umask(before);
  }
  const [file] = files();
  const modes = [folder(), join(folder(), file as string)].map((name) => statSync(name).mode & 0o777);
  expect(modes).toEqual([0o700, 0o600]);
});

test('its file goes when it is dropped, or its channel is removed, and no other does', async () => {
  await store.addChannel(channelOf('dev'));
  const first = await store.keep('other', 1, [LARGE]);
  const [others] = files();
  const second = await store.keep('other', 1, [LARGE]);
  await store.keep('id-dev', 1, [LARGE]);
  expect(files()).toHaveLength(3);
  await store.drop([second]);
  expect(await filesLeft(2)).toContain(others);
  expect(await store.removeChannel('id-dev')).toBe(1);
  expect(await filesLeft(1)).toEqual([others]);
  expect((await store.content(first))?.length).toBe(LARGE.length);
});

test('F11 tidy removes what no delivery names, as an end in the midst of writing leaves it, and nothing else', async () => {
  await store.tidy();
  const kept = await store.keep('c', 1, [LARGE]);
  const own = files();
  writeFileSync(join(folder(), '0123456789abcdef01234567'), 'half of');
  await store.tidy();
  expect(await filesLeft(1)).toEqual(own);
  expect(Buffer.from((await store.content(kept)) as Uint8Array).equals(LARGE)).toBe(true);
});

test('where no file can be made, it is not kept, and the message says where and why', async () => {
  writeFileSync(folder(), 'in the way');
  await expect(store.keep('c', 1, [LARGE])).rejects.toMatchObject({
    name: 'EnvironmentError',
    message: expect.stringContaining(`${folder()} cannot be written (EEXIST)`),
  });
  expect(await store.waiting()).toEqual([]);
});

test('a content whose file somebody has removed is gone, and no error', async () => {
  const seq = await store.keep('c', 1, [LARGE]);
  rmSync(folder(), { recursive: true });
  expect(await store.content(seq)).toBeNull();
});

test('a content in pieces, one of them empty, is kept in their order, and read back for the caller alone', async () => {
  const pieces = [LARGE.subarray(0, 7), Buffer.alloc(0), LARGE.subarray(7, 150_001), LARGE.subarray(150_001)];
  const seq = await store.keep('c', 1, pieces);
  const read = (await store.content(seq)) as Uint8Array;
  expect(LARGE.equals(read)).toBe(true);
  expect(read.length).toBe(read.buffer.byteLength);
  read.fill(0);
  expect(LARGE.equals((await store.content(seq)) as Uint8Array)).toBe(true);
});

test('a content whose file has lost its end is gone: half a body is nobody’s', async () => {
  const seq = await store.keep('c', 1, [LARGE]);
  truncateSync(join(folder(), files()[0] as string), LARGE.length - 1);
  expect(await store.content(seq)).toBeNull();
});

test.skipIf(cannotMount !== null)(
  'E3 a large content of which only the beginning finds room is not kept, and leaves nothing behind',
  async () => {
    const { folder: disk } = mountTmpfs('1m');
    const small = await openRelayStore(join(disk, 'relay.db'));
    const pieces = Array.from({ length: 30 }, () => Buffer.alloc(65_536, 'x'));
    await expect(small.keep('c', 1, pieces)).rejects.toMatchObject({
      message: expect.stringContaining(`The disk that holds ${join(disk, 'relay.db.contents')} is full`),
    });
    expect(await small.waiting()).toEqual([]);
    while (readdirSync(join(disk, 'relay.db.contents')).length > 0) await turn();
    const seq = await small.keep('c', 1, [LARGE]);
    expect(LARGE.equals((await small.content(seq)) as Uint8Array)).toBe(true);
    await small.close();
  },
);
