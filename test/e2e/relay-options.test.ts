import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { tlsFixture } from '../helpers/endpoint.ts';
import { jsonLines, testIo } from '../helpers/test-io.ts';

const TOKEN = 'S3CR3T-canary-of-16';

/** `relay …` on a free port, over at once. */
async function relay(args: string[], env: Record<string, string> = {}, files: Record<string, string> = {}) {
  const io = testIo({ env });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(io.cwd, name), text);
  const named = args.map((arg) => (arg in files ? join(io.cwd, arg) : arg));
  const code = await run(['relay', '--port', '0', '--for', '1ms', ...named], io);
  return { code, io, out: io.out(), err: io.err() };
}

describe('relay refuses, before it takes a port,', () => {
  test.each<[string[], string]>([
    [['--port', '65536'], 'Give a whole number from 0 to 65535'],
    [['--host', ''], 'Give an address'],
    [['--max-channels', '0'], 'Give a whole number from 1 up'],
    [['--max-body', '0'], "--max-body: '0' is not a size"],
    [['--max-body', '257MiB', '--max-queue', '1GiB'], "--max-body: '257MiB' is not a size"],
    [['--max-queue', 'much'], "--max-queue: 'much' is not a size"],
    [
      ['--max-queue', '1MiB', '--max-body', '2MiB'],
      "--max-queue: '1MiB' is less than one body of --max-body 2MiB",
    ],
    [['--max-memory', 'little'], "--max-memory: 'little' is not a size"],
    [
      ['--max-memory', '1023KiB'],
      "--max-memory: '1023KiB' is less than one body of --max-body 1MiB. Give more.",
    ],
    [['--retain', '1'], "--retain: '1' is not a duration"],
    [['--for', 'ever'], "--for: 'ever' is not a duration"],
    [['--heartbeat', '9ms'], "--heartbeat: '9ms' is not from 10ms to 10m"],
    [['--heartbeat', '11m'], "--heartbeat: '11m' is not from 10ms to 10m"],
    [['--public-url', 'relay.example.com'], "--public-url: 'relay.example.com' is not how a relay is called"],
    [['--public-url', 'wss://relay.example.com'], 'Write it like https://relay.example.com'],
    [['--public-url', 'https://relay.example.com/?a=1'], '--public-url: '],
    [['--public-url', 'https://relay.example.com/#a'], '--public-url: '],
    [['--tls-cert', 'c.pem'], '--tls-cert and --tls-key go together'],
    [['--tls-key', 'c.pem'], '--tls-cert and --tls-key go together'],
    [['--tls-cert', 'c.pem', '--tls-key', 'none.pem'], '--tls-key: none.pem cannot be read (ENOENT)'],
    [['--tls-cert', 'text', '--tls-key', 'c.pem'], 'text is not a PEM file'],
    [['--token-env', 'NONE'], '--token-env: the variable NONE is not set'],
    [['--token-env', 'SHORT'], 'the token in SHORT must have at least 16 printable characters'],
    [['--token-env', 'SPACED'], 'the token in SPACED must have at least 16 printable characters'],
  ])('%j', async (args, message) => {
    const env = { SHORT: '123456789012345', SPACED: '12345678 12345678' };
    const files = { 'c.pem': tlsFixture('valid'), text: 'no certificate' };
    const { code, out, err } = await relay(args, env, files);
    expect([code, out, err]).toEqual([2, '', expect.stringContaining(message)]);
    for (const secret of Object.values(env)) expect(err).not.toContain(secret);
  });

  test('a token in its default variable that is too short', async () => {
    const { code, err } = await relay([], { MO_RELAY_TOKEN: 'short' });
    expect([code, err]).toEqual([2, expect.stringContaining('the token in MO_RELAY_TOKEN must have')]);
  });

  test.each(['https://user:S3CR3T@relay.example.com', 'https://:S3CR3T@relay.example.com'])(
    'D13 credentials in --public-url, and does not repeat them: %s',
    async (url) => {
      const { code, out, err } = await relay(['--public-url', url]);
      expect([code, err]).toEqual([2, expect.stringContaining('--public-url: ')]);
      expect(out + err).not.toContain('S3CR3T');
    },
  );
});

describe('relay takes', () => {
  test.each<[string, string[], RegExp]>([
    [
      'a public URL with a path, without its last slash',
      ['--public-url', 'https://r.example.com/way/'],
      /^https:\/\/r\.example\.com\/way$/,
    ],
    ['none', [], /^$/],
    [
      'the least it may',
      ['--heartbeat', '10ms', '--max-body', '1b', '--max-queue', '1b', '--max-channels', '1'],
      /^$/,
    ],
    [
      'the most it may',
      ['--heartbeat', '10m', '--max-body', '256MiB', '--max-queue', '64GiB', '--retain', '365d'],
      /^$/,
    ],
  ])('%s', async (_, args, publicUrl) => {
    const { code, io, err } = await relay(['--json', ...args], { MO_RELAY_TOKEN: TOKEN });
    expect([code, err]).toEqual([0, '']);
    const [ready, ...rest] = jsonLines(io);
    expect(ready).toMatchObject({
      type: 'ready',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      channels: 0,
    });
    expect(ready?.public_url ?? '').toMatch(publicUrl);
    expect(rest).toMatchObject([{ type: 'summary', passed: 0, waiting: 0 }]);
    expect(io.out() + io.err()).not.toContain(TOKEN);
  });

  test('a certificate and its key, and serves HTTPS then', async () => {
    const files = { 'c.pem': tlsFixture('valid'), 'k.pem': tlsFixture('key') };
    const { code, io } = await relay(['--json', '--tls-cert', 'c.pem', '--tls-key', 'k.pem'], {}, files);
    expect([code, jsonLines(io)[0]?.url]).toEqual([0, expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/)]);
  });

  test('every address without TLS, with a warning even where it is told to be quiet', async () => {
    const open = await relay(['-q', '--host', '0.0.0.0']);
    expect([open.code, open.err]).toEqual([0, expect.stringContaining('cross the network in the open')]);
    expect((await relay(['-q'])).err).toBe('');
  });
});

test('what a relay was started with is what relay channel goes by afterwards', async () => {
  const { io } = await relay(['--public-url', 'https://relay.example.com', '--max-channels', '1']);
  const channel = async (name: string) => {
    const asked = testIo({ cwd: io.cwd });
    return { code: await run(['relay', 'channel', 'create', name], asked), text: asked.out() + asked.err() };
  };
  expect((await channel('dev')).text).toMatch(/publish {2}https:\/\/relay\.example\.com\/[0-9a-f]{40} /);
  expect(await channel('prod')).toEqual({ code: 2, text: expect.stringContaining('--max-channels allows') });
});
