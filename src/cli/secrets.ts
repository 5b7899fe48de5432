import { dirname } from 'node:path';
import {
  makeLocalSecret,
  readLocalSecret,
  readReference,
  readSecrets,
  type SecretSources,
} from '../config/secrets.ts';
import { UsageError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';
import type { Secret } from '../core/signature.ts';
import type { Context } from './context.ts';
import { readStdin } from './input.ts';
import type { Target } from './target.ts';

/** The secrets a receiver accepts; where none is named, the one it made for this project. */
export async function receiverSecrets(
  context: Context,
  sources: SecretSources,
): Promise<{ secrets: Secret[]; made: boolean }> {
  const named = await namedSecrets(context, sources);
  if (named.length > 0) return { secrets: named, made: false };
  const local = readLocalSecret(context.project);
  if (local !== null) return { secrets: [local], made: false };
  return { secrets: [makeLocalSecret(context.project)], made: true };
}

/** The one secret to sign with. The project's own serves only for receivers on this machine. */
export async function signingSecret(
  context: Context,
  sources: SecretSources,
  local: boolean,
): Promise<Secret> {
  const [first] = await namedSecrets(context, sources);
  if (first !== undefined) return first;
  const own = local ? readLocalSecret(context.project) : null;
  if (own !== null) return own;
  throw new UsageError(
    `No secret to sign with. Set MO_SECRET to the endpoint's secret, or name one with --secret-env or --secret-file${
      local ? "; 'mo-notify listen' in this folder makes one that is found by itself" : ''
    }.`,
  );
}

/** The secret to sign for a target with: what flags name, else the endpoint's own. */
export async function targetSecret(
  context: Context,
  sources: SecretSources,
  { name, url, endpoint }: Target,
): Promise<Secret> {
  const flagged = sources.secretEnv ?? sources.secretFile ?? sources.secretStdin;
  if (endpoint === null || flagged !== undefined) return signingSecret(context, sources, isLoopback(url));
  return readReference(endpoint.secret, name, dirname(context.project.config), context.io.env);
}

/** The secrets to check a signature with. */
export async function checkingSecrets(context: Context, sources: SecretSources): Promise<Secret[]> {
  const named = await namedSecrets(context, sources);
  if (named.length > 0) return named;
  const own = readLocalSecret(context.project);
  if (own !== null) return [own];
  throw new UsageError(
    "No secret to check with. Set MO_SECRET to the endpoint's secret, or name one with --secret-env or --secret-file.",
  );
}

/** Standard input can be read once. Throws UsageError where a body and the secret would both come from it. */
export function refuseSharedStdin(flag: string, source: string | undefined, sources: SecretSources): void {
  if (source !== '-' || sources.secretStdin !== true) return;
  throw new UsageError(
    `Standard input cannot be both the body (${flag} -) and the secret (--secret-stdin). Read one of them from a file.`,
  );
}

function namedSecrets(context: Context, sources: SecretSources): Promise<Secret[]> {
  return readSecrets(sources, context.io.env, () => secretFromStdin(context));
}

/** One final newline is the shell's, not the secret's. */
export async function secretFromStdin({ io }: Context): Promise<string> {
  return (await readStdin(io)).toString('utf8').replace(/\r?\n$/, '');
}
