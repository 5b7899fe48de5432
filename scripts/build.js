// Bundles src/ into dist/: one entry for the command line, one for the library, a chunk a command. Pure JavaScript
// dependencies are bundled, which keeps an installation small and start-up fast; libsql, a native module, stays out.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

/** Of what is imported, only what is left once unused code is gone needs its licence beside it. */
const rememberPackages = {
  name: 'remember-packages',
  generateBundle(_, files) {
    for (const file of Object.values(files)) {
      for (const [id, { renderedLength }] of Object.entries(file.modules ?? {})) {
        const match = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id);
        if (match && renderedLength > 0) bundled.add(match[0]);
      }
    }
  },
};

/** Leaves out what a package loads and we never use, because loading it takes long. */
function without(file, module) {
  return {
    name: `without-${module.replace(/\W+/g, '-')}`,
    transform(code, id) {
      if (!id.endsWith(file)) return null;
      const required = `require('${module}')`;
      if (!code.includes(required)) throw new Error(`${file} no longer loads ${module} in this way.`);
      return code.replace(required, 'undefined');
    },
  };
}

// commander can run a command that is a program of its own; we have none. undici speaks HTTP/2 where TLS has agreed on it;
// deliveries are HTTP/1.1 (contract §1), and connections offer nothing else.
const trimmed = [
  without('/commander/lib/command.js', 'node:child_process'),
  without('/undici/lib/dispatcher/client.js', './client-h2.js'),
];

// Built beside dist/ and put in its place whole, so that nothing ever runs from half a build.
const out = `dist.new-${process.pid}`;
const bundled = new Set();

// CommonJS, because a program made of ES modules takes a tenth of Node's own start longer to start.
await build('src/cli/bin.ts', {
  format: 'cjs',
  entryFileNames: 'cli.cjs',
  chunkFileNames: 'chunks/[name]-[hash].cjs',
  codeSplitting: {
    groups: [
      { name: 'start', tags: ['$initial'], priority: 2 },
      { name: 'chalk', test: /\/node_modules\/chalk\// },
      { name: 'undici', test: /\/node_modules\/undici\// },
      {
        name: 'shared',
        test: /\/src\/(core|cli\/(?!serve-dashboard|resend|browse)|config\/(project|secrets))/,
        minShareCount: 2,
        priority: 1,
      },
    ],
  },
});
await build('src/index.ts', { format: 'esm', entryFileNames: 'index.js', codeSplitting: false });
await buildPage();

writeFileSync(join(root, out, 'THIRD-PARTY-LICENSES'), [...bundled].sort().map(notice).join('\n'));
execFileSync(
  process.execPath,
  [tsc(), '-p', join(root, 'tsconfig.types.json'), '--outDir', join(root, out, 'types')],
  { stdio: 'inherit' },
);
rmSync(join(root, 'dist'), { recursive: true, force: true });
renameSync(join(root, out), join(root, 'dist'));

async function build(input, output) {
  const bundle = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    // jsonc-parser's other form cannot be bundled.
    resolve: { mainFields: ['module', 'main'] },
    external: ['libsql'],
    treeshake: true,
    // Chunks are shared: what one command loads late, another has from the start.
    checks: { ineffectiveDynamicImport: false },
    plugins: [rememberPackages, ...trimmed],
  });
  await bundle.write({ dir: out, minify: true, ...output });
  await bundle.close();
}

/** The dashboard's page: one script, one style sheet, and what is served as it is. */
async function buildPage() {
  const app = join(root, 'src/dashboard/app');
  const page = join(root, out, 'dashboard');
  const bundle = await rolldown({
    cwd: root,
    input: join(app, 'main.tsx'),
    platform: 'browser',
    tsconfig: join(app, 'tsconfig.json'),
    plugins: [rememberPackages],
  });
  await bundle.write({
    dir: page,
    format: 'esm',
    minify: true,
    entryFileNames: 'app.js',
    codeSplitting: false,
  });
  await bundle.close();
  const styles = [require.resolve('uplot/dist/uPlot.min.css'), join(app, 'app.css')];
  writeFileSync(join(page, 'app.css'), styles.map((file) => readFileSync(file, 'utf8')).join('\n'));
  for (const name of ['index.html', 'icon.svg']) copyFileSync(join(app, name), join(page, name));
}

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
