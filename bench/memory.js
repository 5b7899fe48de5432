// Memory: 300,000 events through `listen`; resident memory grows by less than 30 MB after the first 30,000.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verdict } from './figures.js';
import { output, ready, start, stop, usage } from './pinned.js';

const FIRST = 30_000;
const STEP = 30_000;
const TOTAL = 300_000;
const env = { MO_SECRET: 'bench-secret' };

export async function memory() {
  console.log(`\nMemory: ${TOTAL} events through listen`);
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-bench-'));
  const listen = start(
    0,
    [
      process.execPath,
      join(import.meta.dirname, '../bin/mo-notify.js'),
      'listen',
      '--port',
      '0',
      '--store',
      `sqlite:${join(folder, 'bench.db')}`,
    ],
    { env, cwd: folder },
  );
  try {
    const port = new URL(await ready(listen)).port;
    const load = (count) =>
      output(1, [process.execPath, join(import.meta.dirname, 'load.js'), port, String(count), '64'], { env });
    await load(FIRST);
    const before = usage(listen.pid);
    if (before === null) return skip();
    const sizes = [before.rss];
    for (let sent = FIRST; sent < TOTAL; sent += STEP) {
      await load(STEP);
      sizes.push(usage(listen.pid).rss);
    }
    console.log(`      resident MiB after each ${STEP}: ${sizes.map((size) => size.toFixed(0)).join(' ')}`);
    return verdict(
      'growth of resident memory, MB',
      [Math.max(...sizes.slice(1)) * 1.048576 - before.rss * 1.048576],
      '< 30',
      (mb) => mb < 30,
      1,
    );
  } finally {
    await stop(listen, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function skip() {
  console.log('      skipped: this machine has no /proc');
  return true;
}

if (process.argv[1] === import.meta.filename) process.exitCode = (await memory()) ? 0 : 1;
