import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startConnectProxy } from '../helpers/connect-proxy.ts';
import { SECRET } from '../helpers/delivery.ts';
import { startTlsEndpoint } from '../helpers/endpoint.ts';
import { channelCommand, runRelay } from '../helpers/relay.ts';
import { BIN, ROOT, spawnCli, start, tempFolder } from '../helpers/spawn-cli.ts';

const tls = (name: string) => join(ROOT, 'fixtures/tls', `${name}.pem`);

/** A world in which `other.example` is known to a proxy alone. */
async function world() {
  const proxy = await startConnectProxy();
  const env = {
    HTTPS_PROXY: proxy.url.href,
    NODE_EXTRA_CA_CERTS: tls('ca'),
    MO_SECRET: SECRET,
  };
  return { proxy, env };
}

test('send-test to https, where a proxy that knows CONNECT is the only way out', async () => {
  const { proxy, env } = await world();
  const endpoint = await startTlsEndpoint('other-host');
  const url = `https://other.example:${endpoint.port}/notify`;
  const { code, out } = await spawnCli(['send-test', url, '-n', '3', '--json'], { env });
  expect([code, endpoint.requests.length]).toEqual([0, 3]);
  expect(JSON.parse(out.trim().split('\n').at(-1) as string)).toMatchObject({ sent: 3, delivered: 3 });
  expect(proxy.asked).toContain(`CONNECT other.example:${endpoint.port}`);
  const without = await spawnCli(['send-test', url, '--retries', '0'], { env: { ...env, HTTPS_PROXY: '' } });
  expect([without.code, endpoint.requests.length]).toEqual([1, 3]);
});

test('listen --tunnel wss, and its probe, through the same', async () => {
  const { proxy, env } = await world();
  const cwd = tempFolder();
  const { io } = await channelCommand(cwd, ['create', 'dev', '--json']);
  const { tunnel_url, token } = JSON.parse(io.out());
  const relay = await runRelay(['--tls-cert', tls('other-host'), '--tls-key', tls('key')], { cwd });
  const place = `other.example:${relay.port}${new URL(tunnel_url).pathname}`;
  const listen = start(
    process.execPath,
    [
      BIN,
      'listen',
      '--port',
      '0',
      '--json',
      '--no-dashboard',
      '--allow-private',
      '--tunnel',
      `wss://${place}`,
    ],
    { env: { ...env, MO_TUNNEL_TOKEN: token } },
  );
  onTestFinished(() => void listen.child.kill());
  await listen.waitFor(/"type":"ready"/);
  const sent = await spawnCli(['send-test', `https://${place}`, '--retries', '0'], { env });
  expect(sent.code).toBe(0);
  await listen.waitFor(/"type":"receipt"/);
  expect(proxy.asked).toContain(`CONNECT other.example:${relay.port}`);
});
