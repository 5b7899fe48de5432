import { describe, expect, test } from 'vitest';
import { startConnectProxy } from '../../helpers/connect-proxy.ts';
import {
  answers,
  deadPort,
  startEndpoint,
  startRawEndpoint,
  startTlsEndpoint,
} from '../../helpers/endpoint.ts';
import { attempt, openTransport, REQUEST } from '../../helpers/open-transport.ts';

/** The endpoint by a name that only the proxy can resolve. */
function named(endpoint: { url: URL; port: number }): URL {
  return new URL(`${endpoint.url.protocol}//other.example:${endpoint.port}/notify?a=b`);
}

describe('through a proxy', () => {
  test('https goes by CONNECT, on one connection for many requests', async () => {
    const [proxy, endpoint] = [await startConnectProxy(), await startTlsEndpoint('other-host')];
    const transport = openTransport(named(endpoint), { proxy: proxy.url, insecure: true });
    for (let i = 0; i < 3; i++)
      expect(await transport.send(REQUEST)).toMatchObject({ outcome: 'delivered', status: 200 });
    expect(proxy.asked).toEqual([`CONNECT other.example:${endpoint.port}`]);
    expect(endpoint.requests.map(({ path }) => path)).toEqual(Array(3).fill('/notify?a=b'));
  });

  test('plain http goes with the whole URL, its headers and bytes as they are', async () => {
    const [proxy, endpoint] = [await startConnectProxy(), await startEndpoint(answers(200))];
    const headers = ['X-Twice', 'a', 'X-Twice', 'b'];
    const body = Buffer.from([0, 255, 10]);
    const transport = openTransport(named(endpoint), { proxy: proxy.url, allowHttp: true });
    expect(await transport.send({ headers, body })).toMatchObject({ outcome: 'delivered' });
    expect(proxy.asked).toEqual([`POST http://other.example:${endpoint.port}/notify?a=b`]);
    const [seen] = endpoint.requests;
    expect(seen?.body).toEqual(body);
    expect(seen?.header('X-Twice')).toBe('a, b');
    expect(seen?.header('Host')).toBe(`other.example:${endpoint.port}`);
  });

  test.each(['http:', 'https:'])(
    'with a user name and password, over %s, which the endpoint does not get to see',
    async (protocol) => {
      const proxy = await startConnectProxy();
      proxy.url.username = 'jo%40x';
      proxy.url.password = 's%3Acret';
      const endpoint = await (protocol === 'http:' ? startEndpoint(answers(200)) : startTlsEndpoint('valid'));
      await attempt(named(endpoint), { proxy: proxy.url, insecure: true, allowHttp: true });
      expect(proxy.credentials).toEqual([`Basic ${Buffer.from('jo@x:s:cret').toString('base64')}`]);
      if (protocol === 'https:') expect(endpoint.requests[0]?.header('Proxy-Authorization')).toBeUndefined();
    },
  );

  test.each([
    [407, /wants a user name and password \(407\)/],
    [403, /forbids this connection \(403\)/],
    [502, /answered 502 instead of connecting/],
  ])('that refuses with %i: refused, and it is the proxy that is named', async (status, words) => {
    const proxy = await startConnectProxy({ refuse: status });
    proxy.url.password = 'canary';
    const result = await attempt(new URL('https://other.example/'), { proxy: proxy.url });
    expect(result).toMatchObject({ outcome: 'refused', status: null });
    expect(result.error).toMatch(words);
    expect(result.error).toContain(proxy.url.host);
    expect(result.error).not.toContain('canary');
  });

  test('that wants a password for plain http: the status is the wire’s, the words name the proxy', async () => {
    const proxy = await startConnectProxy({ refuse: 407 });
    const result = await attempt(new URL('http://other.example/'), { proxy: proxy.url, allowHttp: true });
    expect(result).toMatchObject({ outcome: 'rejected', status: 407 });
    expect(result.error).toContain(`the proxy ${proxy.url.host} wants a user name and password`);
  });

  test.each(['http:', 'https:'])(
    'that is not there, for %s: refused, not an endpoint whose name does not resolve',
    async (protocol) => {
      const proxy = new URL(`http://127.0.0.1:${await deadPort()}`);
      const result = await attempt(new URL(`${protocol}//other.example/`), { proxy, allowHttp: true });
      expect(result).toMatchObject({ outcome: 'refused', status: null });
      expect(result.error).toContain(`the proxy ${proxy.host} cannot be reached`);
    },
  );

  test('that says nothing: the timeout of the attempt ends it', async () => {
    const proxy = await startRawEndpoint((socket) => void socket.resume());
    const result = await attempt(new URL('https://other.example/'), { proxy: proxy.url, timeoutMs: 50 });
    expect(result).toMatchObject({ outcome: 'timeout' });
    await proxy.idle();
  });
});

describe('D11 behind a proxy, which resolves the names', () => {
  test.each(['http://169.254.169.254/', 'https://metadata.google.internal/', 'http://[fe80::1]/'])(
    '%s is blocked before it is asked for',
    async (url) => {
      const proxy = await startConnectProxy();
      expect(await attempt(new URL(url), { proxy: proxy.url })).toMatchObject({ outcome: 'blocked' });
      expect(proxy.asked).toEqual([]);
    },
  );

  test('plain http to a name is blocked without --allow-http: nobody here knows where it leads', async () => {
    const [proxy, endpoint] = [await startConnectProxy(), await startEndpoint(answers(200))];
    const blocked = await attempt(named(endpoint), { proxy: proxy.url });
    expect(blocked).toMatchObject({ outcome: 'blocked', status: null });
    expect(blocked.error).toMatch(/other\.example.*the proxy 127\.0\.0\.1.*--allow-http/);
    expect(proxy.asked).toEqual([]);
  });

  test('D12 what did not come from the user goes there with --allow-private only', async () => {
    const [proxy, endpoint] = [await startConnectProxy(), await startEndpoint(answers(200))];
    const blocked = await attempt(named(endpoint), {
      proxy: proxy.url,
      allowPrivate: false,
      allowHttp: true,
    });
    expect(blocked).toMatchObject({ outcome: 'blocked' });
    expect(blocked.error).toMatch(/other\.example.*the proxy 127\.0\.0\.1.*--allow-private/);
    expect(proxy.asked).toEqual([]);
    expect(
      await attempt(named(endpoint), { proxy: proxy.url, allowPrivate: true, allowHttp: true }),
    ).toMatchObject({
      outcome: 'delivered',
    });
  });
});
