import { existsSync, lstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { platform } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { EnvironmentError } from '../core/errors.ts';
import { refuseLink } from './refuse-link.ts';

const FOLDER = '.mo-notify';
const CONFIG = 'mo-notify.config.json';

/** The folder that a project's records and secrets live in (contract §5). */
export interface Project {
  /** The config file: the one that was named, or the nearest, or the user's own; it need not be there. */
  readonly config: string;
  /** `.mo-notify`, beside the nearest config or where one already is; else in the working directory. */
  readonly folder: string;
  /** The same, made where it is missing, and ignoring itself in git. Throws EnvironmentError. */
  makeFolder(): string;
}

export function findProject(
  cwd: string,
  named?: string,
  env: Record<string, string | undefined> = {},
): Project {
  const config = named === undefined ? findConfig(cwd, env) : resolve(cwd, named);
  const folder = join(named === undefined ? (findRoot(cwd) ?? cwd) : dirname(config), FOLDER);
  return {
    folder,
    config,
    makeFolder() {
      refuseLink(folder, 'folder');
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        makeIgnore(join(folder, '.gitignore'));
      } catch (cause) {
        throw new EnvironmentError(
          `The folder ${folder} cannot be made (${(cause as NodeJS.ErrnoException).code}). Go to a folder you may write in, or name a store with --store.`,
          { cause },
        );
      }
      return folder;
    },
  };
}

/** Whatever is there stays as it is, and nothing is made where a link leads. */
function makeIgnore(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  try {
    writeFileSync(path, '*\n', { flag: 'wx' });
  } catch (error) {
    // Another process was first.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** A folder that anybody may write to, /tmp for one: what lies there may be a stranger's, so it is no project of ours. */
function isEverybodys(folder: string): boolean {
  return platform() !== 'win32' && (statSync(folder).mode & 0o002) !== 0;
}

function findConfig(cwd: string, env: Record<string, string | undefined>): string {
  const own = join(findRoot(cwd) ?? cwd, CONFIG);
  if (existsSync(own)) return own;
  const home = env.XDG_CONFIG_HOME ?? (env.HOME === undefined ? undefined : join(env.HOME, '.config'));
  const users = home === undefined ? own : join(home, 'mo-notify', CONFIG);
  return existsSync(users) ? users : own;
}

function findRoot(cwd: string): string | null {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const found = existsSync(join(folder, CONFIG)) || existsSync(join(folder, FOLDER));
    if (found && (folder === cwd || !isEverybodys(folder))) return folder;
    if (folder === dirname(folder)) return null;
  }
}
