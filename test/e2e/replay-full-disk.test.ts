import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEndpoint } from '../helpers/endpoint.ts';
import { cannotMount, mountTmpfs } from '../helpers/mount.ts';
import { attemptsOf, countByEvent, nthIds, replay, to, type World, world } from '../helpers/replay.ts';
import { runOf, startReplay } from '../helpers/replay-process.ts';

const EVENTS = 400;

/** The same log on a small disk of its own. */
async function worldOnDisk(): Promise<World> {
  const { cwd, env } = await world(EVENTS);
  const { folder } = mountTmpfs('2m');
  const path = join(folder, 'log.db');
  copyFileSync(join(cwd, 'log.db'), path);
  return { cwd: folder, store: `sqlite:${path}`, env: { ...env, MO_NOTIFY_STORE: path } };
}

/** Leaves no room at all; what it writes is what is to be removed again. */
function fill(folder: string): string {
  const path = join(folder, 'filler');
  for (const size of [256 * 1024, 4096]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    }
  }
  return path;
}

describe.skipIf(cannotMount)(
  `E3 the disk fills up during a replay${cannotMount ? ` (${cannotMount})` : ''}`,
  () => {
    // Before, at and after the moments at which the run says how far it may come.
    test.each([2, 100, 128, 129, 130, 258, 384])(
      'at the %ith delivery: exit 3 with the path and no stack; once there is room the rest is sent',
      async (nth) => {
        const where = await worldOnDisk();
        let filler = '';
        const endpoint = await startEndpoint((response, _, n) => {
          if (n === nth) filler = fill(where.cwd);
          response.end();
        });
        const sender = startReplay(where, to(endpoint, '--concurrency', '1'));
        const run = await runOf(sender);
        const { code, err } = await sender.ended;
        expect(err).toMatch(
          /^mo-notify: The disk that holds the store \S+log\.db is full\. Free some space\.\n$/,
        );
        expect(code).toBe(3);
        rmSync(filler);
        const before = countByEvent(endpoint);
        const onRecord = (await attemptsOf(where, run)).map(({ eventId }) => eventId);
        const rest = await replay(where, ['--resume', run]);
        expect([rest.code, rest.io.err().match(/still under way/)]).toEqual([0, null]);
        const after = countByEvent(endpoint);
        expect([...after.keys()].sort()).toEqual(nthIds(EVENTS).sort());
        expect(onRecord.filter((id) => after.get(id) !== before.get(id))).toEqual([]);
      },
    );
  },
);
