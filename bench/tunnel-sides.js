// The two ends of a tunnel as processes of their own, for the benchmarks.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start, stop } from './pinned.js';

const root = join(import.meta.dirname, '..');
export const BIN = join(root, 'bin/mo-notify.js');
export const SECRET = 'bench-secret';
export const TLS = [
  '--tls-cert',
  join(root, 'fixtures/tls/valid.pem'),
  '--tls-key',
  join(root, 'fixtures/tls/key.pem'),
];

/** A folder that is gone when the work is done, with all that was started in it. */
export async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-tunnel-'));
  const children = [];
  try {
    return await work(folder, (child) => {
      children.push(child);
      return child;
    });
  } finally {
    for (const child of children) await stop(child, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes a channel; answers with its id and its token. */
export function makeChannel(folder, name, ack = 'app') {
  const args = [
    BIN,
    'relay',
    'channel',
    'create',
    name,
    '--ack',
    ack,
    '--json',
    '--store',
    relayStore(folder),
  ];
  const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  const { publish_url: url, token } = JSON.parse(stdout);
  return { id: url.split('/').at(-1), token };
}

export function makeChannels(folder, count, ack) {
  return Array.from({ length: count }, (_, i) => makeChannel(folder, `channel-${i}`, ack));
}

export function startRelay(folder, { core = 0, port = 0, more = [] } = {}) {
  const args = [
    process.execPath,
    BIN,
    'relay',
    '--json',
    '--port',
    String(port),
    '--store',
    relayStore(folder),
    ...more,
  ];
  return start(core, args, { cwd: folder });
}

export function startListener(folder, { core = 1, url, token, port = 0, more = [] }) {
  const store = `sqlite:${join(folder, 'listener.db')}`;
  const tunnel = url === null ? [] : ['--tunnel', url];
  const args = [
    process.execPath,
    BIN,
    'listen',
    ...more,
    '--no-dashboard',
    '--port',
    String(port),
    '--store',
    store,
    ...tunnel,
  ];
  return start(core, args, {
    cwd: folder,
    env: {
      MO_SECRET: SECRET,
      MO_TUNNEL_TOKEN: token ?? '',
      NODE_EXTRA_CA_CERTS: join(root, 'fixtures/tls/ca.pem'),
    },
  });
}

function relayStore(folder) {
  return `sqlite:${join(folder, 'relay.db')}`;
}
