import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeEnvFile } from '../../../src/config/secrets.ts';

test.each([
  ['mosec_aB3-_', 'MO_SECRET=mosec_aB3-_'],
  ['with # and space', "MO_SECRET='with # and space'"],
  [`It's "quoted" $HOME`, 'MO_SECRET="It\'s \\"quoted\\" \\$HOME"'],
])('the secret %j is written so that it is read back whole', (value, line) => {
  const file = join(mkdtempSync(join(tmpdir(), 'mo-notify-test-')), '.env');
  writeEnvFile(file, { name: 'local', value });
  expect(readFileSync(file, 'utf8')).toBe(`${line}\n`);
});
