import { chmodSync, cpSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { openStore } from '../../src/store/open.ts';
import { delivery, eventBody, SECRET } from '../helpers/delivery.ts';
import { cannotMount, mountTmpfs } from '../helpers/mount.ts';
import { startReceiver } from '../helpers/receiver-server.ts';
import { collect } from '../helpers/records.ts';
import { soundStore } from '../helpers/sound-store.ts';
import { tempFolder } from '../helpers/spawn-cli.ts';
import { expectRefusal, MAKERS } from '../helpers/store-refusal.ts';
import { startListen, testIo } from '../helpers/test-io.ts';

const umask = process.umask();
afterEach(() => void process.umask(umask));

function post(url: string, i: number): Promise<Response> {
  const { headers, body } = delivery({
    id: `ev_${i}`,
    body: eventBody({ call_id: `MO${i} ${'x'.repeat(2000)}` }),
  });
  const pairs = headers.flatMap((name, at) =>
    at % 2 === 0 ? [[name, headers[at + 1]] as [string, string]] : [],
  );
  return fetch(url, { method: 'POST', headers: pairs, body: new Uint8Array(body) });
}

describe('E4 a store that cannot be had', () => {
  test('in a folder that does not exist', () =>
    expectRefusal(
      join(tempFolder(), 'no', 'such.db'),
      /does not exist\. Create it, or name another --store/,
    ));

  test('with a folder in its place', async () => {
    const path = join(tempFolder(), 'store');
    mkdirSync(path);
    await expectRefusal(path, /is a folder\. Name a file/);
  });

  test('behind a symbolic link, which stays unread', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'real.db'), '');
    symlinkSync('real.db', join(folder, 'link.db'));
    await expectRefusal(join(folder, 'link.db'), /is a symbolic link; name the file it leads to/);
    expect(statSync(join(folder, 'real.db')).size).toBe(0);
  });

  test.skipIf(cannotMount)(
    `on a disk that is read-only${cannotMount ? ` (${cannotMount})` : ''}`,
    async () => {
      const { folder, makeReadOnly } = mountTmpfs('2m');
      const path = join(folder, 'deliveries.db');
      cpSync(await soundStore(), path);
      makeReadOnly();
      await expectRefusal(
        path,
        /cannot be opened for writing \(EROFS\)\. Check its owner and mode, or name another/,
      );
      await expectRefusal(join(folder, 'new.db'), /cannot be opened for writing \(EROFS\)/, MAKERS);
    },
  );
});

test('F18 a store is its owner’s alone, under any umask and though it was not before', async () => {
  process.umask(0);
  const path = join(tempFolder(), 'deliveries.db');
  const listen = await startListen(['--store', path], { env: { MO_SECRET: SECRET } });
  expect((await post(listen.url, 1)).status).toBe(200);
  const modes = () => ['', '-wal', '-shm'].map((suffix) => statSync(path + suffix).mode & 0o777);
  expect(modes()).toEqual([0o600, 0o600, 0o600]);
  for (const suffix of ['', '-wal', '-shm']) chmodSync(path + suffix, 0o644);
  await run(['report', '--store', path], testIo());
  expect(modes()).toEqual([0o600, 0o600, 0o600]);
  await listen.stop();
});

describe.skipIf(cannotMount)(`E3 the disk is full${cannotMount ? ` (${cannotMount})` : ''}`, () => {
  test('listen answers 503, stays up, and takes deliveries again once there is room', async () => {
    const { folder } = mountTmpfs('256k');
    const path = join(folder, 'deliveries.db');
    const listen = await startListen(['--store', path, '--quiet'], { env: { MO_SECRET: SECRET } });
    const acked: string[] = [];
    const send = async (i: number) => {
      const answer = await post(listen.url, i);
      if (answer.status === 200) acked.push(`ev_${i}`);
      return answer;
    };
    expect((await send(0)).status).toBe(200);
    fill(folder);
    let refused = await send(1);
    for (let i = 2; refused.status === 200 && i < 50; i++) refused = await send(i);
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '1']);
    expect(listen.io.err()).toContain(`The disk that holds the store ${path} is full. Free some space.`);
    rmSync(join(folder, 'filler'));
    expect((await send(50)).status).toBe(200);
    await listen.stop();
    const store = await openStore(path);
    expect((await collect(store.receipts({}))).map(({ eventId }) => eventId)).toEqual(acked);
    await store.close();
  });

  test('a command that cannot make its store says so', async () => {
    const { folder } = mountTmpfs('256k');
    fill(folder);
    await expectRefusal(
      join(folder, 'deliveries.db'),
      /disk that holds the store .* is full\. Free some space/,
      MAKERS,
    );
  });

  function fill(folder: string): void {
    const file = join(folder, 'filler');
    const block = Buffer.alloc(4096);
    try {
      for (;;) writeFileSync(file, block, { flag: 'a' });
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    }
  }
});

describe('C8 a store that is locked', () => {
  async function lockedReceiver(limits: { limit?: number; patienceMs?: number }) {
    const path = join(tempFolder(), 'deliveries.db');
    const store = await openStore(path, { limits });
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const { port } = await startReceiver({}, { store });
    return { store, url: `http://127.0.0.1:${port}/`, unlock: () => other.exec('ROLLBACK') };
  }

  test('503 and Retry-After once the queue is full; what is acknowledged is stored, and nothing else', async () => {
    const { store, url, unlock } = await lockedReceiver({ limit: 8, patienceMs: 60_000 });
    const answers: Response[] = [];
    const posting = Array.from({ length: 30 }, (_, i) =>
      post(url, i).then((answer) => void answers.push(answer)),
    );
    await expect.poll(() => answers.length).toBe(22);
    for (const { status, headers } of answers)
      expect([status, headers.get('Retry-After')]).toEqual([503, '1']);
    unlock();
    await Promise.all(posting);
    expect(answers.slice(22).map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(await collect(store.receipts({}))).toHaveLength(8);
    await store.close();
  });

  test('E6 503 for all that waits when the lock outlasts the patience, and then it goes on', async () => {
    const { store, url, unlock } = await lockedReceiver({ patienceMs: 50 });
    const statuses = await Promise.all(
      Array.from({ length: 100 }, (_, i) => post(url, i).then(({ status }) => status)),
    );
    expect(new Set(statuses)).toEqual(new Set([503]));
    unlock();
    expect((await post(url, 100)).status).toBe(200);
    expect((await collect(store.receipts({}))).map(({ eventId }) => eventId)).toEqual(['ev_100']);
    await store.close();
  });
});
