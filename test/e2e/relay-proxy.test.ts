import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Delivery, delivery, SECRET } from '../helpers/delivery.ts';
import { type Answer, deadPort, type Endpoint, startEndpoint } from '../helpers/endpoint.ts';
import { eventually } from '../helpers/eventually.ts';
import {
  type Change,
  lackReason,
  lacks,
  type ProxyKind,
  type ProxyServer,
  postThrough,
  proxyConfig,
  type Reply,
  startProxy,
  swap,
} from '../helpers/proxy-server.ts';
import { linesOf, runRelay } from '../helpers/relay.ts';
import { BIN, ROOT, type Running, start } from '../helpers/spawn-cli.ts';
import type { TestIo } from '../helpers/test-io.ts';

const KINDS = ['nginx', 'caddy'] as const;

interface Site {
  proxy: ProxyServer;
  relay: TestIo;
  /** Of the one channel there is, from outside. */
  publish: string;
  token: string;
}

interface SiteOptions {
  change?: Change;
  relay?: string[];
  /** Before the channel in the public URL. */
  path?: string;
}

/** A relay that knows its public URL, behind a proxy that knows its port. */
async function startSite(
  kind: ProxyKind,
  { change, relay = [], path = '' }: SiteOptions = {},
): Promise<Site> {
  // The proxy's port is in the relay's public URL, and the relay's in the proxy's configuration.
  const port = await deadPort();
  const proxy = await startProxy(kind, port, change);
  const publicUrl = `${proxy.url}${path}`;
  const { io, channel } = await runRelay(['-v', '--trust-proxy', '--public-url', publicUrl, ...relay], {
    port,
  });
  const { id, token } = await channel();
  // The helper takes all of a URL's path for a channel's name.
  return { proxy, relay: io, publish: `${publicUrl}/${id.split('/').at(-1)}`, token };
}

/** As the platform does it: again, as long as no listener is open. */
function deliver({ publish }: Site, sent: Delivery): Promise<Reply> {
  return eventually(async () => {
    const reply = await postThrough(publish, sent);
    expect(reply.body).not.toContain('No listener is attached');
    return reply;
  });
}

/** A listener as a process of its own, which believes the certificates of fixtures/tls. */
function spawnListener({ publish, token }: Pick<Site, 'publish' | 'token'>, app: Endpoint): Running {
  const tunnel = publish.replace(/^https/, 'wss');
  const argv = ['listen', String(app.port), '--port', '0', '--no-dashboard', '--json', '--tunnel', tunnel];
  const env = {
    MO_SECRET: SECRET,
    MO_TUNNEL_TOKEN: token,
    NODE_EXTRA_CA_CERTS: join(ROOT, 'fixtures/tls/ca.pem'),
  };
  // Both outputs are one, for one to be waited for.
  const running = start('sh', ['-c', 'exec "$0" "$@" 2>&1', process.execPath, BIN, ...argv], { env });
  onTestFinished(() => void running.child.kill('SIGKILL'));
  return running;
}

/** The same, its link proved and live. */
async function startListener(site: Site, app: Endpoint): Promise<Running> {
  const listener = spawnListener(site, app);
  await listener.waitFor(/"state":"live"/);
  return listener;
}

const LIVE_AGAIN = /"state":"lost"[\s\S]*"state":"live"/;

async function ended(listener: Running): Promise<string> {
  listener.child.kill('SIGINT');
  return (await listener.ended).out;
}

const ok: Answer = (response) => response.end('the app says so');

describe.each(KINDS)('%s', (kind) => {
  const suite = describe.skipIf(lacks(kind));

  suite(`the documented configuration${lackReason(kind)}`, () => {
    test('the link, the probe, bytes and signature, and who sent it', async () => {
      const app = await startEndpoint(ok);
      const site = await startSite(kind);
      const listener = await startListener(site, app);
      const [, tunnel] = await listener.waitFor(/"type":"ready".*"tunnel":"([^"]+)"/);
      expect(tunnel).toBe(site.publish);

      const body = Buffer.from(
        '{"event":"call_connected", "call_id":"\\u00e9\\/é","timestamp":"2025-07-21T12:45:00Z"}\r\n',
      );
      const sent = delivery({ body, headers: ['X-Forwarded-For', '6.6.6.6', 'X-Forwarded-Proto', 'gopher'] });
      const answer = await deliver(site, sent);
      expect([answer.status, answer.body]).toEqual([200, 'the app says so']);
      const [seen] = app.requests;
      expect(seen?.body).toEqual(body);
      expect(seen?.header('X-MO-Signature')).toBe(sent.headers[5]);
      expect(seen?.header('X-MO-Event-Id')).toBe('ev_1');
      expect(seen?.header('X-Forwarded-For')).toBe('127.0.0.2');
      expect(seen?.header('X-Forwarded-Proto')).toBe('https');
      expect(seen?.header('X-Forwarded-Host')).toMatch(/^localhost(?::\d+)?$/);
      await listener.waitFor(/"event_id":"ev_1".*"signature":"valid"/);
      // Whoever attaches is told by the proxy, too.
      const attached = linesOf(site.relay, 'listener').filter(({ state }) => state === 'attached');
      expect(attached).toMatchObject([{ address: '127.0.0.1' }]);
    });

    test('a restart of the proxy: the listener is back, and nothing is lost that the platform tries again', async () => {
      const app = await startEndpoint(ok);
      const site = await startSite(kind);
      const listener = await startListener(site, app);
      await site.proxy.stop();
      await listener.waitFor(/"state":"lost"/);
      await expect(postThrough(site.publish, delivery())).rejects.toThrow('ECONNREFUSED');
      await site.proxy.start();
      await listener.waitFor(LIVE_AGAIN);
      expect((await deliver(site, delivery())).status).toBe(200);
      expect(app.requests).toHaveLength(1);
    });

    test('the relay gone: 502', async () => {
      const proxy = await startProxy(kind, 1);
      expect((await postThrough(`${proxy.url}/any`, delivery())).status).toBe(502);
    });

    test.each(['kept', 'cut off'])('under a path that is %s', async (what) => {
      const change =
        kind === 'nginx'
          ? swap(
              /location \/ \{\s*proxy_pass http:\/\/mo-notify-relay/,
              `location /mo/ { proxy_pass http://mo-notify-relay${what === 'kept' ? '' : '/'}`,
            )
          : swap(
              /(\treverse_proxy[\s\S]*)\}\n$/,
              `${what === 'kept' ? 'handle' : 'handle_path'} /mo/* {\n$1}\n}\n`,
            );
      const app = await startEndpoint(ok);
      const site = await startSite(kind, { change, path: '/mo' });
      await startListener(site, app);
      expect(site.publish).toMatch(/\/mo\/[\da-f]{40}$/);
      expect((await deliver(site, delivery())).status).toBe(200);
      const outside = await postThrough(site.publish.replace('/mo/', '/'), delivery({ id: 'ev_2' }));
      expect(outside).not.toMatchObject({ body: 'the app says so' });
      expect(app.requests).toHaveLength(1);
    });
  });
});

describe.skipIf(lacks('nginx'))(`nginx' limits${lackReason('nginx')}`, () => {
  const SMALL = swap(/client_max_body_size 1m/, 'client_max_body_size 2000');
  const bytes = (count: number) => delivery({ body: Buffer.alloc(count, 32) });

  test('bodies: above its own limit nginx answers 413, below it the relay', async () => {
    const { proxy, relay, publish } = await startSite('nginx', {
      change: SMALL,
      relay: ['--max-body', '1000'],
    });
    const mine = await postThrough(publish, bytes(1001));
    expect([mine.status, mine.body]).toEqual([413, 'Body too large']);
    const told = () => linesOf(relay, 'fault');
    expect(told()).toMatchObject([{ kind: 'too_large', detail: '1001 bytes declared' }]);
    const nginx = await postThrough(publish, bytes(2001));
    expect(nginx.status).toBe(413);
    expect(nginx.body).toContain('<title>413 Request Entity Too Large</title>');
    expect(told()).toHaveLength(1);
    // Without buffering the relay's answer comes before the body is through.
    await proxy.reload(
      swap(/client_max_body_size 1m/, 'client_max_body_size 0; proxy_request_buffering off'),
    );
    const unbuffered = await postThrough(publish, bytes(2001));
    expect([unbuffered.status, unbuffered.body]).toEqual([413, 'Body too large']);
  });

  test('1m is 1 MiB, which is what the relay takes without flags', async () => {
    const { relay, publish } = await startSite('nginx');
    // No listener: a body that is let through is answered 503.
    expect((await postThrough(publish, bytes(1024 ** 2))).status).toBe(503);
    expect((await postThrough(publish, bytes(1024 ** 2 + 1))).body).toContain('<html>');
    expect(linesOf(relay, 'fault')).toEqual([]);
  });

  const IMPATIENT = swap(/proxy_read_timeout 60s/, 'proxy_read_timeout 3s');

  test('an app slower than proxy_read_timeout: 504 from nginx, the app has it all the same; heartbeats keep the link', async () => {
    const held: (() => void)[] = [];
    const app = await startEndpoint((response) => void held.push(() => response.end('late')));
    const site = await startSite('nginx', { change: IMPATIENT, relay: ['--heartbeat', '1s'] });
    const listener = await startListener(site, app);
    // The link says nothing but its heartbeat for the three seconds that this takes.
    const answer = await deliver(site, delivery());
    expect([answer.status, answer.headers['retry-after']]).toEqual([504, undefined]);
    expect(answer.body).toContain('<title>504 Gateway Time-out</title>');
    await app.arrived(1);
    held[0]?.();
    await listener.waitFor(/"event_id":"ev_1".*"status":200/);
    const again = await postThrough(site.publish, delivery({ headers: ['X-MO-Delivery-Attempt', '2'] }));
    expect(again.status).toBe(200);
    expect(app.requests).toHaveLength(1);
    expect(await ended(listener)).not.toContain('"state":"lost"');
  });

  test('a heartbeat slower than proxy_read_timeout: nginx cuts the link, again and again', async () => {
    const app = await startEndpoint(ok);
    const site = await startSite('nginx', {
      change: swap(/proxy_read_timeout 60s/, 'proxy_read_timeout 1s'),
    });
    const listener = await startListener(site, app);
    await listener.waitFor(/"state":"lost","reason":"the connection broke"/);
    await listener.waitFor(LIVE_AGAIN);
  });

  test('a reload keeps the link: the worker of before goes on with it', async () => {
    const app = await startEndpoint(ok);
    const site = await startSite('nginx');
    const listener = await startListener(site, app);
    await site.proxy.reload(SMALL);
    expect((await deliver(site, delivery())).status).toBe(200);
    expect((await postThrough(site.publish, bytes(2001))).status).toBe(413);
    expect(await ended(listener)).not.toContain('"state":"lost"');
  });

  test('without the Upgrade header nothing attaches, and the listener says what it was told', async () => {
    const app = await startEndpoint(ok);
    const change = swap(/proxy_set_header Upgrade .*\n/, '');
    const listener = spawnListener(await startSite('nginx', { change }), app);
    await listener.waitFor(/does not answer like a mo-notify relay: it answered 405 \(Use POST\)/);
  });
});

describe.skipIf(lacks('caddy'))(`Caddy's limits${lackReason('caddy')}`, () => {
  test('bodies: it has no limit of its own, the relay answers 413', async () => {
    const { relay, publish } = await startSite('caddy', { relay: ['--max-body', '1000'] });
    const answer = await postThrough(publish, delivery({ body: Buffer.alloc(2 * 1024 ** 2, 32) }));
    expect([answer.status, answer.body]).toEqual([413, 'Body too large']);
    expect(linesOf(relay, 'fault')).toMatchObject([{ kind: 'too_large', detail: '2097152 bytes declared' }]);
  });

  test('it waits as long as the app takes, unless response_header_timeout says otherwise: 504', async () => {
    const held: (() => void)[] = [];
    const app = await startEndpoint((response) => void held.push(() => response.end('late')));
    const site = await startSite('caddy', {
      change: swap(/keepalive 30s/, 'keepalive 30s\n\t\t\tresponse_header_timeout 1s'),
    });
    const listener = await startListener(site, app);
    const answer = await deliver(site, delivery());
    expect([answer.status, answer.body]).toEqual([504, '']);
    await app.arrived(1);
    held[0]?.();
    await listener.waitFor(/"event_id":"ev_1".*"status":200/);
  });

  test('a reload ends the link, and the listener is back', async () => {
    const app = await startEndpoint(ok);
    const site = await startSite('caddy');
    const listener = await startListener(site, app);
    await site.proxy.reload();
    await listener.waitFor(/"state":"lost","reason":"closed \(1001\)"/);
    await listener.waitFor(LIVE_AGAIN);
    expect((await deliver(site, delivery())).status).toBe(200);
  });
});

test('docs/relay-proxies.md has these very configurations', () => {
  const page = readFileSync(join(ROOT, 'docs/relay-proxies.md'), 'utf8');
  const folder = '/etc/letsencrypt/live/relay.example.com';
  const places = {
    RELAY: '127.0.0.1:4810',
    LISTEN: '443',
    NAME: 'relay.example.com',
    SITE: 'relay.example.com',
    HERE: '',
    CERTIFICATE: `${folder}/fullchain.pem`,
    KEY: `${folder}/privkey.pem`,
  };
  expect(page).toContain(`\`\`\`nginx\n${proxyConfig('nginx', places)}\`\`\``);
  expect(page).toContain(`\`\`\`text\n${proxyConfig('caddy', places)}\`\`\``);
  // And every relay on it is started as it is here.
  const relays = page.match(/mo-notify relay --public-url \S+[^\n`]*/g) ?? [];
  expect(relays.length).toBeGreaterThan(2);
  for (const relay of relays) expect(relay).toContain('--trust-proxy');
});
