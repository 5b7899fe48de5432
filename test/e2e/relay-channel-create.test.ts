import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type ChannelFolder, channelFolder, idOf } from '../helpers/relay-channel.ts';

let cwd: string;
let { channel, channelJson, names, withStore } = {} as ChannelFolder;
beforeEach(() => {
  ({ cwd, channel, channelJson, names, withStore } = channelFolder());
});

const hashOf = (token: string) => createHash('sha256').update(token).digest();

/** Everything in the project's folder as one run of bytes: the store's file, its log and its index. */
function allBytes(): Buffer {
  const folder = join(cwd, '.mo-notify');
  return Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
}

describe('relay channel create', () => {
  test('shows the channel’s URLs and its token, once', async () => {
    const { code, out, err } = await channel(['create', 'dev']);
    expect(code).toBe(0);
    const [, id] = /publish {2}https:\/\/RELAY\/([0-9a-f]{40}) /.exec(out) as string[];
    expect(out).toContain(`listen   mo-notify listen --tunnel wss://RELAY/${id}\n`);
    const [, token] = /token {4}(mot_[\w-]{43}) /.exec(out) as string[];
    expect(err).toContain('How the relay is called from outside is known once it has run');
    const listed = await channel(['list']);
    expect(listed.out).toContain(`publish  https://RELAY/${id}\n  listen   wss://RELAY/${id}\n`);
    expect(listed.out + listed.err).not.toContain(token);
  });

  test('F12 keeps of the token its SHA-256 alone, in the file as in its log', async () => {
    await withStore(async () => {
      // While another process has the store open, its log stays beside it.
      const made = await channelJson(['create', 'dev']);
      const [token, id] = [made.token as string, idOf(made)];
      const bytes = allBytes();
      expect([bytes.includes(hashOf(token)), bytes.includes(id)]).toEqual([true, true]);
      const raw = Buffer.from(token.slice('mot_'.length), 'base64url');
      expect([bytes.includes(token), bytes.includes(token.slice(8)), bytes.includes(raw)]).toEqual([
        false,
        false,
        false,
      ]);
    });
  });

  test('as JSON says all there is, and nothing else on either stream', async () => {
    const made = await channelJson(['create', 'dev', '--ack', 'relay', '--expires', '30d']);
    expect(made).toEqual({
      name: 'dev',
      publish_url: expect.stringMatching(/^https:\/\/RELAY\/[0-9a-f]{40}$/),
      tunnel_url: (made.publish_url as string).replace('https:', 'wss:'),
      ack: 'relay',
      created_at: '2026-01-31T12:00:00.000Z',
      expires_at: '2026-03-02T12:00:00.000Z',
      token: expect.stringMatching(/^mot_[\w-]{43}$/),
    });
    const plain = await channelJson(['create', 'prod']);
    expect(plain).toMatchObject({ ack: 'app', expires_at: null });
    expect(plain.token).not.toBe(made.token);
    expect(plain.publish_url).not.toBe(made.publish_url);
  });

  test('names the relay as it was last called', async () => {
    await withStore((store) => store.set('public_url', 'http://127.0.0.1:4810/way'));
    const { publish_url, tunnel_url } = await channelJson(['create', 'dev']);
    expect(publish_url).toMatch(/^http:\/\/127\.0\.0\.1:4810\/way\/[0-9a-f]{40}$/);
    expect(tunnel_url).toMatch(/^ws:\/\/127\.0\.0\.1:4810\/way\/[0-9a-f]{40}$/);
    expect((await channel(['create', 'other'])).err).toBe('');
  });

  test.each([['--json'], ['-q'], ['-v']])(
    'F17 --write-env writes the token into a file of mode 0600, and shows it nowhere (%s)',
    async (flag) => {
      const path = join(cwd, '.env');
      writeFileSync(path, 'A=1\nMO_TUNNEL_TOKEN=old\nB=2', { mode: 0o644 });
      const { code, out, err } = await channel(['create', 'dev', '--write-env', path, flag]);
      expect(code).toBe(0);
      const [, token] = /^A=1\nMO_TUNNEL_TOKEN=(mot_[\w-]{43})\nB=2$/.exec(
        readFileSync(path, 'utf8'),
      ) as string[];
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(out + err).not.toContain(token?.slice(4));
      if (flag === '--json') expect(JSON.parse(out)).not.toHaveProperty('token');
      expect(allBytes().includes(hashOf(token as string))).toBe(true);
    },
  );

  test.each([
    ['a folder that is not there', () => join(cwd, 'no', '.env'), 2],
    [
      'a symbolic link',
      () => {
        symlinkSync(join(cwd, 'real'), join(cwd, 'link'));
        return join(cwd, 'link');
      },
      3,
    ],
  ])('makes no channel whose token would be lost: --write-env to %s', async (_, path, code) => {
    const failed = await channel(['create', 'dev', '--write-env', path()]);
    expect([failed.code, failed.out]).toEqual([code, '']);
    expect(await names()).toEqual([]);
  });

  test.each(['80', 'a b', 'a.b', '_x', '', 'ä', 'x'.repeat(65), 'a/b', '__proto__'])(
    'refuses the name %j',
    async (name) => {
      const { code, out, err } = await channel(['create', '--', name]);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain(`'${name}' is not a name. Use letters, digits, - and _`);
    },
  );

  test.each([
    [['--expires', 'soon'], "--expires: 'soon' is not a duration"],
    [['--ack', 'relai'], "Did you mean 'relay'?"],
  ])('refuses %j, and makes nothing', async (flags, message) => {
    const { code, err } = await channel(['create', 'dev', ...flags]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(await names()).toEqual([]);
  });

  test('refuses a name that is taken, and leaves that channel as it is', async () => {
    const [before] = [await channelJson(['create', 'dev'])];
    const again = await channel(['create', 'dev', '--ack', 'relay']);
    expect([again.code, again.out]).toEqual([2, '']);
    expect(again.err).toContain("There is a channel 'dev' already");
    expect(await channelJson(['list'])).toMatchObject([{ publish_url: before.publish_url, ack: 'app' }]);
  });

  test('refuses one more than the relay allows, once one has run and said how many', async () => {
    for (const name of ['a', 'b']) await channelJson(['create', name]);
    await withStore((store) => store.set('max_channels', '2'));
    const { code, err } = await channel(['create', 'c']);
    expect([code, err]).toEqual([2, expect.stringContaining('2 channels, as many as --max-channels allows')]);
    await channelJson(['revoke', 'a']);
    await channelJson(['create', 'c']);
    expect(await names()).toEqual(['b', 'c']);
  });
});
