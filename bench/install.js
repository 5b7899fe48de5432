// What an installation brings: `npm ci --omit=dev` in a copy of the manifest and lockfile.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verdict } from './figures.js';

const root = join(import.meta.dirname, '..');

export function install() {
  console.log('\nInstallation: npm ci --omit=dev');
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-bench-'));
  try {
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(root, file), join(folder, file));
    execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdio: 'ignore',
    });
    const files = readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true }).filter(
      (file) => file.isFile(),
    );
    const packages = files.filter(
      (file) => file.name === 'package.json' && /node_modules\/(@[^/]+\/)?[^/]+$/.test(file.parentPath),
    ).length;
    const bytes = files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
    return [
      verdict('packages', [packages], '≤ 15', (n) => n <= 15, 0),
      verdict('size, MB', [bytes / 1e6], '≤ 30', (mb) => mb <= 30, 1),
    ].every(Boolean);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) process.exitCode = install() ? 0 : 1;
