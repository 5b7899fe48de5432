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

/** Where a command's secrets are: flags, or an endpoint of the config. */
export interface EndpointSecretSources extends SecretSources {
  endpoint?: string;
}

/** The secrets a receiver accepts; where none is named, the one it made for this project. */
export async function receiverSecrets(
  context: Context,
  sources: EndpointSecretSources,
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
  sources: EndpointSecretSources,
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
  { secretEnv, secretFile, secretStdin }: SecretSources,
  { name, url, endpoint }: Target,
): Promise<Secret> {
  const flagged = secretEnv ?? secretFile ?? secretStdin;
  if (endpoint === null || flagged !== undefined) {
    // By name, because a command's --endpoint may mean which records it is about.
    const flags = {
      ...(secretEnv === undefined ? {} : { secretEnv }),
      ...(secretFile === undefined ? {} : { secretFile }),
      ...(secretStdin === undefined ? {} : { secretStdin }),
    };
    return signingSecret(context, flags, isLoopback(url));
  }
  return readReference(endpoint.secret, name, context.project, context.io.env);
}

/** The secrets to check a signature with. */
export async function checkingSecrets(context: Context, sources: EndpointSecretSources): Promise<Secret[]> {
  const named = await namedSecrets(context, sources);
  if (named.length > 0) return named;
  const own = readLocalSecret(context.project);
  if (own !== null) return [own];
  throw new UsageError(
    "No secret to check with. Set MO_SECRET to the endpoint's secret, or name one with --secret-env or --secret-file.",
  );
}

/** Standard input can be read once. Throws UsageError where a body and the secret would both come from it. */
export function refuseSharedStdin(what: string, source: string | undefined, sources: SecretSources): void {
  if (source !== '-' || sources.secretStdin !== true) return;
  throw new UsageError(
    `Standard input cannot be both ${what} and the secret (--secret-stdin). Read one of them from a file.`,
  );
}

async function namedSecrets(context: Context, sources: EndpointSecretSources): Promise<Secret[]> {
  const { endpoint, ...flags } = sources;
  if (endpoint !== undefined) return endpointSecrets(context, endpoint, flags);
  return readSecrets(flags, context.io.env, () => secretFromStdin(context));
}

/** An endpoint's secret, and the one before it for as long as a rotation's overlap lasts. Throws UsageError. */
async function endpointSecrets(context: Context, name: string, flags: SecretSources): Promise<Secret[]> {
  if ((flags.secretEnv ?? flags.secretFile ?? flags.secretStdin) !== undefined)
    throw new UsageError("--endpoint cannot be used with --secret-…: it brings the endpoint's own secrets.");
  const { findEndpoint } = await import('../config/config.ts');
  const { readConfig } = await import('../config/config-file.ts');
  const { config } = context.project;
  const {
    secret,
    previous_secret: previous,
    previous_secret_until: until,
  } = findEndpoint(readConfig(config), name, config);
  const read = (reference: string, as: string) =>
    readReference(reference, as, context.project, context.io.env);
  const secrets = [read(secret, name)];
  const ends = until === undefined ? undefined : Date.parse(until);
  if (previous !== undefined && (ends === undefined || context.io.now() < ends))
    secrets.push({ ...read(previous, `${name}, previous`), ...(ends === undefined ? {} : { until: ends }) });
  return secrets;
}

/** One final newline is the shell's, not the secret's. */
export async function secretFromStdin({ io }: Context): Promise<string> {
  return (await readStdin(io)).toString('utf8').replace(/\r?\n$/, '');
}
