// Tunnel: what relay and listener on loopback add to a direct delivery, and how many they carry; with TLS against an
// `ssh -R` of Debian's openssh-server to the same receiver; what a relay takes in store-and-forward against `listen` with
// its store. All in turn, round by round; relay and load on one core, the listener on the other. ROUNDS, COUNT;
// SIDES='tunnel;ssh -R' for some only. localtunnel stands beside it where it can be had.
import { join } from 'node:path';
import { ratios, spread, verdict } from './figures.js';
import { installLocaltunnel, startLocaltunnel } from './localtunnel.js';
import { canPin, output, ready } from './pinned.js';
import { startSsh } from './ssh.js';
import { inFolder, makeChannel, SECRET, startListener, startRelay, TLS } from './tunnel-sides.js';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const COUNT = Number(process.env.COUNT ?? 20_000);
const SINGLE = 3000;
const CONNECTIONS = 64;

/** Loads a port; answers with requests a second, and the median of one at a time. */
async function load(port, { path = '/', tls = false, app = true, host = null } = {}) {
  const env = { MO_SECRET: SECRET, BENCH_PATH: path };
  if (tls) env.BENCH_TLS = '1';
  if (host !== null) env.BENCH_HOST = host;
  const fire = async (count, connections, more = {}) => {
    const args = [process.execPath, join(import.meta.dirname, 'load.js'), port, count, connections].map(
      String,
    );
    const { text } = await output(0, args, { env: { ...env, ...more } });
    const result = JSON.parse(text);
    if (result.refused > 0) throw new Error(`${result.refused} of ${count} were refused`);
    return result;
  };
  await fire(2000, CONNECTIONS);
  const { rate } = await fire(COUNT, CONNECTIONS);
  const { p50 } = app ? await fire(SINGLE, 1, { BENCH_TIMES: '1' }) : { p50: Number.NaN };
  return { rate, p50 };
}

const portOf = (url) => Number(new URL(url).port);

const SIDES = {
  direct: () =>
    inFolder(async (folder, keep) => load(portOf(await ready(keep(startListener(folder, { url: null })))))),
  tunnel: () => tunnelled(false),
  'tunnel, TLS': () => tunnelled(true),
  'ssh -R': () =>
    inFolder(async (folder, keep) => {
      const url = await ready(keep(startListener(folder, { url: null })));
      return load(await startSsh(folder, keep, portOf(url)));
    }),
  localtunnel: (installed) =>
    inFolder(async (folder, keep) => {
      const target = portOf(await ready(keep(startListener(folder, { url: null }))));
      const { port, host } = await startLocaltunnel(installed, keep, target);
      return load(port, { host });
    }),
  kept: () =>
    inFolder(async (folder, keep) => {
      const { id } = makeChannel(folder, 'bench', 'relay');
      const more = ['--max-queue', '1GiB'];
      const relay = keep(startRelay(folder, { core: 1, more }));
      return load(portOf(await ready(relay)), { path: `/${id}`, app: false });
    }),
};

function tunnelled(tls) {
  return inFolder(async (folder, keep) => {
    const { id, token } = makeChannel(folder, 'bench');
    const relay = keep(startRelay(folder, { more: tls ? TLS : [] }));
    const port = portOf(await ready(relay));
    await ready(
      keep(startListener(folder, { url: `${tls ? 'wss' : 'ws'}://127.0.0.1:${port}/${id}`, token })),
    );
    return load(port, { path: `/${id}`, tls });
  });
}

export const tunnel = () =>
  inFolder(async (installed) => {
    const wanted = process.env.SIDES?.split(';') ?? Object.keys(SIDES);
    if (!wanted.includes('localtunnel') || installLocaltunnel(installed)) return compare(wanted, installed);
    console.log('\n      localtunnel cannot be had from npm here, and is left out');
    const others = wanted.filter((side) => side !== 'localtunnel');
    return compare(others, installed);
  });

async function compare(sides, installed) {
  console.log(
    `\nTunnel: ${COUNT} deliveries a run over ${CONNECTIONS} connections, ${SINGLE} over one, ${ROUNDS} rounds${canPin ? ', relay and load on one core, the listener on the other' : ', not pinned'}`,
  );
  const found = Object.fromEntries(sides.map((side) => [side, { rate: [], p50: [] }]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of sides) {
      const { rate, p50 } = await SIDES[side](installed);
      found[side].rate.push(rate);
      found[side].p50.push(p50);
    }
  }
  for (const side of sides)
    console.log(
      `      ${side.padEnd(12)} ${spread(found[side].rate, 0)} deliveries/s${Number.isNaN(found[side].p50[0]) ? '' : `   ${spread(found[side].p50, 2)} ms one at a time`}`,
    );
  if (process.env.SIDES) return true;
  const added = found.tunnel.p50.map((ms, i) => ms - found.direct.p50[i]);
  return [
    verdict('added to a direct delivery, median, ms', added, '≤ 1.5', (ms) => ms <= 1.5),
    verdict(
      'tunnel / direct, deliveries a second',
      ratios(found.tunnel.rate, found.direct.rate),
      '≥ 0.3',
      (r) => r >= 0.3,
    ),
    verdict(
      'tunnel with TLS / ssh -R, the same',
      ratios(found['tunnel, TLS'].rate, found['ssh -R'].rate),
      '≥ 1',
      (r) => r >= 1,
    ),
    verdict(
      'store-and-forward ingest / listen with its store',
      ratios(found.kept.rate, found.direct.rate),
      '≥ 0.5',
      (r) => r >= 0.5,
    ),
  ].every(Boolean);
}

if (process.argv[1] === import.meta.filename) process.exitCode = (await tunnel()) ? 0 : 1;
