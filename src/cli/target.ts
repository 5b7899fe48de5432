import { existsSync } from 'node:fs';
import type { EndpointConfig } from '../config/config.ts';
import { ENDPOINT_NAME } from '../core/endpoint-name.ts';
import { UsageError } from '../core/errors.ts';
import type { Context } from './context.ts';

/** Where to send to. `endpoint` is what the config says of it, where the target is a name. */
export interface Target {
  /** The endpoint's name, else the URL's host. */
  name: string;
  url: URL;
  endpoint: EndpointConfig | null;
}

/** An endpoint's name, a URL, or a port on this machine (cli.md, Everywhere). Throws UsageError. */
export async function resolveTarget(context: Context, text: string): Promise<Target> {
  const { config } = context.project;
  if (ENDPOINT_NAME.test(text) && (context.options.config !== undefined || existsSync(config))) {
    const { findEndpoint } = await import('../config/config.ts');
    const { readConfig } = await import('../config/config-file.ts');
    const endpoint = findEndpoint(readConfig(config), text, config);
    return { name: text, url: new URL(endpoint.url), endpoint };
  }
  const url = parseTarget(text);
  return { name: url.host, url, endpoint: null };
}

/** A URL, or a port on this machine (cli.md, Everywhere). Throws UsageError. */
export function parseTarget(text: string): URL {
  if (/^\d+$/.test(text)) {
    const port = Number(text);
    if (port < 1 || port > 65_535) throw new UsageError(`'${text}' is not a port. Ports go from 1 to 65535.`);
    return new URL(`http://127.0.0.1:${port}/`);
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError(
      `'${text.replace(/\/\/.*@/s, '//***@')}' is not a target. Give a URL (https://example.com/hook) or a local port (3000).`,
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const hint = /^[\w.-]+:\d+(?:\/|$)/.test(text) ? ` Did you mean 'http://${text}'?` : '';
    throw new UsageError(
      `The target's scheme is '${url.protocol}'. Deliveries go over https: (or http: on this machine).${hint}`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError(
      `The target ${url.host} carries a user or password. Send them with -H 'Authorization: …' instead.`,
    );
  }
  return url;
}
