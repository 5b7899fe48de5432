import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { z } from 'zod';
import { ENDPOINT_NAME } from '../core/endpoint-name.ts';
import { UsageError } from '../core/errors.ts';
import { EVENT_TYPES } from '../core/event.ts';
import { isLoopback } from '../core/loopback.ts';
import { nearest } from '../core/nearest.ts';
import { parseBackoff } from '../core/schedule.ts';
import { parseDuration } from '../core/time.ts';

const checked = (check: (text: string) => unknown) => (text: string, context: z.RefinementCtx) => {
  try {
    check(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
  }
};

const SecretReference = z
  .string()
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, {
    message: 'is not a reference. A secret does not stand in the config: write env:NAME or file:PATH',
  })
  .describe('where the secret is: env:NAME, or file:PATH relative to this file');

export const EndpointSchema = z
  .strictObject({
    url: z.string().superRefine(checked(checkEndpointUrl)).describe('https, or http on this machine'),
    secret: SecretReference,
    previous_secret: SecretReference.optional().describe('the secret before the last rotation'),
    previous_secret_until: z.iso.datetime().optional().describe('when the previous secret ends'),
    events: z.array(z.enum(EVENT_TYPES)).min(1).optional().describe('subscribed events; all without it'),
    numbers: z.array(z.string().min(1)).min(1).optional().describe('only calls from or to these numbers'),
    queues: z.array(z.string().min(1)).min(1).optional().describe('only calls of these queues'),
    timeout: z
      .string()
      .superRefine(checked((text) => parseDuration(text, 'timeout')))
      .optional()
      .describe('the whole of an attempt: 30s'),
    retries: z.int().min(0).max(100).optional(),
    backoff: z.string().superRefine(checked(parseBackoff)).optional().describe('pauses: 1s,5s,25s'),
  })
  .describe('where notifications go');
export type EndpointConfig = z.infer<typeof EndpointSchema>;

export const ConfigSchema = z.strictObject({
  $schema: z.string().optional(),
  endpoints: z
    .record(
      z.string().regex(ENDPOINT_NAME, { message: 'is not a name: letters, digits, - and _' }),
      EndpointSchema,
    )
    .default({}),
});
export type Config = z.infer<typeof ConfigSchema>;

/** The same as JSON Schema (draft 2020-12), for editors; schema/config.schema.json holds it. */
export function configJsonSchema(): Record<string, unknown> {
  return { title: 'mo-notify.config.json', ...z.toJSONSchema(ConfigSchema, { io: 'input' }) };
}

/** Throws UsageError with the nearest name. `file` is where the config is, for the message. */
export function findEndpoint({ endpoints }: Config, name: string, file: string): EndpointConfig {
  if (Object.hasOwn(endpoints, name)) return endpoints[name] as EndpointConfig;
  const names = Object.keys(endpoints);
  const hint = nearest(name, names);
  throw new UsageError(
    `'${name}' is no endpoint in ${file}.${hint === null ? '' : ` Did you mean '${hint}'?`}${names.length === 0 ? '' : ` Known: ${names.join(', ')}.`} 'mo-notify endpoints add ${name} URL' registers it.`,
  );
}

/** Deliveries go over HTTPS, save on this machine. Throws UsageError. */
export function checkEndpointUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw new UsageError(`'${text}' is not a URL. Write it like https://example.com/hook.`);
  if (url.username !== '' || url.password !== '')
    throw new UsageError(`the URL of ${url.host} carries a user or password; take them out`);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return;
  throw new UsageError(`'${text}' is not https. An endpoint off this machine takes https only.`);
}

/** Reads a config's text; comments and trailing commas are allowed. Throws UsageError with file, line and path. */
export function parseConfig(text: string, file: string): Config {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined || tree === undefined) {
    const why = first === undefined ? 'it is empty' : printParseErrorCode(first.error);
    throw new UsageError(`${file}:${lineOf(text, first?.offset ?? 0)}: not JSON (${why}).`);
  }
  const parsed = ConfigSchema.safeParse(getNodeValue(tree));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] as string] : issue.path;
  throw new UsageError(describe(text, file, tree, path as (string | number)[], issue));
}

function describe(
  text: string,
  file: string,
  tree: Node,
  path: (string | number)[],
  issue: z.core.$ZodIssue,
): string {
  const node = findNodeAtLocation(tree, path) ?? findNodeAtLocation(tree, path.slice(0, -1)) ?? tree;
  const secret = path.some((part) => /secret/.test(String(part)));
  const value = node.type === 'object' || node.type === 'array' || secret ? '' : ` '${String(node.value)}'`;
  const why =
    issue.code === 'unrecognized_keys' ? 'is not known here' : issue.message.replace(/^Invalid/, 'invalid');
  return `${file}:${lineOf(text, node.offset)}: ${path.join('.')}${value}: ${why}.`.replace(/\.\.$/, '.');
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
