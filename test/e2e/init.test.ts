import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { parseConfig } from '../../src/config/config.ts';
import { startOnTerminal, tempFolder } from '../helpers/spawn-cli.ts';
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
  expect(await run(['init', '--url', 'ftp://example.com/'], io)).toBe(2);
  expect(existsSync(config(io.cwd))).toBe(false);
});

test.each([['--url', 'https://example.com/notify'], []])(
  'init %s %s: its commented lines are valid once uncommented',
  async (...args) => {
    const io = testIo();
    await run(['init', ...args], io);
    const uncommented = readFileSync(config(io.cwd), 'utf8')
      .replaceAll(/^ {4}\/\/ (?= *(["}]|\/\/))/gm, '    ')
      .replaceAll(/^( *)\/\/ (?=")/gm, '$1');
    expect(parseConfig(uncommented, 'x')).toMatchObject({
      endpoints: {
        main: {
          url: 'https://example.com/notify',
          events: ['call_connected', 'call_missed'],
          numbers: ['+911234567890'],
          queues: ['Sales'],
          timeout: '30s',
          retries: 3,
          backoff: '1s,5s,25s',
          secret: 'env:MO_NOTIFY_SECRET',
        },
      },
    });
  },
);

describe.skipIf(process.platform !== 'linux')('at a prompt', () => {
  const ASKED = /URL of your endpoint[^:]*: /;
  const CTRL_C = '\u0003';
  const CTRL_D = '\u0004';

  test('a URL that is none is asked for again', async () => {
    const cwd = tempFolder();
    const init = startOnTerminal('mo init', { cwd });
    await init.waitFor(ASKED);
    init.child.stdin?.write('ftp://example.com/\r');
    await init.waitFor(/is not https[\s\S]*URL of your endpoint[^:]*: /);
    init.child.stdin?.write('https://example.com/hook\r');
    expect((await init.ended).code).toBe(0);
    expect(readFileSync(config(cwd), 'utf8')).toContain('https://example.com/hook');
  });

  test('Ctrl-C ends init with 130 and no stack trace, and nothing is written', async () => {
    const cwd = tempFolder();
    const init = startOnTerminal('mo init', { cwd });
    await init.waitFor(ASKED);
    init.child.stdin?.write(CTRL_C);
    const { code, out } = await init.ended;
    expect([code, out]).toEqual([130, expect.stringContaining('mo-notify: Interrupted; nothing was done.')]);
    expect(out).not.toMatch(/^ {4}at |unexpected error/m);
    expect(existsSync(config(cwd))).toBe(false);
  });

  test('Ctrl-D leaves the URL for later', async () => {
    const cwd = tempFolder();
    const init = startOnTerminal('mo init', { cwd });
    await init.waitFor(ASKED);
    init.child.stdin?.write(CTRL_D);
    expect((await init.ended).code).toBe(0);
    expect(readFileSync(config(cwd), 'utf8')).toContain('// "main": {');
  });

  test.each([
    ['Ctrl-C', CTRL_C, 130, 'Interrupted; nothing was done.'],
    ['Ctrl-D', CTRL_D, 2, 'Nothing was written.'],
    ['n', 'n\r', 2, 'Nothing was written.'],
  ])('a question that is answered with %s is no yes', async (_, key, exit, said) => {
    const cwd = tempFolder();
    writeFileSync(config(cwd), '{}');
    const bundle = startOnTerminal('mo support-bundle -o out.md', { cwd });
    await bundle.waitFor(/Write this to out\.md\? \[y\/N\] /);
    bundle.child.stdin?.write(key);
    const { code, out } = await bundle.ended;
    expect([code, out]).toEqual([exit, expect.stringContaining(said)]);
    expect(out).not.toMatch(/^ {4}at |unexpected error/m);
    expect(existsSync(join(cwd, 'out.md'))).toBe(false);
  });
});
