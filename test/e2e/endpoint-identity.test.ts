import { describe, expect, test } from 'vitest';
import { endpointName } from '../../src/core/endpoint-identity.ts';
import { answers, type Endpoint, startEndpoint } from '../helpers/endpoint.ts';
import { attemptsOf, inStore, ioOf, replay, to, world } from '../helpers/replay.ts';
import { call } from '../helpers/varied-log.ts';

const env = { KEY: 'hunter2', OTHER: 'hunter3' };

const withKey = ({ url }: Endpoint, key: string) => `${url.href}?key=${key}`;

async function ready(sent: Parameters<typeof world>[0] = 1) {
  const where = await world(sent);
  where.env = { ...where.env, ...env };
  return where;
}

test('two keys of one URL are two endpoints, in the report and its filter; the same key is one', async () => {
  const endpoint = await startEndpoint(answers(200));
  const where = await ready();
  for (const target of ['env:KEY', 'hunter2', 'env:OTHER'])
    expect((await replay(where, to(withKey(endpoint, target)))).code).toBe(0);
  const report = async (...args: string[]) => {
    const { out } = await call(where.store, ['report', '--json', ...args], { cwd: where.cwd });
    return (JSON.parse(out).endpoints as { name: string; url: string; attempts: number }[])
      .filter(({ name }) => name !== 'crm')
      .map(({ name, url, attempts }) => ({ name, url, attempts }));
  };
  const url = withKey(endpoint, '***');
  const one = { name: endpointName(withKey(endpoint, 'hunter2')), url, attempts: 2 };
  const other = { name: endpointName(withKey(endpoint, 'hunter3')), url, attempts: 1 };
  expect(await report()).toEqual([one, other].sort((a, b) => (a.name < b.name ? -1 : 1)));
  expect(await report('--endpoint', one.name)).toEqual([one]);
  expect(await report('--endpoint', withKey(endpoint, 'hunter3'))).toEqual([other]);
  expect(await report('--endpoint', url)).toHaveLength(2);
});

test('what a replay brought to one key has not been brought to another', async () => {
  const endpoint = await startEndpoint(answers(200));
  const where = await ready([{ status: 500, outcome: 'rejected' }]);
  const failed = async (key: string) =>
    (await replay(where, to(withKey(endpoint, key), '--status', 'failed'))).announced;
  expect([await failed('env:KEY'), await failed('env:KEY'), await failed('env:OTHER')]).toEqual([
    1,
    undefined,
    1,
  ]);
});

describe('a replay that is interrupted', () => {
  /** Interrupts one after its first request. */
  async function interrupted(key: string) {
    const where = await ready(3);
    const io = ioOf(where);
    const endpoint = await startEndpoint((response, _, nth) => {
      if (nth === 1) io.interrupt();
      response.end();
    });
    const target = withKey(endpoint, key);
    const { code, run } = await replay(where, to(target, '--concurrency', '1'), io);
    expect(code).toBe(130);
    const [, told] = /The rest is sent with: (.*)/.exec(io.err()) ?? [];
    return { where, endpoint, target, run, told };
  }

  test('goes on to a URL with a variable by itself, which the store names', async () => {
    const { where, endpoint, run, told } = await interrupted('env:KEY');
    expect(told).toBe(`mo-notify replay --resume ${run}`);
    expect((await inStore(where, (store) => store.replay(run)))?.plan).toContain('?key=env:KEY');
    expect((await replay(where, ['--resume', run])).code).toBe(0);
    expect(endpoint.requests.map(({ path }) => path)).toEqual(Array(3).fill('/notify?key=hunter2'));
  });

  test('wants a URL with a value again, which the store does not keep', async () => {
    const { where, endpoint, target, run, told } = await interrupted('hunter2');
    expect(told).toBe(`mo-notify replay --resume ${run} (and the same --to)`);
    expect((await inStore(where, (store) => store.replay(run)))?.plan).not.toContain('hunter2');
    const without = await replay(where, ['--resume', run]);
    expect([without.code, without.io.err()]).toEqual([
      2,
      expect.stringContaining(`${run} was sent to ${withKey(endpoint, '***')}, and what is masked there`),
    ]);
    const other = await replay(where, ['--resume', run, '--to', 'http://127.0.0.1:9/?key=hunter2']);
    expect([other.code, other.io.err()]).toEqual([2, expect.stringContaining('--to cannot be changed')]);
    expect((await replay(where, ['--resume', run, '--to', target])).code).toBe(0);
    expect(endpoint.requests.map(({ path }) => path)).toEqual(Array(3).fill('/notify?key=hunter2'));
    expect((await attemptsOf(where, run)).map(({ endpoint: name }) => name)).toEqual(
      Array(3).fill(endpointName(target)),
    );
  });
});
