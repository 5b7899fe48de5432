// Replay: at full speed from its store, against `send-test`, whose deliveries they are. 64 connections; endpoint on one
// core, sender on the other; in turn, round by round.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ratios, spread, verdict } from './figures.js';
import { canPin } from './pinned.js';
import { endpointRate } from './rate.js';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const COUNT = Number(process.env.COUNT ?? 40_000);
const bin = join(import.meta.dirname, '../bin/mo-notify.js');

export async function replay() {
  console.log(
    `\nReplay: ${COUNT} deliveries a run, 64 connections, ${ROUNDS} rounds${canPin ? ', endpoint and sender on a core each' : ', not pinned'}`,
  );
  const rates = { sent: [], replayed: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'mo-notify-bench-'));
    const command = (...args) => [
      process.execPath,
      bin,
      ...args,
      ...['--concurrency', '64', '--quiet', '--store', `sqlite:${join(folder, 'bench.db')}`],
    ];
    try {
      rates.sent.push(await endpointRate(folder, (url) => command('send-test', url, '-n', String(COUNT))));
      rates.replayed.push(await endpointRate(folder, (url) => command('replay', '--to', url, '--yes')));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  console.log(`      send-test  ${spread(rates.sent, 0)} events/s`);
  console.log(`      replay     ${spread(rates.replayed, 0)} events/s`);
  return verdict('replay / send-test', ratios(rates.replayed, rates.sent), '≥ 0.85', (r) => r >= 0.85);
}

if (process.argv[1] === import.meta.filename) process.exitCode = (await replay()) ? 0 : 1;
