import { dirname } from 'node:path';
import type { Command } from 'commander';
import { checkEndpointUrl, type EndpointConfig, findEndpoint } from '../config/config.ts';
import { editConfig, readConfig } from '../config/config-file.ts';
import { keepSecret, newSecret, readReference, type SecretSources } from '../config/secrets.ts';
import { ENDPOINT_NAME } from '../core/endpoint-name.ts';
import { UsageError } from '../core/errors.ts';
import { eventType } from '../core/event.ts';
import { displayUrl, maskNumbers, visible } from '../core/redact.ts';
import { outageHorizon, parseBackoff, toSchedule } from '../core/schedule.ts';
import { checkSecret } from '../core/signature.ts';
import { formatDuration, formatTimestamp, parseDuration, parseSpan } from '../core/time.ts';
import type { CommonOptions, Context, StartContext } from './context.ts';
import { collect, wholeNumber, withConfigOption, withOutputOptions } from './options.ts';
import { secretFromStdin } from './secrets.ts';
import { action, subcommand } from './subcommands.ts';

interface EndpointOptions extends CommonOptions, SecretSources {
  url?: string;
  event?: string[];
  number?: string[];
  queue?: string[];
  timeout?: string;
  retries?: number;
  backoff?: string;
  overlap?: string;
}

export function configure(command: Command, start: StartContext): void {
  const sub = (words: string, summary: string, example: string) =>
    withConfigOption(withOutputOptions(subcommand(command, words, summary, example)));
  const run = <Rest extends unknown[]>(work: (context: Context, ...rest: Rest) => void | Promise<void>) =>
    action(start, work);

  settings(
    sub(
      'add <name> <url>',
      'register an endpoint; without a secret, makes one and shows it once',
      'add prod https://example.com/notify -e connected',
    ),
  )
    .option('--secret-env <name>', 'its secret is in this variable', collect)
    .option('--secret-file <path>', 'its secret is in this file', collect)
    .option('--secret-stdin', 'read its secret from standard input, and keep it')
    .action(run(add));
  sub('list', 'all endpoints', 'list').action(run(list));
  sub('show <name>', 'one endpoint', 'show prod').action(run(show));
  settings(
    sub(
      'update <name>',
      'change what is named; an empty value takes it out',
      'update prod --queue Sales --retries 5',
    ),
  )
    .option('--url <url>', 'where it is')
    .action(run(update));
  sub('remove <name>', 'forget an endpoint', 'remove prod').action(run(remove));
  sub(
    'rotate-secret <name>',
    'make a new secret; the old one stays valid for a while',
    'rotate-secret prod --overlap 24h',
  )
    .option('--overlap <time>', 'how long the old secret stays valid', '24h')
    .action(run(rotate));
  command.addHelpText(
    'after',
    `
Examples:
  mo-notify endpoints add prod https://example.com/notify -e connected -e missed
  mo-notify send-test prod
  mo-notify endpoints rotate-secret prod --overlap 24h`,
  );
}

function settings(command: Command): Command {
  return command
    .option('-e, --event <type>', 'subscribe to this event type alone; repeatable', collect)
    .option('--number <number>', 'only calls from or to this number; repeatable', collect)
    .option('--queue <name>', 'only calls of this queue; repeatable', collect)
    .option('--timeout <time>', 'the whole of an attempt (default: 30s)')
    .option('--retries <n>', 'retries of a failed delivery', wholeNumber(0, 100))
    .option('--backoff <list>', 'pauses before the retries (default: 1s,5s,25s)');
}

async function add(context: Context, name: string, url: string, options: EndpointOptions): Promise<void> {
  const { project } = context;
  if (!ENDPOINT_NAME.test(name)) {
    throw new UsageError(
      `'${name}' is not a name. Use letters, digits, - and _, and not digits alone, which are a port.`,
    );
  }
  if (Object.hasOwn(readConfig(project.config).endpoints, name))
    throw new UsageError(`'${name}' is there already. Change it with 'endpoints update ${name}'.`);
  checkEndpointUrl(url);
  const changes = changed(options);
  const { reference, made } = await secretFor(context, name, options);
  const endpoint = { url, secret: reference, ...changes };
  editConfig(project.config, [[['endpoints', name], endpoint]]);
  if (context.options.json === true)
    return context.printJson({
      ...toJson(name, endpoint, context),
      ...(made === null ? {} : { secret_made: made }),
    });
  context.print(`${context.style('stdout').good('added')} ${name}  ${displayUrl(url)}`);
  if (made !== null) context.print(`secret: ${made}   (shown once; kept in ${reference.slice(5)})`);
  context.note(`Next: 'mo-notify send-test ${name}' sends it a signed event.`);
}

async function secretFor(context: Context, name: string, options: EndpointOptions) {
  const env = options.secretEnv?.[0];
  const file = options.secretFile?.[0];
  if (env !== undefined) return { reference: `env:${env}`, made: null };
  if (file !== undefined) return { reference: `file:${file}`, made: null };
  if (options.secretStdin === true) {
    const value = await secretFromStdin(context);
    checkSecret({ name: 'stdin', value });
    return { reference: keepSecret(context.project, name, value), made: null };
  }
  const made = newSecret();
  return { reference: keepSecret(context.project, name, made), made };
}

function list(context: Context): void {
  const { endpoints } = readConfig(context.project.config);
  const all = Object.entries(endpoints);
  if (context.options.json === true)
    return context.printJson(all.map(([name, endpoint]) => toJson(name, endpoint, context)));
  if (all.length === 0)
    return context.note("No endpoints yet. 'mo-notify endpoints add NAME URL' registers one.");
  const width = Math.max(...all.map(([name]) => name.length));
  for (const [name, endpoint] of all) {
    const { strong, dim } = context.style('stdout');
    const events = endpoint.events?.join(', ') ?? 'all events';
    context.print(`${strong(name.padEnd(width))}  ${visible(displayUrl(endpoint.url), 120)}  ${dim(events)}`);
  }
}

function show(context: Context, name: string): void {
  const endpoint = find(context, name);
  const json = toJson(name, endpoint, context);
  const { surely, atMost } = outageHorizon(toSchedule(endpoint));
  if (context.options.json === true)
    return context.printJson({ ...json, outage_horizon_ms: { surely, at_most: atMost } });
  const { dim } = context.style('stdout');
  for (const [key, value] of Object.entries(json)) {
    const text = Array.isArray(value) ? value.join(', ') : String(value);
    context.print(`${dim(key.padEnd(22))} ${visible(text, 200)}`);
  }
  context.print(
    `${dim('may be down for'.padEnd(22))} ${formatDuration(surely)} (${formatDuration(atMost)} at most) before events are lost`,
  );
}

function update(context: Context, name: string, options: EndpointOptions): void {
  find(context, name);
  const changes: Record<string, unknown> = changed(options);
  if (options.url !== undefined) {
    checkEndpointUrl(options.url);
    changes.url = options.url;
  }
  if (Object.keys(changes).length === 0)
    throw new UsageError(`Nothing to change was named. See 'mo-notify endpoints update --help'.`);
  editConfig(
    context.project.config,
    Object.entries(changes).map(([key, value]) => [['endpoints', name, key], value]),
  );
  show(context, name);
}

function remove(context: Context, name: string): void {
  find(context, name);
  editConfig(context.project.config, [[['endpoints', name], undefined]]);
  if (context.options.json === true) return context.printJson({ removed: name });
  context.print(`removed ${name}`);
}

function rotate(context: Context, name: string, options: EndpointOptions): void {
  const { project, io } = context;
  const endpoint = find(context, name);
  const overlapMs = parseSpan(options.overlap ?? '24h', '--overlap');
  if (endpoint.secret.startsWith('env:')) {
    throw new UsageError(
      `The secret of '${name}' is in the variable ${endpoint.secret.slice(4)}, which is yours to change; the old one can stand in previous_secret meanwhile.`,
    );
  }
  const old = readReference(endpoint.secret, name, dirname(project.config), io.env);
  const made = newSecret();
  const until = formatTimestamp(io.now() + overlapMs);
  const previous = keepSecret(project, `${name}.previous`, old.value);
  const edits: [string[], unknown][] = [
    [['endpoints', name, 'previous_secret'], previous],
    [['endpoints', name, 'previous_secret_until'], until],
    [['endpoints', name, 'secret'], keepSecret(project, name, made)],
  ];
  editConfig(project.config, edits);
  if (context.options.json === true)
    return context.printJson({ name, secret_made: made, previous_secret_until: until });
  context.print(`secret: ${made}   (shown once)`);
  context.print(`The old secret stays valid for ${formatDuration(overlapMs)}, until ${until}.`);
}

/** The settings that flags name, as the config has them; undefined takes one out. */
function changed(options: EndpointOptions): Partial<EndpointConfig> {
  const changes: Record<string, unknown> = {};
  const set = (key: string, value: unknown, empty: boolean) => {
    changes[key] = empty ? undefined : value;
  };
  const list = (words: string[]) => words.filter((word) => word !== '');
  if (options.event !== undefined) {
    const events = list(options.event).map(eventType);
    set('events', [...new Set(events)], events.length === 0);
  }
  if (options.number !== undefined) set('numbers', options.number, list(options.number).length === 0);
  if (options.queue !== undefined) set('queues', options.queue, list(options.queue).length === 0);
  if (options.timeout !== undefined) {
    if (options.timeout !== '') parseDuration(options.timeout, '--timeout');
    set('timeout', options.timeout, options.timeout === '');
  }
  if (options.retries !== undefined) set('retries', options.retries, false);
  if (options.backoff !== undefined) {
    if (options.backoff !== '') parseBackoff(options.backoff);
    set('backoff', options.backoff, options.backoff === '');
  }
  return changes as Partial<EndpointConfig>;
}

function find(context: Context, name: string): EndpointConfig {
  return findEndpoint(readConfig(context.project.config), name, context.project.config);
}

function toJson(name: string, endpoint: EndpointConfig, context: Context): Record<string, unknown> {
  const numbers = endpoint.numbers?.map((number) =>
    context.options.showNumbers === true ? number : maskNumbers(number),
  );
  return { name, ...endpoint, url: displayUrl(endpoint.url), ...(numbers === undefined ? {} : { numbers }) };
}
