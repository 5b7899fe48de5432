import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { spawnCli, tempFolder } from '../helpers/spawn-cli.ts';

const CONFIG = 'mo-notify.config.json';
const read = (cwd: string) =>
  JSON.parse(readFileSync(join(cwd, CONFIG), 'utf8')) as { endpoints: Record<string, unknown> };

/** Processes that all add an endpoint at the same time. */
const addAll = (cwd: string, names: string[]) =>
  Promise.all(names.map((name) => spawnCli(['endpoints', 'add', name, `https://${name}.example/`], { cwd })));

test('processes that change the config at the same time lose nothing of each other’s', async () => {
  const cwd = tempFolder();
  // As if a process had been killed while it wrote.
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  writeFileSync(join(cwd, `${CONFIG}.lock`), `${pid} ${hostname()}\n`);
  const names = Array.from({ length: 12 }, (_, i) => `e${i}`);
  for (const { code, err } of await addAll(cwd, names)) expect(code, err).toBe(0);
  expect(Object.keys(read(cwd).endpoints).sort()).toEqual([...names].sort());
  expect(readdirSync(cwd).sort()).toEqual(['.mo-notify', CONFIG]);
});

test('of processes that add the same endpoint one does, and the secret it shows is the one that is kept', async () => {
  const cwd = tempFolder();
  const ended = await addAll(
    cwd,
    Array.from({ length: 8 }, () => 'same'),
  );
  const added = ended.filter(({ code }) => code === 0);
  expect(added).toHaveLength(1);
  expect(ended.filter(({ code, err }) => code === 2 && err.includes("'same' is there already"))).toHaveLength(
    7,
  );
  const kept = readFileSync(join(cwd, '.mo-notify/secrets/same'), 'utf8').trim();
  expect(added[0]?.out).toContain(`secret: ${kept} `);
});
