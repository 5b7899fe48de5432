// Sender: `send-test` with its store on, against a bare loop on undici that only signs and sends, and against autocannon
// (unsigned, one fixed body). 64 connections; endpoint on one core, sender on the other; in turn, round by round. Rates
// are the endpoint's, from the first request to the last, so nobody's start-up counts.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ratios, spread, verdict } from './figures.js';
import { canPin } from './pinned.js';
import { endpointRate } from './rate.js';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const COUNT = Number(process.env.COUNT ?? 40_000);
const CONNECTIONS = '64';
const root = join(import.meta.dirname, '..');
const autocannon = join(
  dirname(createRequire(import.meta.url).resolve('autocannon/package.json')),
  'autocannon.js',
);
const node = process.execPath;

const SIDES = {
  'send-test': (url, folder) => [
    node,
    join(root, 'bin/mo-notify.js'),
    'send-test',
    url,
    '-n',
    String(COUNT),
    '--concurrency',
    CONNECTIONS,
    '--quiet',
    '--store',
    `sqlite:${join(folder, 'bench.db')}`,
  ],
  undici: (url) => [node, join(import.meta.dirname, 'bare-sender.js'), url, String(COUNT), CONNECTIONS],
  autocannon: (url) => [
    node,
    autocannon,
    '-m',
    'POST',
    '-c',
    CONNECTIONS,
    '-a',
    String(COUNT),
    '-b',
    '{"event":"call_connected","call_id":"MO123456789"}',
    url,
  ],
};

export async function sender() {
  console.log(
    `\nSender: ${COUNT} events a run, ${CONNECTIONS} connections, ${ROUNDS} rounds${canPin ? ', endpoint and sender on a core each' : ', not pinned'}`,
  );
  const rates = Object.fromEntries(Object.keys(SIDES).map((side) => [side, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of Object.keys(SIDES)) rates[side].push(await measure(side));
  }
  for (const side of Object.keys(SIDES))
    console.log(`      ${side.padEnd(10)} ${spread(rates[side], 0)} events/s`);
  const to = (side) => ratios(rates['send-test'], rates[side]);
  return [
    verdict('send-test / bare undici loop', to('undici'), '≥ 0.75', (r) => r >= 0.75),
    verdict('send-test / autocannon', to('autocannon'), null),
  ].every(Boolean);
}

async function measure(side) {
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-bench-'));
  try {
    return await endpointRate(folder, (url) => SIDES[side](url, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) process.exitCode = (await sender()) ? 0 : 1;
