import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, start } from '../helpers/spawn-cli.ts';

test('E1 what a receiver has acknowledged outlives kill -9 under load, exactly once and whole', async () => {
  const { code, out, err } = await start(process.execPath, [join(ROOT, 'bench/kill9.js'), '2']).ended;
  expect([code, err]).toEqual([0, '']);
  const [, acknowledged] = out.match(/\n2 rounds, (\d+) acknowledged, 0 lost\n$/) ?? [];
  expect(Number(acknowledged)).toBeGreaterThan(10);
});
