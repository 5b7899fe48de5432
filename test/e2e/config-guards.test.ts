import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { tempFolder } from '../helpers/spawn-cli.ts';
import { testIo } from '../helpers/test-io.ts';

async function mo(cwd: string, ...argv: string[]) {
  const io = testIo({ cwd });
  const code = await run(argv, io);
  return { code, out: io.out(), err: io.err() };
}

test('G13 a cloned project whose config names somebody’s file: it signs with it and leaves its mode', async () => {
  const cwd = tempFolder();
  const file = join(tempFolder(), 'id_of_somebody');
  writeFileSync(file, 'not-meant-for-this\n');
  chmodSync(file, 0o644);
  const target = await startEndpoint(answers(200));
  const endpoint = { url: target.url.href, secret: `file:${file}` };
  writeFileSync(join(cwd, 'mo-notify.config.json'), JSON.stringify({ endpoints: { prod: endpoint } }));
  expect((await mo(cwd, 'send-test', 'prod')).code).toBe(0);
  expect((await mo(cwd, 'listen', '--endpoint', 'prod', '--port', '0', '--for', '1ms')).code).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o644);
});

describe('G13 a cloned project whose .mo-notify leads elsewhere', () => {
  const target = ['3000', '--retries', '0'];
  test.each([
    ['listen', '--port', '0', '--for', '1ms'],
    ['send-test', ...target],
    ['endpoints', 'add', 'a', 'https://a.example/'],
    ['logs', 'list'],
    ['report'],
    ['replay', '--to', '3000'],
    ['relay', '--port', '0', '--for', '1ms'],
    ['relay', 'channel', 'create', 'dev'],
  ])('%s %s: exit 3, and nothing is made there', async (...argv) => {
    const [cwd, elsewhere] = [tempFolder(), tempFolder()];
    symlinkSync(elsewhere, join(cwd, '.mo-notify'));
    const { code, out, err } = await mo(cwd, ...argv);
    expect([code, out]).toEqual([3, '']);
    expect(err).toContain(`${join(cwd, '.mo-notify')} is a symbolic link`);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test('its secrets alone: exit 3, and nothing is made there', async () => {
    const [cwd, elsewhere] = [tempFolder(), tempFolder()];
    mkdirSync(join(cwd, '.mo-notify'));
    symlinkSync(elsewhere, join(cwd, '.mo-notify/secrets'));
    const { code, err } = await mo(cwd, 'listen', '--port', '0', '--for', '1ms');
    expect([code, err]).toEqual([3, expect.stringContaining('secrets is a symbolic link')]);
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});

describe('G13 an endpoint with a name that objects have', () => {
  test('called constructor it is one like any other', async () => {
    const cwd = tempFolder();
    const target = await startEndpoint(answers(200, 200));
    const said = [
      await mo(cwd, 'endpoints', 'add', 'constructor', target.url.href),
      await mo(cwd, 'endpoints', 'list', '--json'),
      await mo(cwd, 'send-test', 'constructor'),
      await mo(cwd, 'endpoints', 'rotate-secret', 'constructor'),
      await mo(cwd, 'send-test', 'constructor'),
      await mo(cwd, 'report', '--endpoint', 'constructor', '--json', '--threshold', 'success_rate>=99%'),
      await mo(cwd, 'endpoints', 'remove', 'constructor'),
    ];
    expect(said.filter(({ code }) => code !== 0)).toEqual([]);
    expect(said[1]?.out).toContain('"name":"constructor"');
    expect(said[5]?.out).toContain('"name":"constructor"');
    expect(target.requests).toHaveLength(2);
    expect((await mo(cwd, 'send-test', 'constructor')).code).toBe(2);
  });

  test('called __proto__ it is refused in words', async () => {
    const cwd = tempFolder();
    const { code, err } = await mo(cwd, 'endpoints', 'add', '__proto__', 'https://a.example/');
    expect([code, err]).toEqual([2, expect.stringContaining("'__proto__' is not a name")]);
    writeFileSync(
      join(cwd, 'mo-notify.config.json'),
      '{ "endpoints": { "__proto__": { "url": "https://a.example/", "secret": "env:X" } } }',
    );
    for (const argv of [
      ['endpoints', 'list'],
      ['send-test', 'prod'],
    ])
      expect(await mo(cwd, ...argv)).toMatchObject({
        code: 2,
        err: expect.stringContaining("mo-notify.config.json:1: '__proto__' is not a name."),
      });
  });
});
