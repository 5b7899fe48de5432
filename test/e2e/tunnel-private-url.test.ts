import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { displayUrl } from '../../src/core/redact.ts';
import { SECRET } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { attached, startFakeRelay } from '../helpers/fake-relay.ts';
import { channelAt } from '../helpers/relay.ts';
import { testIo } from '../helpers/test-io.ts';

/** `listen` at a relay that names this public URL, until it gives up; it is called by the name of this machine. */
async function told(publicUrl: string, args: string[] = []) {
  const relay = await startFakeRelay(attached({ public_url: publicUrl }));
  const io = testIo({ env: { MO_SECRET: SECRET, MO_TUNNEL_TOKEN: 'mot_token' } });
  const tunnel = `ws://localhost:${relay.port}/abc`;
  const code = await run(
    ['listen', '--port', '0', '--json', '--no-dashboard', '--tunnel', tunnel, ...args],
    io,
  );
  return { code, out: io.out(), err: io.err() };
}

describe('G12 a relay that names a public URL on its own host', () => {
  /** A relay that names a URL made of its own port and another one's, and the `listen` that it is told to. */
  async function named(url: (own: number, other: number) => string, args: string[] = []) {
    const target = await startEndpoint(answers(200));
    const relay = await startFakeRelay((port) => attached({ public_url: url(port, target.port) }));
    const io = testIo({ env: { MO_SECRET: SECRET, MO_TUNNEL_TOKEN: 'mot_token' } });
    const tunnel = `ws://localhost:${relay.port}/abc`;
    const code = await run(
      ['listen', '--port', '0', '--json', '--no-dashboard', '--tunnel', tunnel, ...args],
      io,
    );
    return { code, io, target, relay };
  }

  test.each<[string, (own: number, other: number) => string]>([
    ['with another port', (_, other) => `http://localhost:${other}/abc`],
    ['with another path', (own) => `http://localhost:${own}/admin`],
    ['with a query', (own) => `http://localhost:${own}/abc?delete=all`],
    ['with another scheme', (own) => `https://localhost:${own}/abc`],
    ['by another name', (own) => `http://127.0.0.1:${own}/abc`],
    ['with another dot', (own) => `http://localhost.:${own}/abc`],
  ])('%s: nothing is sent there, and it is said', async (_, url) => {
    const { code, io, target, relay } = await named(url);
    expect([code, io.out()]).toEqual([3, '']);
    expect(io.err()).toContain(
      `${displayUrl(url(relay.port, target.port))} does not lead here: the relay names it as its public URL, but --tunnel is ws://localhost:${relay.port}/abc. Use --allow-private`,
    );
    expect([target.connections(), relay.requests()]).toEqual([0, []]);
  });

  test('as --tunnel has it: the probe is sent', async () => {
    const { code, io, relay } = await named((own) => `http://localhost:${own}/abc`);
    expect([code, io.err()]).toEqual([3, expect.stringMatching(/something else answers there \(410\)/)]);
    expect(relay.requests()).toEqual(['POST /abc']);
  });
});

describe('D12 a relay that names an address of a private network has the listener send nothing there', () => {
  test.each([
    ['as it is', (port: number) => `http://127.0.0.1:${port}/admin`],
    ['as a number', (port: number) => `http://2130706433:${port}/admin`],
    ['in hexadecimal', (port: number) => `http://0x7f.1:${port}/admin`],
    ['mapped into IPv6', (port: number) => `http://[::ffff:127.0.0.1]:${port}/admin`],
    ['by another name of it', (port: number) => `http://127.0.0.2:${port}/admin`],
    ['of nowhere', (port: number) => `http://0.0.0.0:${port}/admin`],
  ])('%s', async (_, url) => {
    const target = await startEndpoint(answers(200));
    const { code, out, err } = await told(url(target.port));
    expect([code, out]).toEqual([3, '']);
    expect(err).toMatch(/does not lead here: .*(private|reserved)/);
    expect(target.connections()).toBe(0);
  });

  test.each([
    'http://169.254.169.254/latest/',
    'http://metadata.google.internal/',
    'http://[fd00:ec2::254]/',
  ])('and a metadata service not even with --allow-private: %s', async (url) => {
    const { code, err } = await told(url, ['--allow-private']);
    expect([code, err]).toEqual([3, expect.stringMatching(/does not lead here: .*(metadata|reserved)/)]);
  });

  test('with --allow-private it is asked, and says that it is something else', async () => {
    const target = await startEndpoint(answers([403, {}, 'no entry']));
    const { code, err } = await told(`http://127.0.0.1:${target.port}/`, ['--allow-private']);
    expect([code, err]).toEqual([
      3,
      expect.stringMatching(/something else answers there \(403 'no entry'\)/),
    ]);
    expect(target.requests).toHaveLength(1);
    expect(target.requests[0]?.header('Authorization')).toBeUndefined();
  });

  test.each(['file:///etc/passwd', 'javascript:alert(1)', 'not a url'])(
    'what is no web address is not used at all: %s',
    async (url) => {
      const relay = await startFakeRelay(attached({ public_url: url }));
      const channel = channelAt(relay.port, { name: 'dev', id: 'abc', token: 'mot_token' });
      const { io } = await channel.listen();
      expect(io.out()).toContain(`"tunnel":"http://127.0.0.1:${relay.port}/abc"`);
      expect(io.out()).not.toContain(url);
    },
  );
});
