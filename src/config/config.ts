import { createScanner, getNodeValue, type Node, type ParseError, parseTree } from 'jsonc-parser';
import { z } from 'zod';
import { ENDPOINT_NAME } from '../core/endpoint-name.ts';
import { UsageError } from '../core/errors.ts';
import { EVENT_TYPES } from '../core/event.ts';
import { nearest } from '../core/nearest.ts';
import { shownUrl } from '../core/redact.ts';
import { parseBackoff } from '../core/schedule.ts';
import { NUMBER } from '../core/subscription.ts';
import { parseDuration } from '../core/time.ts';
import { MASK, queryValues } from '../core/url-values.ts';
import { describeIssue, describeParseError, lineOf } from './config-errors.ts';

const MAX_DEPTH = 32;

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
    url: z
      .string()
      .superRefine(checked(checkEndpointUrl))
      .describe('https or http; a value in its query may be env:NAME'),
    secret: SecretReference,
    previous_secret: SecretReference.optional().describe('the secret before the last rotation'),
    previous_secret_until: z.iso.datetime().optional().describe('when the previous secret ends'),
    events: z.array(z.enum(EVENT_TYPES)).min(1).optional().describe('subscribed events; all without it'),
    numbers: z
      .array(z.string().regex(NUMBER, { message: 'is not a phone number. Write it like +919876543210' }))
      .min(1)
      .optional()
      .describe('only calls from or to these numbers; without a + of any country'),
    queues: z.array(z.string().min(1)).min(1).optional().describe('only calls of these queues'),
    allow_http: z.boolean().optional().describe('permit plain http to a public address'),
    timeout: z
      .string()
      .superRefine(checked((text) => parseTimeout(text, 'timeout')))
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

/** The whole of an attempt, ms: a duration that is not 0. Throws UsageError. */
export function parseTimeout(text: string, what: string): number {
  const ms = parseDuration(text, what);
  if (ms > 0) return ms;
  throw new UsageError(`${what}: '${text}' leaves no time for an answer. Write one above 0: 500ms, 30s.`);
}

/** Whether plain http will do is judged as the connection is made (cli.md, Everywhere). Throws UsageError. */
export function checkEndpointUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null)
    throw new UsageError(`'${shownUrl(text)}' is not a URL. Write it like https://example.com/hook.`);
  if (url.username !== '' || url.password !== '')
    throw new UsageError(`the URL of ${url.host} carries a user or password; take them out`);
  const masked = queryValues(text).find(({ value }) => value === MASK);
  if (masked !== undefined)
    throw new UsageError(`'${shownUrl(text)}' has a masked value. Write it as ?${masked.name}=env:NAME.`);
  if (url.protocol === 'https:' || url.protocol === 'http:') return;
  throw new UsageError(`'${shownUrl(text)}' is not https. Write it like https://example.com/hook.`);
}

/** Where brackets are nested deeper than anything a config has; null where they are not. Parsers give up at some depth. */
function tooDeepAt(text: string): number | null {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (scanner.scan(); scanner.getTokenLength() > 0; scanner.scan()) {
    const first = text[scanner.getTokenOffset()];
    if (first === '{' || first === '[') depth += 1;
    if (first === '}' || first === ']') depth -= 1;
    if (depth > MAX_DEPTH) return scanner.getTokenOffset();
  }
  return null;
}

/** The property that would become an object's prototype, and so be in force without being there. */
function prototypeName(node: Node): Node | null {
  if (node.type === 'property' && node.children?.[0]?.value === '__proto__') return node;
  for (const child of node.children ?? []) {
    const found = prototypeName(child);
    if (found !== null) return found;
  }
  return null;
}

/** Reads a config's text; comments and trailing commas are allowed. Throws UsageError with file, line and path. */
export function parseConfig(text: string, file: string): Config {
  const deep = tooDeepAt(text);
  if (deep !== null)
    throw new UsageError(
      `${file}:${lineOf(text, deep)}: nested more than ${MAX_DEPTH} deep. A config needs four levels.`,
    );
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined || tree === undefined) {
    const why = text.trim() === '' ? 'it is empty; write {}' : describeParseError(first?.error);
    throw new UsageError(`${file}:${lineOf(text, first?.offset ?? 0)}: not JSON: ${why}.`);
  }
  const odd = prototypeName(tree);
  if (odd !== null)
    throw new UsageError(`${file}:${lineOf(text, odd.offset)}: '__proto__' is not a name. Choose another.`);
  const parsed = ConfigSchema.safeParse(getNodeValue(tree));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  const known = Object.keys(issue.path.length === 0 ? ConfigSchema.shape : EndpointSchema.shape);
  throw new UsageError(describeIssue(text, file, tree, { issue, known }));
}
