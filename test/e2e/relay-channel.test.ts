import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type ChannelFolder, channelFolder, idOf, NOW } from '../helpers/relay-channel.ts';

let cwd: string;
let { channel, channelJson, names, withStore } = {} as ChannelFolder;
beforeEach(() => {
  ({ cwd, channel, channelJson, names, withStore } = channelFolder());
});

describe('relay channel list', () => {
  test('without any says how to make one; as JSON it is an empty list', async () => {
    const { code, out, err } = await channel(['list']);
    expect([code, out, err]).toEqual([
      0,
      '',
      expect.stringContaining("'mo-notify relay channel create dev'"),
    ]);
    expect(await channelJson(['list'])).toEqual([]);
  });

  test('says of each who answers, what waits in it, and whether its time is over', async () => {
    const made = await channelJson(['create', 'dev', '--expires', '1h', '--ack', 'relay']);
    await channelJson(['create', 'prod'], NOW + 1);
    const id = idOf(made);
    await withStore(async (store) => {
      for (const of of [id, id, 'nobody']) await store.keep(of, NOW, [Buffer.from('x')]);
    });
    const line = async (now: number) => (await channel(['list'], now)).out.split('\n')[0];
    const facts = 'dev  answered by the relay, 2 waiting, since 2026-01-31T12:00:00.000Z';
    expect(await line(NOW + 3_599_999)).toBe(`${facts}, expires 2026-01-31T13:00:00.000Z`);
    expect(await line(NOW + 3_600_000)).toBe(`${facts}, expired 2026-01-31T13:00:00.000Z`);
    const { token: _, ...shown } = made;
    expect(await channelJson(['list'])).toEqual([
      { ...shown, waiting: 2 },
      expect.objectContaining({ name: 'prod', ack: 'app', waiting: 0, expires_at: null }),
    ]);
    expect((await channel(['list'])).out).not.toContain(made.token);
  });

  test('--store names another relay’s store', async () => {
    const store = `sqlite:${join(cwd, 'other.db')}`;
    await channelJson(['create', 'dev', '--store', store]);
    expect(await channelJson(['list', '--store', store])).toMatchObject([{ name: 'dev' }]);
    expect(await names()).toEqual([]);
  });
});

describe('relay channel update and revoke', () => {
  test('update changes who answers, and nothing else', async () => {
    const { token: _, ...made } = await channelJson(['create', 'dev', '--expires', '1h']);
    await channelJson(['create', 'prod'], NOW + 1);
    const { code, out } = await channel(['update', 'dev', '--ack', 'relay']);
    expect([code, out]).toEqual([0, 'updated dev: answered by the relay\n']);
    expect(await channelJson(['list'])).toMatchObject([{ ...made, ack: 'relay' }, { ack: 'app' }]);
    expect(await channelJson(['update', 'dev', '--ack', 'app'])).toEqual(made);
    expect(await channelJson(['list'])).toMatchObject([made, { ack: 'app' }]);
  });

  test('update without anything to change is a mistake', async () => {
    await channelJson(['create', 'dev']);
    const { code, err } = await channel(['update', 'dev']);
    expect([code, err]).toEqual([2, expect.stringContaining('--ack')]);
  });

  test('revoke ends that channel alone, and says what waited in it', async () => {
    const made = await channelJson(['create', 'dev']);
    await channelJson(['create', 'prod']);
    await channelJson(['create', 'old']);
    const id = idOf(made);
    await withStore(async (store) => {
      for (let i = 0; i < 2; i++) await store.keep(id, NOW, [Buffer.from('x')]);
    });
    const { code, out } = await channel(['revoke', 'dev']);
    expect([code, out]).toEqual([0, 'revoked dev, and 2 deliveries that waited in it\n']);
    expect(await channelJson(['revoke', 'old'])).toEqual({ name: 'old', revoked: true, dropped: 0 });
    expect(await names()).toEqual(['prod']);
    expect(await withStore((store) => store.waiting())).toEqual([]);
    // The name is free again, for another channel with another URL and another token.
    const again = await channelJson(['create', 'dev']);
    expect([again.publish_url, again.token]).not.toEqual([made.publish_url, made.token]);
  });

  test.each([['revoke'], ['update', '--ack', 'app']])(
    '%s of a name that nobody has says which there are',
    async (...words) => {
      const [word, ...flags] = words as [string, ...string[]];
      const alone = await channel([word, 'nope', ...flags]);
      expect([alone.code, alone.out, alone.err]).toEqual([
        2,
        '',
        expect.stringMatching(/no channel 'nope'\.\n/),
      ]);
      for (const name of ['dev', 'prod']) await channelJson(['create', name]);
      const { code, err } = await channel([word, 'nope', ...flags]);
      expect([code, err]).toEqual([2, expect.stringContaining("no channel 'nope'. Known: dev, prod.")]);
      expect(await names()).toEqual(['dev', 'prod']);
    },
  );
});
