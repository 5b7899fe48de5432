import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { openStore } from '../../src/store/open.ts';
import { delivery, eventBody, SECRET } from '../helpers/delivery.ts';
import { collect } from '../helpers/records.ts';
import { BIN, type Running, start, tempFolder } from '../helpers/spawn-cli.ts';
import { testIo } from '../helpers/test-io.ts';

/** Why system calls cannot be made to fail here; null where they can. */
const cannotInject: string | null = (() => {
  try {
    const failing = [
      '-qq',
      '-o',
      '/dev/null',
      '-e',
      'trace=pwrite64',
      '-e',
      'inject=pwrite64:error=EIO:when=999',
      'true',
    ];
    execFileSync('strace', ['-f', ...failing], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `no strace here: ${(error as Error).message.split('\n')[0]}`;
  }
})();

const SYSCALLS = 'trace=pwrite64,fsync,fdatasync';
/** How often SQLite writes until a new store stands; for a receipt on its own it writes six times. */
const READY = cannotInject === null ? await writesUntilReady() : 0;

async function writesUntilReady(): Promise<number> {
  const folder = tempFolder();
  const trace = join(folder, 'trace');
  const strace = ['-D', '-f', '-qq', '-o', trace, '-e', 'trace=pwrite64'];
  const command = [process.execPath, BIN, 'listen', '--port', '0', '--json', '--quiet'];
  const env = { MO_SECRET: SECRET, NODE_DISABLE_COMPILE_CACHE: '1' };
  const listen = start('strace', [...strace, ...command, '--store', join(folder, 'deliveries.db')], { env });
  await listen.waitFor(/"type":"ready"/);
  listen.child.kill('SIGKILL');
  await listen.ended;
  return readFileSync(trace, 'latin1').match(/pwrite64\(/g)?.length ?? 0;
}

/** `listen` on a new store, with a fault in its Nth write or sync. strace goes to the background: the child is node. */
function listenWith(
  fault: string,
  path = join(tempFolder(), 'deliveries.db'),
): { path: string; listen: Running } {
  const strace = ['-D', '-f', '-qq', '-o', '/dev/null', '-e', SYSCALLS, '-e', `inject=${fault}`];
  const command = [process.execPath, BIN, 'listen', '--port', '0', '--json', '--quiet', '--store', path];
  const env = { MO_SECRET: SECRET, NODE_DISABLE_COMPILE_CACHE: '1' };
  const listen = start('strace', [...strace, ...command], { env });
  onTestFinished(() => void listen.child.kill('SIGKILL'));
  return { path, listen };
}

/** Sends `count` deliveries, one after another: the status of each, or null once nobody answers. */
async function deliver(listen: Running, count: number): Promise<(number | null)[]> {
  const [, url] = await listen.waitFor(/"type":"ready","url":"([^"]+)"/);
  const statuses: (number | null)[] = [];
  for (let i = 0; i < count; i++) {
    const { headers, body } = delivery({ id: `ev_${i}`, body: eventBody({ call_id: `MO${i}` }) });
    const pairs = headers.flatMap((name, at) =>
      at % 2 === 0 ? [[name, headers[at + 1]] as [string, string]] : [],
    );
    const answer = await fetch(url as string, {
      method: 'POST',
      headers: pairs,
      body: new Uint8Array(body),
    }).catch(() => null);
    statuses.push(answer?.status ?? null);
  }
  return statuses;
}

async function storedIds(path: string): Promise<(string | null)[]> {
  const store = await openStore(path);
  const ids = (await collect(store.receipts({}))).map(({ eventId }) => eventId);
  await store.close();
  return ids;
}

const idsOf = (statuses: (number | null)[], status: number) =>
  statuses.flatMap((one, i) => (one === status ? [`ev_${i}`] : []));

describe.skipIf(cannotInject)(
  `E2 a fault in the middle of a write${cannotInject ? ` (${cannotInject})` : ''}`,
  () => {
    test.each([
      ['pwrite64', 1],
      ['pwrite64', 3],
      ['pwrite64', 5],
      ['fsync', 4],
      ['pwrite64', 21],
    ])('killed in %s number %i, as it makes its store: the next command makes it whole', async (call, n) => {
      const { path, listen } = listenWith(`${call}:signal=KILL:when=${n}`);
      expect((await listen.ended).out).toBe('');
      const io = testIo();
      expect([await run(['report', '--store', path, '--quiet'], io), io.err()]).toEqual([0, '']);
      expect(await storedIds(path)).toEqual([]);
    });

    test.each([READY + 8, READY + 16, READY + 27])(
      'killed in write number %i, as it stores: what was acknowledged is there, once',
      async (n) => {
        const { path, listen } = listenWith(`pwrite64:signal=KILL:when=${n}`);
        const statuses = await deliver(listen, 8);
        await listen.ended;
        const acknowledged = idsOf(statuses, 200);
        expect(acknowledged.length).toBeGreaterThan(0);
        expect(statuses.at(-1)).toBeNull();
        const ids = await storedIds(path);
        expect(ids.slice(0, acknowledged.length)).toEqual(acknowledged);
        expect(ids.length - acknowledged.length).toBeLessThanOrEqual(1);
      },
    );

    test.each([
      ['ENOSPC', /The disk that holds the store .*deliveries\.db is full\. Free some space/],
      ['EIO', /The store .*deliveries\.db cannot be used: disk I\/O error .*Check the disk/],
    ])('%s for a while: 503 meanwhile, nothing by halves, 200 again afterwards', async (error, says) => {
      const { path, listen } = listenWith(`pwrite64:error=${error}:when=${READY + 12}..${READY + 14}`);
      const statuses = await deliver(listen, 10);
      expect([statuses[0], statuses.at(-1)]).toEqual([200, 200]);
      expect(idsOf(statuses, 503).length).toBeGreaterThan(0);
      expect(new Set(statuses)).toEqual(new Set([200, 503]));
      listen.child.kill('SIGINT');
      const { code, err } = await listen.ended;
      expect([code, err]).toEqual([130, expect.stringMatching(says)]);
      expect(err).not.toMatch(/\n\s+at /);
      expect(await storedIds(path)).toEqual(idsOf(statuses, 200));
    });

    test('EIO whenever it syncs: it cannot make a store, and says so', async () => {
      const { path, listen } = listenWith('fsync,fdatasync:error=EIO');
      const { code, out, err } = await listen.ended;
      expect([code, out]).toEqual([3, '']);
      expect(err).toMatch(/The store .* cannot be used: disk I\/O error .*Check the disk/);
      expect(err).toContain(path);
    });

    test('EIO as the log is brought into the file at the end: nothing is lost', async () => {
      const { path, listen } = listenWith('fsync,fdatasync:error=EIO:when=7+');
      const statuses = await deliver(listen, 3);
      listen.child.kill('SIGINT');
      expect((await listen.ended).code).toBe(130);
      expect(statuses).toEqual([200, 200, 200]);
      expect(await storedIds(path)).toEqual(['ev_0', 'ev_1', 'ev_2']);
    });
  },
);
