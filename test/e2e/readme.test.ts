import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { type RunningListen, startListen, testIo } from '../helpers/test-io.ts';

const root = join(import.meta.dirname, '../..');
const page = (name: string) => readFileSync(join(root, name), 'utf8');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** The shell lines of a page, as a reader would type them. */
function shellLines(name: string): string[] {
  return [...page(name).matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block]) =>
    (block as string).split('\n').filter((line) => line !== ''),
  );
}

let listen: RunningListen;
let cwd: string;
const bin = () => join(cwd, 'bin');

beforeAll(async () => {
  listen = await startListen();
  cwd = listen.io.cwd;
  // What npx and an installation do: mo-notify on the path.
  const { mkdirSync, chmodSync } = await import('node:fs');
  mkdirSync(bin());
  const script = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'bin/mo-notify.js')}' "$@"\n`;
  for (const name of ['mo-notify', 'npx']) {
    writeFileSync(join(bin(), name), name === 'npx' ? '#!/bin/sh\nexec "$@"\n' : script);
    chmodSync(join(bin(), name), 0o755);
  }
  mkdirSync(join(cwd, 'node_modules'));
  symlinkSync(root, join(cwd, 'node_modules/mo-notify'));
});

afterAll(async () => {
  await listen.stop();
});

/** Installing and testing are what CI does; a receiver runs already; ports are this test's own. */
const runnable = pages.flatMap((name) =>
  shellLines(name)
    .filter((line) => !line.startsWith('npm ci') && !line.includes(' listen'))
    .map((line) => [name, line] as const),
);

test('the README begins with two commands that do all the set-up', () => {
  expect(shellLines('README.md').slice(0, 2)).toEqual(['npm ci && npx mo-notify demo', 'npm ci && npm test']);
});

test.each(runnable)('%s: %s', async (_, line) => {
  const env = { PATH: `${bin()}:${process.env.PATH}`, HOME: cwd };
  const command = line.replaceAll('4800', String(listen.port));
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { cwd, env });
  if (!command.includes('>')) expect(stdout.trim()).not.toBe('');
});

test('the recorded demo has the lines of a real one', async () => {
  const { run } = await import('../../src/cli/main.ts');
  const io = testIo();
  expect(await run(['demo'], io)).toBe(0);
  const recorded = /```text\n(.*?)```/s.exec(page('README.md'))?.[1] as string;
  const shape = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) =>
        line
          .replaceAll(/ev_\w+/g, 'ev')
          .replaceAll(/[\d.]+/g, '0')
          .replaceAll(/\s+/g, ' '),
      )
      .filter((line) => !line.includes('delivered in') && !line.includes('latency (median)'));
  expect(shape(io.out())).toEqual(shape(recorded));
});

test('the table names every command, and every page it links to is there', () => {
  const readme = page('README.md');
  for (const { name } of COMMANDS) expect(readme).toContain(`\`${name}`);
  for (const name of pages) {
    for (const [, link] of page(name).matchAll(/\]\(((?!https?:)[^)#]+)\)/g)) {
      expect(existsSync(join(root, name, '..', link as string)), `${name} links to ${link}`).toBe(true);
    }
  }
});

describe('the table of packages', () => {
  const named = [...page('README.md').matchAll(/^\| `([^`]+)` \| [^|]+ \|$/gm)].map(
    ([, name]) => name as string,
  );
  const { dependencies, devDependencies } = JSON.parse(page('package.json')) as Record<string, object>;
  const installed = Object.keys(dependencies as object);
  /** A bundled package has its name, version and licence on a line of their own. */
  const isBundled = (name: string) =>
    page('dist/THIRD-PARTY-LICENSES')
      .split('\n')
      .some((line) => line.startsWith(`${name} `) && /^\S+ \d+\.\d+\.\d+\S* \(.+\)$/.test(line));

  test.each(named)('%s is bundled with its licence, or installed', (name) => {
    expect(installed.includes(name) || isBundled(name)).toBe(true);
  });

  test('leaves out none that is bundled or installed', () => {
    const used = [...installed, ...Object.keys(devDependencies as object).filter(isBundled)];
    expect(named).toEqual(expect.arrayContaining(used));
  });
});

test('docs/library.md: the example verifies and parses', async () => {
  const example = /```js\n(.*?)```/s.exec(page('docs/library.md'))?.[1] as string;
  const file = join(cwd, 'example.mjs');
  writeFileSync(
    file,
    `import { signPayload } from 'mo-notify';
const rawBody = Buffer.from('{"event":"call_connected","call_id":"MO1","timestamp":"2026-01-01T00:00:00Z"}');
const headers = { 'x-mo-signature': signPayload(rawBody, process.env.MO_SECRET) };
const respond = (status) => { throw new Error(String(status)); };
(async () => {
${example.replace(/^import.*$/m, "const { verifySignature, parsePayload } = await import('mo-notify');")}
console.log(verdict.result, event, callId);
})();`,
  );
  const env = { ...process.env, MO_SECRET: 'a secret for the example' };
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd, env });
  expect(stdout.trim()).toBe('valid call_connected MO1');
});
