import { lstatSync } from 'node:fs';
import { EnvironmentError } from '../core/errors.ts';

/** For places of our own: a link there would have us write, or change a mode, wherever somebody else likes. Throws EnvironmentError. */
export function refuseLink(path: string, instead: 'file' | 'folder'): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    throw new EnvironmentError(
      `${path} is a symbolic link, and mo-notify keeps nothing behind one. Replace it by a ${instead}.`,
    );
}
