import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { EnvironmentError, KnownError, UsageError } from '../core/errors.ts';
import type { Project } from './project.ts';
import { refuseLink } from './refuse-link.ts';

export const PRIVATE = 0o600;
/** Far above any secret, ms below what would be felt. */
const MAX_BYTES = 65_536;

/** The folder of a project's secrets; it need not be there. Throws EnvironmentError where a symbolic link leads elsewhere. */
export function secretsFolder(project: Project): string {
  const folder = join(project.folder, 'secrets');
  refuseLink(project.folder, 'folder');
  refuseLink(folder, 'folder');
  return folder;
}

/** Where a secret of this name goes, its folder made. Throws EnvironmentError. */
export function placeForSecret(project: Project, name: string): string {
  project.makeFolder();
  const path = join(secretsFolder(project), name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  refuseLink(path, 'file');
  return path;
}

/** Replaced whole or not at all: half a secret would be none. */
export function replaceSecret(path: string, value: string): void {
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, `${value}\n`, { mode: PRIVATE, flag: 'wx' });
  renameSync(draft, path);
}

/**
 * The secret in a file; null where it is not there. One of the project's own is set back to mode 0600 (fault F18); any
 * other is somebody's, whom a config may name without asking, and stays as it is (G13). Throws UsageError, EnvironmentError.
 */
export function readSecret(project: Project, path: string): string | null {
  const own = dirname(path) === join(project.folder, 'secrets');
  if (own) secretsFolder(project);
  let file: number | null = null;
  try {
    refuseLink(path, 'file');
    // Not blocking: a pipe that nobody writes to would be waited for.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const about = fstatSync(file);
    if (!about.isFile() || about.size > MAX_BYTES)
      throw new UsageError(
        `${path} holds no secret: it is ${about.isFile() ? `larger than ${MAX_BYTES} bytes` : 'not a file'}.`,
      );
    if (own && (about.mode & 0o077) !== 0) fchmodSync(file, PRIVATE);
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    if (cause instanceof KnownError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new EnvironmentError(`${path} cannot be read (${code}).`, { cause });
  } finally {
    if (file !== null) closeSync(file);
  }
}
