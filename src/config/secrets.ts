import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { checkSecret, type Secret } from '../core/signature.ts';
import type { Project } from './project.ts';
import { refuseLink } from './refuse-link.ts';
import { PRIVATE, placeForSecret, readSecret, replaceSecret, secretsFolder } from './secret-files.ts';

/** Where secrets are to come from; never the command line itself (contract §5). */
export interface SecretSources {
  secretEnv?: string[];
  secretFile?: string[];
  secretStdin?: boolean;
}

const DEFAULT_ENV = 'MO_SECRET';
const LOCAL = 'local';

/** The secrets that flags or the environment name, the current one first; none where nothing is named. */
export async function readSecrets(
  sources: SecretSources,
  env: Record<string, string | undefined>,
  readStdin: () => Promise<string>,
): Promise<Secret[]> {
  const secrets: Secret[] = [];
  for (const name of sources.secretEnv ?? []) {
    const value = env[name];
    if (value === undefined)
      throw new UsageError(`--secret-env: the variable ${name} is not set. Set it to the secret.`);
    secrets.push({ name: `env:${name}`, value });
  }
  for (const path of sources.secretFile ?? [])
    secrets.push({ name: `file:${path}`, value: readSecretFile(path) });
  if (sources.secretStdin === true) secrets.push({ name: 'stdin', value: await readStdin() });
  const fallback = env[DEFAULT_ENV];
  if (secrets.length === 0 && fallback !== undefined)
    secrets.push({ name: `env:${DEFAULT_ENV}`, value: fallback });
  for (const secret of secrets) checkSecret(secret);
  return secrets;
}

/** One final newline is the editor's, not the secret's; any other white space is refused later. */
export function readSecretFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new UsageError(`--secret-file: ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** A secret that `listen` made for this project, so that `send-test` beside it needs no set-up; null without one. */
export function readLocalSecret(project: Project): Secret | null {
  const value = readSecret(project, join(secretsFolder(project), LOCAL));
  return value === null ? null : { name: 'local', value };
}

export function makeLocalSecret(project: Project): Secret {
  const path = placeForSecret(project, LOCAL);
  const value = newSecret();
  try {
    writeFileSync(path, `${value}\n`, { mode: PRIVATE, flag: 'wx' });
    return { name: 'local', value };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readLocalSecret(project) as Secret;
  }
}

/** The secret that a config's reference (`env:NAME`, `file:PATH`) leads to. Throws UsageError, EnvironmentError. */
export function readReference(
  reference: string,
  name: string,
  project: Project,
  env: Record<string, string | undefined>,
): Secret {
  const [kind, rest] = [
    reference.slice(0, reference.indexOf(':')),
    reference.slice(reference.indexOf(':') + 1),
  ];
  const value = kind === 'env' ? env[rest] : readReferenced(project, rest, name);
  if (value === undefined)
    throw new UsageError(`The secret of '${name}' is in the variable ${rest}, which is not set.`);
  const secret = { name: `endpoint:${name}`, value };
  checkSecret(secret);
  return secret;
}

function readReferenced(project: Project, place: string, name: string): string {
  const path = resolve(dirname(project.config), place);
  const value = readSecret(project, path);
  if (value === null)
    throw new UsageError(`The secret of '${name}' should be in ${path}, which is not there.`);
  return value;
}

/** Keeps an endpoint's secret in the project's folder; answers with the reference to it. */
export function keepSecret(project: Project, file: string, value: string): string {
  const path = placeForSecret(project, file);
  replaceSecret(path, value);
  return `file:${relative(dirname(project.config), path)}`;
}

/** The file of ours that a reference leads to: one that `keepSecret` made for this endpoint. Null for all others. */
export function ownSecretFile(project: Project, file: string, reference: string | undefined): string | null {
  const own = join(secretsFolder(project), file);
  // An endpoint of the name `local` shares its file with `listen`.
  const named = reference?.startsWith('file:') === true && file !== LOCAL;
  return named && resolve(dirname(project.config), reference.slice(5)) === own ? own : null;
}

/** The reference to a user's own file, which is named as seen from `cwd`. Throws UsageError, EnvironmentError. */
export function referToFile(project: Project, path: string, name: string, cwd: string): string {
  const [whole, folder] = [resolve(cwd, path), dirname(project.config)];
  if (lstatSync(whole, { throwIfNoEntry: false }) === undefined)
    throw new UsageError(`--secret-file: ${whole} is not there. Write the secret into it first.`);
  readSecretFile(whole);
  const reference = `file:${isAbsolute(path) ? path : relative(folder, whole)}`;
  readReference(reference, name, project, {});
  return reference;
}

export function newSecret(): string {
  return `mosec_${randomBytes(24).toString('base64url')}`;
}

/** Writes `NAME=value` into an env file, replacing the line that is there; the file ends with mode 0600. */
export function writeEnvFile(path: string, secret: Secret, name = DEFAULT_ENV): void {
  refuseLink(path, 'file');
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
    // Before the secret is in it, not after.
    chmodSync(path, PRIVATE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new UsageError(`--write-env: ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
    }
  }
  const line = `${name}=${envValue(secret.value)}`;
  const present = new RegExp(`^${name}=.*$`, 'm');
  const next = present.test(text)
    ? text.replace(present, () => line)
    : `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
  try {
    writeFileSync(path, next, { mode: PRIVATE });
  } catch (error) {
    throw new UsageError(
      `--write-env: ${path} cannot be written (${(error as NodeJS.ErrnoException).code}).`,
    );
  }
}

/** A value as env files take it: bare where nothing in it could be misread, else in quotes. */
function envValue(value: string): string {
  if (/^[\w./+=:@%-]+$/.test(value)) return value;
  return value.includes("'") ? `"${value.replaceAll(/["\\$`]/g, '\\$&')}"` : `'${value}'`;
}
