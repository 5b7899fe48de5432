import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withLock } from '../../../src/config/file-lock.ts';
import { EnvironmentError } from '../../../src/core/errors.ts';
import { tempFolder } from '../../helpers/spawn-cli.ts';

function place() {
  const folder = tempFolder();
  const file = join(folder, 'config.json');
  return { folder, file, lock: `${file}.lock` };
}

/** The id of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid;

test('the lock is there while the work is done, and gone after it, also when the work throws', async () => {
  const { folder, file, lock } = place();
  expect(await withLock(file, () => readFileSync(lock, 'utf8'))).toBe(`${process.pid} ${hostname()}\n`);
  expect(readdirSync(folder)).toEqual([]);
  const fail = () => {
    throw new Error('the work failed');
  };
  await expect(withLock(file, fail)).rejects.toThrow('the work failed');
  expect(readdirSync(folder)).toEqual([]);
});

test('the lock of a process that is dead is taken over, by one of many at a time', async () => {
  const { folder, file, lock } = place();
  writeFileSync(lock, `${deadPid()} ${hostname()}\n`);
  let done = 0;
  await Promise.all(Array.from({ length: 5 }, () => withLock(file, () => done++)));
  expect(done).toBe(5);
  expect(readdirSync(folder)).toEqual([]);
});

test('a lock that was never named is taken over once it is old', async () => {
  const { file, lock } = place();
  writeFileSync(lock, '');
  await expect(withLock(file, () => 'done', 40)).rejects.toThrow(EnvironmentError);
  utimesSync(lock, new Date(0), new Date(0));
  expect(await withLock(file, () => 'done', 40)).toBe('done');
});

test('G18 so is one from before the clock was set back', async () => {
  const { file, lock } = place();
  writeFileSync(lock, '');
  const tomorrow = new Date(Date.now() + 86_400_000);
  utimesSync(lock, tomorrow, tomorrow);
  expect(await withLock(file, () => 'done', 40)).toBe('done');
});

test.each([
  ['a process that lives', () => `${process.pid} ${hostname()}`],
  ['another machine', () => `${deadPid()} not-${hostname()}`],
])('the lock of %s is waited for, and then named', async (_, made) => {
  const holder = made();
  const { file, lock } = place();
  writeFileSync(lock, `${holder}\n`);
  await expect(withLock(file, () => 'done', 40)).rejects.toThrow(`(${holder})`);
  expect(existsSync(lock)).toBe(true);
});

test('a folder that cannot be written to is named with the reason', async () => {
  const file = join(tempFolder(), 'none/config.json');
  await expect(withLock(file, () => 'done')).rejects.toThrow(`${file} cannot be written (ENOENT).`);
});
