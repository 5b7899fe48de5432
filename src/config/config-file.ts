import { chmodSync, lstatSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { applyEdits, type JSONPath, modify } from 'jsonc-parser';
import { EnvironmentError } from '../core/errors.ts';
import { type Config, parseConfig } from './config.ts';

const EMPTY = '{\n  "endpoints": {}\n}\n';
const FORMATTING = { insertSpaces: true, tabSize: 2, eol: '\n' };

/** The config in a file; an absent file is an empty config. Throws UsageError, EnvironmentError. */
export function readConfig(path: string): Config {
  return parseConfig(readText(path), path);
}

/**
 * Changes values in a config file, `undefined` to take one out; comments and order stay. The file is replaced whole or
 * not at all, and never to something that would not be read again. Throws UsageError, EnvironmentError.
 */
export function editConfig(path: string, edits: readonly [at: JSONPath, value: unknown][]): void {
  let text = readText(path);
  parseConfig(text, path);
  for (const [at, value] of edits)
    text = applyEdits(text, modify(text, at, value, { formattingOptions: FORMATTING }));
  parseConfig(text, path);
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
