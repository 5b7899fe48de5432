import { existsSync } from 'node:fs';
import type { Config, EndpointConfig } from '../config/config.ts';
import { endpointName, recordedUrl } from '../core/endpoint-identity.ts';
import { ENDPOINT_NAME } from '../core/endpoint-name.ts';
import { UsageError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { shownUrl } from '../core/redact.ts';
import { encodeValue, MASK, mapValues, queryValues, referenceOf } from '../core/url-values.ts';
import { configuredEndpoints } from './configured.ts';
import type { Context } from './context.ts';

/** Where to send to. `endpoint` is what the config says of it, where the target is a name. */
export interface Target {
  /** The endpoint's name, else one made of the URL (core/endpoint-identity.ts). */
  name: string;
  /** Where requests go; its values are secrets. */
  url: URL;
  /** The URL as the log and people get it, its values masked. */
  shown: string;
  /** The URL as it was written, with references to variables (`?key=env:NAME`). */
  written: string;
  endpoint: EndpointConfig | null;
  /** Plain http to a public address too: by a flag, or by what the config says of the endpoint. */
  allowHttp: boolean;
}

/** What a target may be, for `--help`. */
export const TARGET_HELP = "an endpoint's name, a URL, a port, or a port with a path (3000/notify)";

/** What `--allow-http` does. */
export const ALLOW_HTTP_HELP = 'permit plain http to a public address';

const LOCAL = /^(?:(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])?:)?(\d+)((?:[/?#].*)?)$/is;

/**
 * An endpoint's name, a URL, a port, or a port or local host with a path (cli.md, Everywhere). Values of the form
 * `env:NAME` in its query come from the environment. Throws UsageError.
 */
export async function resolveTarget(
  context: Context,
  text: string,
  { allowHttp = false }: { allowHttp?: boolean } = {},
): Promise<Target> {
  const endpoints = ENDPOINT_NAME.test(text) ? await namedEndpoints(context) : {};
  const endpoint = Object.hasOwn(endpoints, text) ? (endpoints[text] as EndpointConfig) : null;
  const written = endpoint === null ? parseTarget(text) : new URL(endpoint.url);
  if (written === null) throw await notATarget(context, text);
  const url = filledIn(written, context.io.env);
  if (endpoint === null) hintAtLiteral(context, written.href, "your shell's history and the process list");
  return {
    name: endpoint === null ? endpointName(url.href) : text,
    url,
    shown: recordedUrl(url.href),
    written: written.href,
    endpoint,
    allowHttp: allowHttp || endpoint?.allow_http === true,
  };
}

/** A target that is no endpoint's name; null for what is no target. Throws UsageError for one that cannot be used. */
export function parseTarget(text: string): URL | null {
  const local = LOCAL.exec(text);
  if (local !== null) {
    const [, host = '127.0.0.1', port, rest] = local as unknown as [
      string,
      string | undefined,
      string,
      string,
    ];
    if (Number(port) < 1 || Number(port) > 65_535)
      throw new UsageError(`'${port}' is not a port. Ports go from 1 to 65535.`);
    return new URL(`http://${host}:${Number(port)}${rest}`);
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null;
  if (url.username !== '' || url.password !== '') {
    throw new UsageError(
      `The target's URL has a user or password for ${url.host}. Take them out, and send them with -H 'Authorization: …'.`,
    );
  }
  return url;
}

/** The endpoints that a name may mean. Throws UsageError where the config that was named does not exist. */
async function namedEndpoints(context: Context): Promise<Config['endpoints']> {
  const { config } = context.project;
  if (context.options.config !== undefined && !existsSync(config))
    throw new UsageError(`--config: ${config} does not exist.`);
  return configuredEndpoints(context);
}

/** Repeats what was given, without what may be secret in it, and says what would do. */
async function notATarget(context: Context, text: string): Promise<UsageError> {
  // A mistake in the config is not the one to tell of where no name was meant.
  const names = await configuredEndpoints(context).then(Object.keys, () => [] as string[]);
  const shown = shownUrl(text);
  const scheme = /^(?!https?:)([a-z][a-z\d+.-]*:)/i.exec(text)?.[1];
  const meant = /^[\w.-]+:\d+(?:[/?#]|$)/.test(text) ? `http://${shown}` : nearest(shown, names);
  const why =
    meant !== null
      ? `. Did you mean '${meant}'?`
      : scheme === undefined
        ? '.'
        : `: deliveries go over https: or http:, not '${scheme}'.`;
  const known = names.length === 0 ? 'none registered yet' : names.join(', ');
  return new UsageError(
    `'${shown}' is not a target${why} A target is an endpoint's name (${known}), a URL (https://example.com/notify), a port (3000), or a port or local host with a path (3000/notify, localhost:3000/notify).`,
  );
}

/** A URL with its references to variables replaced by what they hold. Throws UsageError where that is nothing. */
export function filledIn({ href }: URL, env: Record<string, string | undefined>): URL {
  return new URL(mapValues(href, (value, name) => sentValue(value, name, env)));
}

function sentValue(value: string, name: string, env: Record<string, string | undefined>): string {
  if (value === MASK) {
    throw new UsageError(
      `The target's value of '${name}' is masked (${MASK}), as the log has it, so nothing can be sent there. Use the endpoint's name, or write the value as ?${name}=env:NAME.`,
    );
  }
  const variable = referenceOf(value);
  if (variable === null) return value;
  const found = env[variable] ?? '';
  if (found !== '') return encodeValue(found);
  throw new UsageError(`The target's value of '${name}' is in the variable ${variable}, which is not set.`);
}

/** Says where a value that stands in a URL is kept in clear, and how it is not. */
export function hintAtLiteral(context: Context, url: string, where: string): void {
  const literal = queryValues(url).find(({ value }) => referenceOf(value) === null);
  if (literal === undefined) return;
  const name = literal.name === '' ? '' : `${literal.name}=`;
  context.note(`The URL's values are in ${where}. '?${name}env:NAME' takes one from a variable instead.`);
}
