import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bash, onTerminal, tempFolder } from '../helpers/spawn-cli.ts';

// Start-up is paid by every call, so the packages that draw are loaded by the calls that draw, and the one that sends by those that send.

/** Runs a script with `mo` in it, and tells which of the built chunks its last process had loaded. */
async function loadedBy(script: string, run: typeof bash | typeof onTerminal): Promise<string[]> {
  const cwd = tempFolder();
  const list = join(cwd, 'loaded');
  const probe = join(cwd, 'probe.cjs');
  writeFileSync(
    probe,
    `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)}, JSON.stringify(Object.keys(require.cache))));`,
  );
  writeFileSync(join(cwd, 'body.json'), '{}');
  await run(script, { cwd, env: { MO_SECRET: 'a secret', NODE_OPTIONS: `--require ${probe}` } });
  const files = JSON.parse(readFileSync(list, 'utf8')) as string[];
  const chunks = files.flatMap((file) => /\/dist\/chunks\/([\w-]+?)-[\w-]{8}\.cjs$/.exec(file)?.[1] ?? []);
  expect(chunks).toContain('start');
  return chunks.filter((name) => ['chalk', 'ora', 'undici'].includes(name));
}

test.each([
  'mo --version',
  'mo --help',
  'mo sign --body body.json',
  'mo verify --body body.json --signature sha256=0',
  'mo events list',
  'mo send-test 9 --dry-run',
  'mo report --store sqlite::memory:',
  'mo listen --port 0 --dashboard-port 0 --for 1ms',
])('in a pipe none of them is loaded: %s', async (script) => {
  expect(await loadedBy(script, bash)).toEqual([]);
});

test.each([
  'mo demo',
  'mo send-test 1 --retries 0 --no-record',
  'mo listen 1 --port 0 --no-dashboard --for 1ms',
])('what sends loads undici: %s', async (script) => {
  expect(await loadedBy(script, bash)).toEqual(['undici']);
});

test.skipIf(process.platform !== 'linux').each([
  ['mo --version', []],
  ['mo sign --body body.json', []],
  ['mo events list', ['chalk']],
  ['mo events list --color never', []],
  ['mo events list --json', []],
  ['mo events list | cat', []],
  ['mo send-test 1 -n 21 --retries 0 --no-record', ['chalk', 'ora', 'undici']],
])('on a terminal: %s loads %j', async (script, loaded) => {
  expect((await loadedBy(script, onTerminal)).toSorted()).toEqual(loaded);
});
