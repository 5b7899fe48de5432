import { chmodSync, lstatSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { JSONPath } from 'jsonc-parser';
import { EnvironmentError } from '../core/errors.ts';
import { type Config, parseConfig } from './config.ts';
import { removeProperty, setProperty } from './edit-text.ts';
import { withLock } from './file-lock.ts';

const EMPTY = '{\n  "endpoints": {}\n}\n';

/** Where a value stands, and what it becomes; `undefined` takes it out. */
export type ConfigEdit = readonly [at: JSONPath, value: unknown];

/** The config in a file; an absent file is an empty config. Throws UsageError, EnvironmentError. */
export function readConfig(path: string): Config {
  return parseConfig(readText(path), path);
}

/**
 * Changes values in a config file; comments and order stay. `decide` gets the config as it is and says what is to change:
 * no other process changes the file meanwhile. The file is replaced whole or not at all, and never to something that
 * would not be read again. Throws UsageError, EnvironmentError.
 */
export function editConfig(path: string, decide: (config: Config) => readonly ConfigEdit[]): Promise<void> {
  return withLock(path, () => {
    const text = readText(path);
    const changed = decide(parseConfig(text, path)).reduce(edit, text);
    parseConfig(changed, path);
    replaceFile(path, changed);
  });
}

function edit(text: string, [at, value]: ConfigEdit): string {
  return value === undefined ? removeProperty(text, at) : setProperty(text, at, value);
}

function replaceFile(path: string, text: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  const draft = `${path}.${process.pid}.new`;
  try {
    writeFileSync(draft, text, { flag: 'wx' });
    if (mode !== undefined) chmodSync(draft, mode & 0o777);
    renameSync(draft, path);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw new EnvironmentError(`${path} cannot be written (${(cause as NodeJS.ErrnoException).code}).`, {
      cause,
    });
  }
}

function readText(path: string): string {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new EnvironmentError(`${path} is a symbolic link; name the file it leads to with --config.`);
  }
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return EMPTY;
    throw new EnvironmentError(`${path} cannot be read (${code}).`, { cause });
  }
}
