import { describe, expect, test } from 'vitest';
import { signPayload } from '../../src/core/signature.ts';
import { delivery, EVENT, SECRET } from '../helpers/delivery.ts';
import { exchange, openWire, parseAnswer, post } from '../helpers/raw-http.ts';
import { nth, receiptsOf, runRelay, type TestRelay } from '../helpers/relay.ts';

const METRICS = 'a-token-for-metrics';

function ask(relay: TestRelay, method: string, path: string, headers: string[] = []) {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: relay.example', 'Connection: close', ...headers];
  return exchange(relay.port, `${lines.join('\r\n')}\r\n\r\n`).then(parseAnswer);
}

describe('F15 what a stranger learns', () => {
  const CRAWLED = [
    ...[
      '/',
      '/robots.txt',
      '/favicon.ico',
      '/.env',
      '/.git/config',
      '/wp-login.php',
      '/admin',
      '/index.html',
    ],
    ...['/dev1', '/channels', '/healthz/', '/metrics', '//', '/%00', '/.mo-notify/relay.db'],
  ];

  test('of paths that crawlers try: 404 for every method, and a body that says nothing', async () => {
    const relay = await runRelay();
    await relay.channel();
    for (const path of CRAWLED)
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS']) {
        const { status, body, headers } = await ask(relay, method, path);
        expect([method, path, status, body]).toEqual([
          method,
          path,
          404,
          method === 'HEAD' ? '' : 'Not found',
        ]);
        expect(headers.server).toBeUndefined();
        expect(headers['x-powered-by']).toBeUndefined();
      }
  });

  test("of a channel's URL with any method but POST: 405 with Allow, whether anybody listens or not", async () => {
    const relay = await runRelay();
    const channel = await relay.channel();
    const asked = async () => {
      const seen = [];
      for (const method of ['GET', 'HEAD', 'PUT', 'OPTIONS', 'DELETE', 'PATCH', 'TRACE']) {
        const { status, headers, body } = await ask(relay, method, `/${channel.id}`);
        seen.push([method, status, headers.allow, body]);
      }
      return seen;
    };
    const before = await asked();
    for (const [method, status, allow, body] of before)
      expect([status, allow, body]).toEqual([405, 'POST', method === 'HEAD' ? '' : 'Use POST']);
    const listen = await channel.listen();
    expect(await asked()).toEqual(before);
    await channel.publish(nth(0));
    expect(await receiptsOf(listen, 1)).toMatchObject([{ event_id: 'ev_0' }]);
  });

  test('of a request that is no HTTP: 400, and a fault for the owner', async () => {
    const relay = await runRelay();
    expect(parseAnswer(await exchange(relay.port, 'NONSENSE\r\n\r\n'))).toMatchObject({
      status: 400,
      body: '',
    });
    expect(relay.io.out()).toContain('"type":"fault","kind":"bad_request"');
  });
});

test("F15 only a channel's own path carries: nothing around it, before it or in it", async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  const listen = await channel.listen();
  const { id } = channel;
  const encoded = `%${id.charCodeAt(0).toString(16)}${id.slice(1)}`;
  for (const path of [
    ...[
      `/${id}/`,
      `/${id}/admin`,
      `//${id}`,
      `/x/../${id}`,
      `/${id}/..`,
      `/./${id}`,
      `/${encoded}`,
      `/${id}%2f`,
    ],
    ...[`/${id}%00`, `/${id}#x`, `/${id};x`, `/${id.toUpperCase()}0`, `/${id.slice(1)}`, `/${channel.name}`],
  ]) {
    const { status } = await post(relay.port, delivery(), { path });
    expect([path, status < 400]).toEqual([path, false]);
  }
  expect((await post(relay.port, delivery(), { path: `/${id}?a=/../b` })).status).toBe(200);
  expect(await receiptsOf(listen, 1)).toHaveLength(1);
});

test('F15 a POST that offers another version of HTTP is a delivery all the same', async () => {
  const relay = await runRelay();
  const channel = await relay.channel();
  await channel.listen();
  const offer = ['Connection', 'Upgrade, HTTP2-Settings', 'Upgrade', 'h2c', 'HTTP2-Settings', 'AAMAAABk'];
  const head = `POST /${channel.id} HTTP/1.1\r\nHost: x\r\nX-MO-Signature: ${signPayload(EVENT, SECRET)}\r\n`;
  const lines = offer.reduce((text, part, i) => text + part + (i % 2 === 0 ? ': ' : '\r\n'), head);
  const wire = await openWire(relay.port);
  wire.write(`${lines}Content-Length: ${EVENT.length}\r\n\r\n${EVENT}`);
  const [, status] = await wire.waitFor(/^HTTP\/1\.1 (\d+)/);
  wire.socket.destroy();
  expect(status).toBe('200');
});

test('F15 a stranger who offers another protocol has no body read', async () => {
  const relay = await runRelay();
  const wire = await openWire(relay.port);
  wire.write('POST /nothing HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nContent-Length: 1000000\r\n\r\n');
  await wire.waitFor(/^HTTP\/1\.1 4\d\d /);
  wire.socket.destroy();
}, 3000);

describe('F15 /healthz and /metrics', () => {
  test('/healthz says ok, and nothing else', async () => {
    const relay = await runRelay();
    await relay.channel();
    expect(await ask(relay, 'GET', '/healthz')).toMatchObject({ status: 200, body: 'ok' });
    expect(await ask(relay, 'HEAD', '/healthz')).toMatchObject({ status: 200, body: '' });
    const posted = await ask(relay, 'POST', '/healthz');
    expect([posted.status, posted.headers.allow]).toEqual([405, 'GET']);
  });

  test('/metrics wants its token, and has figures without anything that would let somebody publish', async () => {
    const relay = await runRelay([], { env: { MO_RELAY_TOKEN: METRICS } });
    const channel = await relay.channel();
    await channel.publish(nth(0));
    const listen = await channel.listen();
    await channel.publish(nth(1));
    await receiptsOf(listen, 1);
    for (const given of [
      [],
      ['Authorization: Bearer wrong-token-of-some-length'],
      [`Authorization: Basic ${METRICS}`],
    ]) {
      const refused = await ask(relay, 'GET', '/metrics', given);
      expect([refused.status, refused.body]).toEqual([401, 'Unauthorized']);
      expect(refused.headers['www-authenticate']).toBe('Bearer');
    }
    const { status, headers, body } = await ask(relay, 'GET', '/metrics', [
      `Authorization: Bearer ${METRICS}`,
    ]);
    expect([status, headers['content-type']]).toEqual([
      200,
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    ]);
    expect(body).toContain('# TYPE mo_notify_relay_deliveries counter\n');
    expect(body).toContain('mo_notify_relay_deliveries_total{channel="dev1",result="passed"} 1\n');
    expect(body).toContain('mo_notify_relay_deliveries_total{channel="dev1",result="unattended"} 1\n');
    expect(body).toContain('mo_notify_relay_listeners{channel="dev1"} 1\n');
    expect(body).toMatch(/\n# EOF\n$/);
    for (const secret of [channel.id, channel.token, METRICS]) expect(body).not.toContain(secret);
    expect(relay.io.out()).not.toContain(METRICS);
  });
});
