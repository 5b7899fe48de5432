import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Why no file system can be mounted here; null where it can. */
export const cannotMount: string | null = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'pipe' });
    execFileSync('umount', [folder], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `mount is not permitted here: ${(error as Error).message.split('\n')[0]}`;
  }
})();

/** A file system of its own, of so many bytes; gone when the test ends. */
export function mountTmpfs(size: string): { folder: string; makeReadOnly: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-mount-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  return { folder, makeReadOnly: () => void execFileSync('mount', ['-o', 'remount,ro', folder]) };
}
