import type { LookupAddress } from 'node:dns';
import net, { type LookupFunction, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { answers, deadPort, type Endpoint, startEndpoint } from '../../helpers/endpoint.ts';
import { attempt, openTransport, REQUEST } from '../../helpers/open-transport.ts';

/** The addresses that connections were really tried to. */
let reached: string[] = [];

/** An internet that is wholly on this machine: whatever address a connection goes to, this port answers. */
beforeEach(() => {
  reached = [];
  const connect = net.connect as (options: TcpSocketConnectOpts) => Socket;
  vi.spyOn(net, 'connect').mockImplementation(((options: TcpSocketConnectOpts) => {
    const host = options.host as string;
    if (net.isIP(host) !== 0) reached.push(host);
    const lookup: LookupFunction = (name, lookupOptions, callback) =>
      options.lookup?.(name, lookupOptions, (error, found) => {
        if (error) return callback(error, '', 0);
        const addresses = found as unknown as LookupAddress[];
        reached.push(...addresses.map(({ address }) => address));
        callback(null, [{ address: '127.0.0.1', family: 4 }]);
      });
    return connect({ ...options, host: net.isIP(host) === 0 ? host : '127.0.0.1', lookup });
  }) as typeof net.connect);
});
afterEach(() => vi.restoreAllMocks());

/** A resolver with a script: each look-up takes the next answer, the last one serves for ever. */
function resolver(...script: string[][]): LookupFunction {
  let asked = 0;
  return (_host, _options, callback) => {
    const found = script[Math.min(asked++, script.length - 1)] as string[];
    callback(
      null,
      found.map((address) => ({ address, family: net.isIP(address) })),
    );
  };
}

const closing = () => startEndpoint(answers([200, { Connection: 'close' }]));

describe('D11 link-local, metadata and reserved addresses are blocked in every mode', () => {
  const literals = [
    'http://169.254.169.254/latest/meta-data/',
    'https://169.254.169.254/',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://0xA9.0xFE.0xA9.0xFE/',
    'http://0251.0376.0251.0376/',
    'http://169.16689662/',
    'http://１６９。２５４。１６９。２５４/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[::169.254.169.254]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[2002:a9fe:a9fe::]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://100.100.100.200/',
    'http://0/',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://metadata.google.internal/',
    'http://METADATA.google.internal./',
  ];
  test.each(literals)('%s', async (url) => {
    const lookup = resolver(['127.0.0.1']);
    for (const allowPrivate of [true, false]) {
      const result = await attempt(new URL(url), { allowPrivate, lookup });
      expect(result).toMatchObject({ outcome: 'blocked', status: null });
      expect(result.error).toMatch(/link-local, metadata or reserved address|metadata service/);
    }
    expect(reached).toEqual([]);
  });

  test.each([['169.254.169.254'], ['::ffff:a9fe:a9fe'], ['fe80::1'], ['0.0.0.0']])(
    'a name that resolves to %s',
    async (address) => {
      const result = await attempt(new URL('http://hooks.example/'), { lookup: resolver([address]) });
      expect(result).toMatchObject({ outcome: 'blocked', status: null });
      expect(result.error).toContain(`hooks.example (${address})`);
      expect(reached).toEqual([]);
    },
  );

  test.each([
    [['169.254.169.254', '93.184.215.14', '10.0.0.1']],
    [['93.184.215.14', '169.254.169.254', '10.0.0.1']],
  ])('of several addresses of a name (%j) only the permitted one is tried', async (found) => {
    const endpoint = await closing();
    const url = new URL(`http://hooks.example:${endpoint.port}/`);
    const result = await attempt(url, { lookup: resolver(found), allowPrivate: false, allowHttp: true });
    expect(result).toMatchObject({ outcome: 'delivered' });
    expect(reached).toEqual(['93.184.215.14']);
  });
});

describe('D11 a name that is rebound between two connections is blocked at the second', () => {
  test.each([
    ['private, where private ones are not allowed', '10.0.0.1', false],
    ['loopback, where private ones are not allowed', '127.0.0.1', false],
    ['metadata, where private ones are allowed', '169.254.169.254', true],
  ])('first public, then %s', async (_, second, allowPrivate) => {
    const endpoint = await closing();
    const url = new URL(`http://hooks.example:${endpoint.port}/`);
    const transport = openTransport(url, {
      allowPrivate,
      allowHttp: true,
      lookup: resolver(['93.184.215.14'], [second]),
    });
    expect(await transport.send(REQUEST)).toMatchObject({ outcome: 'delivered' });
    await endpoint.idle();
    expect(await transport.send(REQUEST)).toMatchObject({ outcome: 'blocked', status: null });
    expect(reached).toEqual(['93.184.215.14']);
    expect(endpoint.requests).toHaveLength(1);
  });
});

describe('plain http', () => {
  const words = expect.stringMatching(/93\.184\.215\.14.* is a public address.*--allow-http permits it/);

  test.each(['hooks.example', '93.184.215.14'])(
    'to %s, a public address, is blocked where it is not permitted',
    async (host) => {
      const endpoint = await closing();
      const url = new URL(`http://${host}:${endpoint.port}/`);
      const lookup = resolver(['93.184.215.14']);
      expect(await attempt(url, { lookup })).toMatchObject({
        outcome: 'blocked',
        status: null,
        error: words,
      });
      expect([reached, endpoint.connections()]).toEqual([[], 0]);
      const permitted = await attempt(url, { lookup, allowHttp: true });
      // A literal address is not there; what matters is that it was tried.
      if (host !== '93.184.215.14') expect(permitted).toMatchObject({ outcome: 'delivered' });
      expect(reached).toEqual(['93.184.215.14']);
    },
  );

  test('to a name with public and private addresses goes to a private one', async () => {
    const endpoint = await closing();
    const url = new URL(`http://hooks.example:${endpoint.port}/`);
    const result = await attempt(url, { lookup: resolver(['93.184.215.14', '10.0.0.1']) });
    expect(result).toMatchObject({ outcome: 'delivered' });
    expect(reached).toEqual(['10.0.0.1']);
  });

  test('to a name that was private and is public by now is blocked', async () => {
    const endpoint = await closing();
    const url = new URL(`http://hooks.example:${endpoint.port}/`);
    const transport = openTransport(url, { lookup: resolver(['10.0.0.1'], ['93.184.215.14']) });
    expect(await transport.send(REQUEST)).toMatchObject({ outcome: 'delivered' });
    await endpoint.idle();
    expect(await transport.send(REQUEST)).toMatchObject({ outcome: 'blocked', error: words });
  });
});

describe('D12 private addresses: the user’s own are allowed, those of others are not', () => {
  const hosts = [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '[::1]',
    '[fc00::1]',
    '[::ffff:7f00:1]',
    '0x7f.1',
  ];
  test.each(hosts)('%s', async (host) => {
    const endpoint: Endpoint = await closing();
    const url = new URL(`http://${host}:${endpoint.port}/`);
    expect(await attempt(url)).toMatchObject({ outcome: 'delivered' });
    const blocked = await attempt(url, { allowPrivate: false });
    expect(blocked).toMatchObject({ outcome: 'blocked', status: null });
    expect(blocked.error).toContain('--allow-private');
    expect(endpoint.requests).toHaveLength(1);
  });
});

describe('D9 names', () => {
  test.each(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL'])('%s is dns, not refused', async (code) => {
    const lookup: LookupFunction = (_host, _options, callback) =>
      callback(Object.assign(new Error(`getaddrinfo ${code}`), { code }), '', 0);
    const result = await attempt(new URL('http://nowhere.example/'), { lookup });
    expect(result).toMatchObject({ outcome: 'dns', status: null });
    expect(result.error).toContain(code);
  });

  test('a dead IPv6 address does not keep from the living IPv4 one', async () => {
    vi.restoreAllMocks();
    const endpoint = await closing();
    const url = new URL(`http://hooks.example:${endpoint.port}/`);
    const result = await attempt(url, { lookup: resolver(['::1', '127.0.0.1']) });
    expect(result).toMatchObject({ outcome: 'delivered' });
  });

  test('all addresses of a name refusing is refused', async () => {
    vi.restoreAllMocks();
    const url = new URL(`http://hooks.example:${await deadPort()}/`);
    const result = await attempt(url, { lookup: resolver(['::1', '127.0.0.1']) });
    expect(result).toMatchObject({ outcome: 'refused', status: null });
    expect(result.error).toContain('127.0.0.1');
  });
});
