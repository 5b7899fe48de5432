import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findProject } from '../../../src/config/project.ts';
import { tempFolder } from '../../helpers/spawn-cli.ts';

function tree(): { top: string; inner: string } {
  const top = tempFolder();
  const inner = join(top, 'a/b');
  mkdirSync(inner, { recursive: true });
  return { top, inner };
}

test('records live in the working folder where no folder above is a project', () => {
  const { inner } = tree();
  expect(findProject(inner).folder).toBe(join(inner, '.mo-notify'));
});

test.each(['.mo-notify', 'mo-notify.config.json'])('a folder above with %s is the project', (mark) => {
  const { top, inner } = tree();
  if (mark === '.mo-notify') mkdirSync(join(top, mark));
  else writeFileSync(join(top, mark), '{}');
  expect(findProject(inner).folder).toBe(join(top, '.mo-notify'));
});

test.runIf(process.platform !== 'win32')(
  'a folder that everybody may write to is no project for the folders below it, only for itself',
  () => {
    const { top, inner } = tree();
    mkdirSync(join(top, '.mo-notify'));
    chmodSync(top, 0o1777);
    expect(findProject(inner).folder).toBe(join(inner, '.mo-notify'));
    expect(findProject(top).folder).toBe(join(top, '.mo-notify'));
  },
);

test('nothing is made until it is asked for; then it is private and ignores itself in git', () => {
  const { inner } = tree();
  const project = findProject(inner);
  expect(existsSync(project.folder)).toBe(false);
  expect(project.makeFolder()).toBe(project.folder);
  expect(statSync(project.folder).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(project.folder, '.gitignore'), 'utf8')).toBe('*\n');
});

test('E4 a file in the folder’s place is an error that names it', () => {
  const { inner } = tree();
  writeFileSync(join(inner, '.mo-notify'), '');
  expect(() => findProject(inner).makeFolder()).toThrow(`${join(inner, '.mo-notify')} cannot be made`);
});
