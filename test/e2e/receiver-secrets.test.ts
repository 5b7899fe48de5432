import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { delivery, SECRET } from '../helpers/delivery.ts';
import { post } from '../helpers/raw-http.ts';
import { tempFolder } from '../helpers/spawn-cli.ts';
import { jsonLines, startListen, type TestIoOptions, testIo } from '../helpers/test-io.ts';

async function listen(args: string[], options: TestIoOptions = {}) {
  const io = testIo(options);
  return { io, code: await run(['listen', '--port', '0', ...args], io) };
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

describe('A9 a secret that no sender can mean', () => {
  const file = (text: string) => {
    const path = join(tempFolder(), 'secret');
    writeFileSync(path, text);
    return path;
  };

  test.each<[name: string, args: string[], options: TestIoOptions, message: string]>([
    ['is empty', [], { env: { MO_SECRET: '' } }, 'is empty'],
    ['ends with a newline', [], { env: { MO_SECRET: `${SECRET}\n` } }, 'white space'],
    ['ends with a space', [], { env: { MO_SECRET: `${SECRET} ` } }, 'white space'],
    ['begins with a tab', [], { env: { MO_SECRET: `\t${SECRET}` } }, 'white space'],
    ['is not set', ['--secret-env', 'NOT_THERE'], {}, 'NOT_THERE is not set'],
    ['is an empty file', ['--secret-file', file('')], {}, 'is empty'],
    ['is a file with two newlines', ['--secret-file', file(`${SECRET}\n\n`)], {}, 'white space'],
    ['is a file that is not there', ['--secret-file', '/nowhere/secret'], {}, '/nowhere/secret'],
    ['is empty on standard input', ['--secret-stdin'], { stdin: '' }, 'is empty'],
    [
      'is the second of two, and empty',
      ['--secret-env', 'A', '--secret-env', 'B'],
      { env: { A: 'a', B: '' } },
      'env:B',
    ],
  ])(
    '%s: exit 2 before anything is listened to, with a reason that does not repeat it',
    async (_, args, options, message) => {
      const { io, code } = await listen(args, options);
      expect(code).toBe(2);
      expect(io.err()).toContain(message);
      expect(io.err()).not.toContain(SECRET);
      expect(io.out()).toBe('');
    },
  );

  test.each<[name: string, args: string[], options: TestIoOptions]>([
    ['a file with one final newline', ['--secret-file', file(`${SECRET}\n`)], {}],
    ['a file with one final CRLF', ['--secret-file', file(`${SECRET}\r\n`)], {}],
    ['standard input', ['--secret-stdin'], { stdin: `${SECRET}\n` }],
    ['a variable by name', ['--secret-env', 'MINE'], { env: { MINE: SECRET } }],
  ])('but %s is fine', async (_, args, options) => {
    const running = await startListen(args, options);
    expect((await post(running.port, delivery())).status).toBe(200);
    await running.stop();
  });
});

test('A8 --secret-env twice: both are live, the second is flagged as old, and the record names the one that matched', async () => {
  const env = { NEW: SECRET, OLD: 'the old one' };
  const running = await startListen(['--secret-env', 'NEW', '--secret-env', 'OLD'], { env });
  await post(running.port, delivery());
  await post(running.port, delivery({ id: 'ev_2', body: '{"event":"call_missed"}', secret: 'the old one' }));
  expect((await post(running.port, delivery({ secret: 'revoked' }))).status).toBe(400);
  await running.stop();
  const [, current, old] = jsonLines(running.io);
  expect(current).toMatchObject({ secret: 'env:NEW', flags: expect.not.arrayContaining(['old_secret']) });
  expect(old).toMatchObject({ secret: 'env:OLD', flags: expect.arrayContaining(['old_secret']) });
  expect(running.io.out() + running.io.err()).not.toContain(SECRET);
});

test('without a secret one is made, kept with mode 0600, shown once, and the same for the next run', async () => {
  const io = testIo();
  const ended = run(['listen', '--port', '0'], io);
  const [, made] = (await io.waitFor(/shown this once: (mosec_[\w-]{32})\n/)) as unknown as [string, string];
  io.interrupt();
  await ended;
  expect(mode(join(io.cwd, '.mo-notify/secrets/local'))).toBe('600');
  expect(mode(join(io.cwd, '.mo-notify/secrets'))).toBe('700');
  expect(readFileSync(join(io.cwd, '.mo-notify/.gitignore'), 'utf8')).toBe('*\n');
  const next = testIo({ cwd: io.cwd });
  const over = run(['listen', '--port', '0'], next);
  const [, port] = await next.waitFor(/127\.0\.0\.1:(\d+)/);
  expect((await post(Number(port), delivery({ secret: made }))).status).toBe(200);
  next.interrupt();
  await over;
  expect(next.out()).not.toContain(made);
});

test('F18 a kept secret of mode 0644 is set back to 0600; one behind a link is refused', async () => {
  const first = await listen(['--print-secret']);
  const path = join(first.io.cwd, '.mo-notify/secrets/local');
  chmodSync(path, 0o644);
  expect((await listen(['--print-secret'], { cwd: first.io.cwd })).io.out()).toBe(first.io.out());
  expect(mode(path)).toBe('600');
  const cwd = tempFolder();
  mkdirSync(join(cwd, '.mo-notify/secrets'), { recursive: true });
  symlinkSync(path, join(cwd, '.mo-notify/secrets/local'));
  const linked = await listen(['--print-secret'], { cwd });
  expect(linked.code).toBe(3);
  expect(linked.io.err()).toContain('symbolic link');
  expect(linked.io.out()).toBe('');
});

test('--print-secret prints the secret alone and ends with 0', async () => {
  const { io, code } = await listen(['--print-secret'], { env: { MO_SECRET: SECRET } });
  expect([code, io.out(), io.err()]).toEqual([0, `${SECRET}\n`, '']);
});

describe('--write-env', () => {
  const written = async (path: string) => {
    const io = testIo({ env: { MO_SECRET: SECRET } });
    const code = await run(['listen', '--port', '0', '--json', '--for', '1ms', '--write-env', path], io);
    return { io, code };
  };

  test('makes a file of mode 0600 with the one line', async () => {
    const path = join(tempFolder(), '.env');
    const { io, code } = await written(path);
    expect(code).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe(`MO_SECRET=${SECRET}\n`);
    expect(mode(path)).toBe('600');
    expect(io.out() + io.err()).not.toContain(SECRET);
  });

  test.each([
    ['A=1\nMO_SECRET=old\nB=2\n', `A=1\nMO_SECRET=${SECRET}\nB=2\n`],
    ['A=1', `A=1\nMO_SECRET=${SECRET}\n`],
    ['MO_SECRET_2=x\n', `MO_SECRET_2=x\nMO_SECRET=${SECRET}\n`],
    ['', `MO_SECRET=${SECRET}\n`],
  ])(
    'F18 an existing file of mode 0644, %j, keeps its other lines and is set to 0600',
    async (before, after) => {
      const path = join(tempFolder(), '.env');
      writeFileSync(path, before);
      chmodSync(path, 0o644);
      expect((await written(path)).code).toBe(0);
      expect(readFileSync(path, 'utf8')).toBe(after);
      expect(mode(path)).toBe('600');
    },
  );

  test('a symbolic link is refused, and what it leads to stays as it was', async () => {
    const folder = tempFolder();
    const target = join(folder, 'target');
    writeFileSync(target, 'A=1\n');
    symlinkSync(target, join(folder, '.env'));
    const { io, code } = await written(join(folder, '.env'));
    expect(code).toBe(3);
    expect(io.err()).toContain('symbolic link');
    expect(readFileSync(target, 'utf8')).toBe('A=1\n');
  });

  test.each([
    ['a folder', () => tempFolder()],
    ['in a folder that is not there', () => join(tempFolder(), 'none/.env')],
  ])('%s: an error that names it, no stack, no secret', async (_, make) => {
    const path = make();
    const { io, code } = await written(path);
    expect([2, 3]).toContain(code);
    expect(io.err()).toContain(path);
    expect(io.err()).not.toMatch(/\n\s+at |unexpected error/);
    expect(io.err()).not.toContain(SECRET);
  });
});
