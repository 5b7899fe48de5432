// Writes schema/config.schema.json anew out of src/config/config.ts: `npm run schema`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
const draft = join(root, `schema/config.${process.pid}.mjs`);
mkdirSync(join(root, 'schema'), { recursive: true });
const bundle = await rolldown({
  cwd: root,
  input: 'src/config/config.ts',
  platform: 'node',
  resolve: { mainFields: ['module', 'main'] },
});
try {
  await bundle.write({ file: draft, format: 'esm', codeSplitting: false });
  const { configJsonSchema } = await import(pathToFileURL(draft).href);
  const text = JSON.stringify(configJsonSchema(), null, 2);
  writeFileSync(join(root, 'schema/config.schema.json'), `${text}\n`);
} finally {
  await bundle.close();
  rmSync(draft, { force: true });
}
