// Bundles src/ into dist/: one entry for the command line, one for the library, a chunk a command. Pure JavaScript
// dependencies are bundled, which keeps an installation small and start-up fast; libsql, a native module, stays out.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

let rolldown;
try {
  ({ rolldown } = await import('rolldown'));
} catch {
  console.error(
    'mo-notify: not built, because the development dependencies are not installed (npm ci without --omit=dev).',
  );
  process.exit(0);
}

// Built beside dist/ and put in its place whole, so that nothing ever runs from half a build.
const out = `dist.new-${process.pid}`;
const bundled = new Set();
const bundle = await rolldown({
  cwd: root,
  input: { cli: 'src/cli/bin.ts', index: 'src/index.ts' },
  platform: 'node',
  external: ['libsql'],
  treeshake: true,
  plugins: [
    {
      name: 'remember-packages',
      load(id) {
        const match = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id);
        if (match) bundled.add(match[0]);
        return null;
      },
    },
  ],
});
await bundle.write({
  dir: out,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  minify: true,
});
await bundle.close();

writeFileSync(join(root, out, 'THIRD-PARTY-LICENSES'), [...bundled].sort().map(notice).join('\n'));
execFileSync(
  process.execPath,
  [tsc(), '-p', join(root, 'tsconfig.types.json'), '--outDir', join(root, out, 'types')],
  { stdio: 'inherit' },
);
rmSync(join(root, 'dist'), { recursive: true, force: true });
renameSync(join(root, out), join(root, 'dist'));

function notice(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} is bundled and has no licence file.`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8')}\n---\n`;
}

function tsc() {
  const manifest = require.resolve('typescript/package.json');
  return join(dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin.tsc);
}
