import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/core/version.ts';
import { ROOT, tempFolder } from '../helpers/spawn-cli.ts';

const exec = promisify(execFile);
const NPM = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
const MB = 1024 ** 2;

interface Packed {
  filename: string;
  size: number;
  unpackedSize: number;
  files: { path: string; mode: number }[];
}
let packed: Packed;
let consumer: string;
const installed = (...path: string[]) => join(consumer, 'node_modules', ...path);

// What `npm publish` would upload, installed in a project of its own.
beforeAll(async () => {
  consumer = tempFolder();
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', consumer];
  const { stdout } = await exec('npm', args, { cwd: ROOT });
  [packed] = JSON.parse(stdout) as [Packed];
  writeFileSync(join(consumer, 'package.json'), '{"private":true,"type":"module"}');
  await exec('npm', ['install', ...NPM, join(consumer, packed.filename)], { cwd: consumer });
}, 120_000);

describe('the packed tarball', () => {
  test('holds the program, the library, its types and the licences, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'package.json',
        'bin/mo-notify.js',
        'bin/package.json',
        'dist/cli.cjs',
        'dist/index.js',
        'dist/types/index.d.ts',
        'dist/THIRD-PARTY-LICENSES',
      ]),
    );
    const allowed =
      /^(LICENSE|README\.md|CHANGELOG\.md|package\.json|bin\/(mo-notify\.js|package\.json)|dist\/(cli\.cjs|index\.js)|dist\/chunks\/[\w-]+\.cjs|dist\/types\/[\w/-]+\.d\.ts|dist\/THIRD-PARTY-LICENSES|dist\/dashboard\/[\w./-]+|schema\/config\.schema\.json)$/;
    expect(paths.filter((path) => !allowed.test(path))).toEqual([]);
    expect(paths.filter((path) => /\.map$|test|fixture|bench|\.env|\.mo-notify/.test(path))).toEqual([
      ...paths.filter((path) => /^dist\/chunks\/send-test-/.test(path)),
    ]);
  });

  test('is below 2 MB, and its program is executable', () => {
    expect(packed.size).toBeLessThan(2 * MB);
    expect(packed.unpackedSize).toBeLessThan(4 * MB);
    expect(packed.files.find(({ path }) => path === 'bin/mo-notify.js')?.mode).toBe(0o755);
  });

  test('gives the licence of every package that is bundled in', () => {
    const text = readFileSync(installed('mo-notify/dist/THIRD-PARTY-LICENSES'), 'utf8');
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    for (const name of ['commander', 'chalk', 'ora', 'cli-table3', 'zod', 'ulid'])
      expect(text).toContain(`${name} ${manifest.devDependencies[name]} (`);
    for (const notice of text.split('\n---\n').filter((one) => one.trim() !== '')) {
      const [title = '', ...licence] = notice.trim().split('\n');
      expect(title).toMatch(
        /^\S+ \d+\.\d+\.\d+\S* \((MIT|ISC|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|0BSD)\)$/,
      );
      expect(licence.join('\n').length, title).toBeGreaterThan(300);
    }
  });
});

describe('installed in another project', () => {
  const bin = () => installed('.bin/mo-notify');

  test('the program runs', async () => {
    expect((await exec(bin(), ['--version'])).stdout).toBe(`${VERSION}\n`);
    const { stdout } = await exec(bin(), ['demo', '--json'], { cwd: consumer, maxBuffer: 8 * MB });
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  });

  test('there are at most 15 packages of 30 MB in all', async () => {
    const lock = JSON.parse(readFileSync(installed('.package-lock.json'), 'utf8')) as {
      packages: Record<string, unknown>;
    };
    const names = Object.keys(lock.packages);
    expect(names).toContain('node_modules/mo-notify');
    expect(names.length).toBeLessThanOrEqual(15);
    const { stdout } = await exec('du', ['-sk', installed()]);
    expect(Number.parseInt(stdout, 10)).toBeLessThan(30 * 1024);
  });

  test('the library’s names are there, with types that compile without any other package’s', async () => {
    writeFileSync(
      join(consumer, 'consumer.ts'),
      `import { type CallEvent, parsePayload, signPayload, type Verdict, verifySignature } from 'mo-notify';
const body = new TextEncoder().encode('{"event":"call_connected","call_id":"MO1","timestamp":"2025-07-21T12:45:00Z"}');
const verdict: Verdict = verifySignature(body, signPayload(body, 's'), [{ name: 'mine', value: 's' }]);
const event: CallEvent | null = parsePayload(body).data;
// @ts-expect-error a verdict is no number
const wrong: number = verdict;
export const said: string = verdict.result + ' ' + event?.call_id + ' ' + typeof wrong;
console.log(said);
`,
    );
    const tsconfig = {
      compilerOptions: {
        module: 'nodenext',
        target: 'es2023',
        lib: ['es2023', 'dom'],
        strict: true,
        skipLibCheck: false,
        typeRoots: [join(ROOT, 'node_modules/@types')],
        types: ['node'],
      },
      files: ['consumer.ts'],
    };
    writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify(tsconfig));
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const compiled = await exec(tsc, ['-p', consumer]).catch((error: { stdout: string }) => error);
    expect(compiled.stdout).toBe('');
    const { stdout } = await exec(process.execPath, [join(consumer, 'consumer.js')], { cwd: consumer });
    expect(stdout).toBe('valid MO1 object\n');
  });

  test('nothing but the library is importable', async () => {
    expect(existsSync(installed('mo-notify/dist/cli.cjs'))).toBe(true);
    const reach = exec(process.execPath, ['-e', "import('mo-notify/dist/cli.cjs')"], { cwd: consumer });
    await expect(reach).rejects.toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });
});
