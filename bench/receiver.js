// Receiver: `listen` with its store on, against a server that only reads the body, a minimal node:http receiver and the
// platform article's Express sample, none of which stores anything. 64 keep-alive connections, every event distinct and
// rightly signed; server on one core, load on the other; the four in turn, round by round.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ratios, spread, verdict } from './figures.js';
import { canPin, output, ready, start, stop, usage } from './pinned.js';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const COUNT = Number(process.env.COUNT ?? 40_000);
const CONNECTIONS = 64;
const root = join(import.meta.dirname, '..');
const env = { MO_SECRET: 'bench-secret' };

const SIDES = {
  listen: (folder) => [
    process.execPath,
    join(root, 'bin/mo-notify.js'),
    'listen',
    '--port',
    '0',
    '--store',
    `sqlite:${join(folder, 'bench.db')}`,
  ],
  read: () => [process.execPath, join(import.meta.dirname, 'peers.js'), 'read'],
  minimal: () => [process.execPath, join(import.meta.dirname, 'peers.js'), 'minimal'],
  express: () => [process.execPath, join(import.meta.dirname, 'peers.js'), 'express'],
};

export async function receiver() {
  console.log(
    `\nReceiver: ${COUNT} events a run, ${CONNECTIONS} connections, ${ROUNDS} rounds${canPin ? ', server and load on a core each' : ', not pinned'}`,
  );
  const rates = {};
  const costs = {};
  const sides = process.env.SIDES?.split(',') ?? Object.keys(SIDES);
  for (const side of sides) {
    rates[side] = [];
    costs[side] = [];
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of sides) {
      const { rate, cost } = await measure(side);
      rates[side].push(rate);
      costs[side].push(cost);
    }
  }
  for (const side of sides)
    console.log(
      `      ${side.padEnd(10)} ${spread(rates[side], 0)} events/s   ${spread(costs[side], 1)} µs CPU an event`,
    );
  if (process.env.SIDES) return true;
  const to = (side) => ratios(rates.listen, rates[side]);
  return [
    verdict('listen / minimal receiver', to('minimal'), '≥ 0.65', (r) => r >= 0.65),
    verdict('listen / Express sample', to('express'), '≥ 2.2', (r) => r >= 2.2),
    verdict('listen / server that only reads the body', to('read'), null),
  ].every(Boolean);
}

async function measure(side) {
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-bench-'));
  const server = start(0, SIDES[side](folder), { env, cwd: folder });
  try {
    const url = await ready(server);
    const load = (count) =>
      output(
        1,
        [
          process.execPath,
          join(import.meta.dirname, 'load.js'),
          new URL(url).port,
          String(count),
          String(CONNECTIONS),
        ],
        { env },
      );
    await load(5000);
    const before = usage(server.pid);
    const { text } = await load(COUNT);
    const after = usage(server.pid);
    const result = JSON.parse(text);
    if (result.refused > 0) throw new Error(`${side} refused ${result.refused} of ${COUNT}`);
    return {
      rate: result.rate,
      cost: before === null ? Number.NaN : ((after.cpu - before.cpu) / COUNT) * 1e6,
    };
  } finally {
    await stop(server, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) process.exitCode = (await receiver()) ? 0 : 1;
