import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { jsonLines, testIo } from '../helpers/test-io.ts';

const config = (cwd: string) => join(cwd, 'mo-notify.config.json');

test('init writes a commented config that the other commands read', async () => {
  const io = testIo();
  expect(await run(['init', '--url', 'https://example.com/hook'], io)).toBe(0);
  expect(readFileSync(config(io.cwd), 'utf8')).toContain('// "events"');
  const list = testIo({ cwd: io.cwd });
  expect(await run(['endpoints', 'list', '--json'], list)).toBe(0);
  expect(jsonLines(list)[0]).toMatchObject([
    { name: 'main', url: 'https://example.com/hook', secret: 'env:MO_NOTIFY_SECRET' },
  ]);
});

test('without a URL and a terminal it asks nothing; the endpoint stands there as a comment', async () => {
  const io = testIo();
  expect(await run(['init'], io)).toBe(0);
  expect(readFileSync(config(io.cwd), 'utf8')).toContain('// "main": {');
  expect(await run(['endpoints', 'list'], testIo({ cwd: io.cwd }))).toBe(0);
  const added = testIo({ cwd: io.cwd });
  expect(await run(['endpoints', 'add', 'a', 'https://a.example/'], added)).toBe(0);
  expect(readFileSync(config(io.cwd), 'utf8')).toContain('// "main": {');
});

test('a config that is there is left as it is', async () => {
  const io = testIo();
  await run(['init'], io);
  const before = readFileSync(config(io.cwd), 'utf8');
  const again = testIo({ cwd: io.cwd });
  expect(await run(['init', '--url', 'https://b.example/'], again)).toBe(2);
  expect(again.err()).toContain('is there already');
  expect(readFileSync(config(io.cwd), 'utf8')).toBe(before);
});

test('a URL that is none: exit 2, nothing written', async () => {
  const io = testIo();
  expect(await run(['init', '--url', 'http://example.com/'], io)).toBe(2);
  expect(existsSync(config(io.cwd))).toBe(false);
});
