import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findProject } from '../../../src/config/project.ts';
import {
  keepSecret,
  makeLocalSecret,
  ownSecretFile,
  readLocalSecret,
  readReference,
} from '../../../src/config/secrets.ts';
import { EnvironmentError } from '../../../src/core/errors.ts';
import { tempFolder } from '../../helpers/spawn-cli.ts';

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

function project() {
  const cwd = tempFolder();
  writeFileSync(join(cwd, 'mo-notify.config.json'), '{}');
  return { cwd, project: findProject(cwd) };
}

function file(path: string, permissions: number): string {
  writeFileSync(path, 'a-secret-of-somebody\n');
  chmodSync(path, permissions);
  return path;
}

describe.skipIf(process.platform === 'win32')('G13 a secret that a config names', () => {
  test('by an absolute path, or by one out of the project: it is read, and its mode stays', () => {
    const { cwd, project: own } = project();
    const outside = file(join(tempFolder(), 'id'), 0o644);
    const beside = file(join(cwd, 'id'), 0o664);
    mkdirSync(join(cwd, '.mo-notify/secrets/deeper'), { recursive: true });
    const deeper = file(join(cwd, '.mo-notify/secrets/deeper/id'), 0o644);
    for (const reference of [outside, 'id', '.mo-notify/secrets/../../id', '.mo-notify/secrets/deeper/id'])
      expect(readReference(`file:${reference}`, 'a', own, {}).value).toBe('a-secret-of-somebody');
    expect([outside, beside, deeper].map(mode)).toEqual(['644', '664', '644']);
  });

  test('of our own: its mode is set back (F18)', () => {
    const { cwd, project: own } = project();
    const reference = keepSecret(own, 'a', 'a-secret-of-somebody');
    chmodSync(join(cwd, '.mo-notify/secrets/a'), 0o644);
    expect(readReference(reference, 'a', own, {}).value).toBe('a-secret-of-somebody');
    expect(mode(join(cwd, '.mo-notify/secrets/a'))).toBe('600');
  });

  test('is not waited for where it is a pipe, nor read without end, and what cannot be read is said', () => {
    const { cwd, project: own } = project();
    execFileSync('mkfifo', [join(cwd, 'pipe')]);
    writeFileSync(join(cwd, 'large'), Buffer.alloc(65_537, 'a'));
    const read = (place: string) => () => readReference(`file:${place}`, 'a', own, {});
    expect(read('pipe')).toThrow(`${join(cwd, 'pipe')} holds no secret: it is not a file.`);
    expect(read('.')).toThrow('holds no secret: it is not a file.');
    expect(read('/dev/zero')).toThrow('/dev/zero holds no secret: it is not a file.');
    expect(read('large')).toThrow('holds no secret: it is larger than 65536 bytes.');
    expect(read('none')).toThrow(`The secret of 'a' should be in ${join(cwd, 'none')}, which is not there.`);
    expect(read('mo-notify.config.json/a')).toThrow(/\/a cannot be read \(ENOTDIR\)\./);
  });
});

describe.skipIf(process.platform === 'win32')('G13 a symbolic link', () => {
  /** A project one part of whose folder leads to somebody's folder, in which there is a file called `local`. */
  function linked(part: '.mo-notify' | '.mo-notify/secrets') {
    const { cwd, project: own } = project();
    const victim = tempFolder();
    const within = part === '.mo-notify' ? join(victim, 'secrets') : victim;
    mkdirSync(within, { recursive: true });
    const local = file(join(within, 'local'), 0o644);
    if (part !== '.mo-notify') mkdirSync(join(cwd, '.mo-notify'));
    symlinkSync(victim, join(cwd, part));
    return { own, cwd, victim, within, local };
  }

  test.each(['.mo-notify', '.mo-notify/secrets'] as const)(
    'in the place of %s is refused for all',
    (part) => {
      const { own, cwd, within, local } = linked(part);
      const before = readdirSync(within);
      for (const work of [
        () => readLocalSecret(own),
        () => makeLocalSecret(own),
        () => keepSecret(own, 'a', 'x'),
        () => keepSecret(own, 'local', 'x'),
        () => readReference('file:.mo-notify/secrets/local', 'a', own, {}),
        () => ownSecretFile(own, 'a', 'file:.mo-notify/secrets/a'),
      ]) {
        expect(work).toThrow(EnvironmentError);
        expect(work).toThrow(`${join(cwd, part)} is a symbolic link`);
      }
      expect([mode(local), readdirSync(within)]).toEqual(['644', before]);
    },
  );

  test('in the place of .mo-notify: no store is made behind it either', () => {
    const { own, victim } = linked('.mo-notify');
    expect(() => own.makeFolder()).toThrow('is a symbolic link');
    expect(readdirSync(victim)).toEqual(['secrets']);
  });

  test('in the place of .gitignore: nothing is made where it leads', () => {
    const { cwd, project: own } = project();
    const nowhere = join(tempFolder(), 'nowhere');
    mkdirSync(join(cwd, '.mo-notify'));
    symlinkSync(nowhere, join(cwd, '.mo-notify/.gitignore'));
    own.makeFolder();
    expect(existsSync(nowhere)).toBe(false);
  });

  test('in the place of a secret of ours, or of a named one, is refused', () => {
    const { cwd, project: own } = project();
    const target = file(join(tempFolder(), 'id'), 0o644);
    mkdirSync(join(cwd, '.mo-notify/secrets'), { recursive: true });
    for (const place of ['.mo-notify/secrets/a', 'id']) {
      symlinkSync(target, join(cwd, place));
      expect(() => readReference(`file:${place}`, 'a', own, {})).toThrow('is a symbolic link');
    }
    expect(() => keepSecret(own, 'a', 'x')).toThrow('is a symbolic link');
    expect(mode(target)).toBe('644');
  });
});
