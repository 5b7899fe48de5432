import { rmSync } from 'node:fs';
import type { Command } from 'commander';
import { type Config, checkEndpointUrl, type EndpointConfig, findEndpoint } from '../config/config.ts';
import { type ConfigEdit, editConfig, readConfig } from '../config/config-file.ts';
import { keepSecret, newSecret, ownSecretFile, referToFile } from '../config/secrets.ts';
import { ENDPOINT_NAME } from '../core/endpoint-name.ts';
import { UsageError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';
import { displayUrl, maskNumber, visible } from '../core/redact.ts';
import { outageHorizon, toSchedule } from '../core/schedule.ts';
import { checkSecret } from '../core/signature.ts';
import { formatDuration } from '../core/time.ts';
import type { Context, StartContext } from './context.ts';
import { rotate } from './endpoints-rotate.ts';
import { changed, type EndpointOptions, existing, find, withSettings } from './endpoints-settings.ts';
import { collect, withConfigOption, withOutputOptions } from './options.ts';
import { secretFromStdin } from './secrets.ts';
import { action, subcommand } from './subcommands.ts';
import { hintAtLiteral } from './target.ts';

export function configure(command: Command, start: StartContext): void {
  const sub = (words: string, summary: string, example: string) =>
    withConfigOption(withOutputOptions(subcommand(command, words, summary, example)));
  const run = <Rest extends unknown[]>(work: (context: Context, ...rest: Rest) => void | Promise<void>) =>
    action(start, work);

  withSettings(
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
  withSettings(
    sub(
      'update <name>',
      'change what is named; an empty value takes it out',
      'update prod --queue Sales --retries 5',
    ),
  )
    .option('--url <url>', 'where it is')
    .action(run(update));
  sub('remove <name>', 'forget an endpoint, and the secret that was made for it', 'remove prod').action(
    run(remove),
  );
  sub(
    'rotate-secret <name>',
    'make a new secret; the old one stays valid for a while',
    'rotate-secret prod --overlap 24h',
  )
    .option('--overlap <time>', 'how long the old secret stays valid', '24h')
    .option('-y, --yes', 'rotate even while the secret before is still valid, and drop that one')
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

async function add(context: Context, name: string, url: string, options: EndpointOptions): Promise<void> {
  const { project } = context;
  if (!ENDPOINT_NAME.test(name)) {
    throw new UsageError(
      `'${name}' is not a name. Use letters, digits, - and _, and not digits alone, which are a port.`,
    );
  }
  if (name === 'local')
    throw new UsageError("'local' is what the receiver's own secret goes by. Choose another name.");
  checkEndpointUrl(url);
  const changes = changed(options);
  refuseTaken(readConfig(project.config), name);
  const secret = await secretFor(context, name, options);
  let endpoint: EndpointConfig = { url, secret: '', ...changes };
  await editConfig(project.config, (config) => {
    // Once more, now that no other process can add it.
    refuseTaken(config, name);
    endpoint = { ...endpoint, secret: secret.refer() };
    return [[['endpoints', name], endpoint]];
  });
  const { made } = secret;
  if (context.options.json === true)
    return context.printJson({
      ...toJson(name, endpoint, context),
      ...(made === null ? {} : { secret_made: made }),
    });
  context.print(`${context.style('stdout').good('added')} ${name}  ${displayUrl(url)}`);
  if (made !== null) context.print(`secret: ${made}   (shown once; kept in ${endpoint.secret.slice(5)})`);
  hintAtLiteral(context, url, 'the config file');
  hintAtPlainHttp(context, endpoint);
  context.note(`Next: 'mo-notify send-test ${name}' sends it a signed event.`);
}

function refuseTaken({ endpoints }: Config, name: string): void {
  if (Object.hasOwn(endpoints, name))
    throw new UsageError(`'${name}' is there already. Change it with 'endpoints update ${name}'.`);
}

/** An endpoint's secret as flags name it, else a new one; `refer` keeps it where it is ours to keep. */
async function secretFor(
  context: Context,
  name: string,
  { secretEnv = [], secretFile = [], secretStdin = false }: EndpointOptions,
): Promise<{ refer: () => string; made: string | null }> {
  const { project, io } = context;
  if (secretEnv.length + secretFile.length + Number(secretStdin) > 1)
    throw new UsageError(
      'An endpoint has one secret: give one of --secret-env, --secret-file, --secret-stdin.',
    );
  const [env] = secretEnv;
  const [file] = secretFile;
  if (env !== undefined) {
    const reference = referToVariable(env);
    return { refer: () => reference, made: null };
  }
  if (file !== undefined) {
    const reference = referToFile(project, file, name, io.cwd);
    return { refer: () => reference, made: null };
  }
  const made = secretStdin ? null : newSecret();
  const value = made ?? (await secretFromStdin(context));
  checkSecret({ name: made === null ? 'stdin' : name, value });
  return { refer: () => keepSecret(project, name, value), made };
}

function referToVariable(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return `env:${name}`;
  throw new UsageError(`--secret-env: '${name}' is not a variable's name. Use letters, digits and _.`);
}

function list(context: Context): void {
  const { endpoints } = existing(context);
  const all = Object.entries(endpoints);
  if (context.options.json === true)
    return context.printJson(all.map(([name, endpoint]) => toJson(name, endpoint, context)));
  if (all.length === 0)
    return context.note("No endpoints yet. 'mo-notify endpoints add NAME URL' registers one.");
  const width = Math.max(...all.map(([name]) => name.length));
  for (const [name, endpoint] of all) {
    const { strong, dim } = context.style('stdout');
    const wants = visible(wanted(endpoint, context));
    context.print(`${strong(name.padEnd(width))}  ${visible(displayUrl(endpoint.url), 120)}  ${dim(wants)}`);
  }
}

/** What an endpoint gets, in words: `call_missed; queues Sales`. */
function wanted(endpoint: EndpointConfig, context: Context): string {
  const filters = { numbers: shownNumbers(endpoint, context), queues: endpoint.queues };
  const named = Object.entries(filters).flatMap(([what, list]) =>
    list === undefined ? [] : [`${what} ${list.join(', ')}`],
  );
  return [endpoint.events?.join(', ') ?? 'all events', ...named].join('; ');
}

function shownNumbers({ numbers }: EndpointConfig, { options }: Context): string[] | undefined {
  return numbers?.map((number) => (options.showNumbers === true ? number : maskNumber(number)));
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

async function update(context: Context, name: string, options: EndpointOptions): Promise<void> {
  find(context, name);
  const changes: Record<string, unknown> = changed(options);
  if (options.url !== undefined) {
    checkEndpointUrl(options.url);
    changes.url = options.url;
  }
  if (Object.keys(changes).length === 0)
    throw new UsageError(`Nothing to change was named. See 'mo-notify endpoints update --help'.`);
  const { config: file } = context.project;
  await editConfig(file, (config) => {
    findEndpoint(config, name, file);
    return Object.entries(changes).map(([key, value]): ConfigEdit => [['endpoints', name, key], value]);
  });
  show(context, name);
  if (options.url === undefined) return;
  hintAtLiteral(context, options.url, 'the config file');
  hintAtPlainHttp(context, find(context, name));
}

/** Where a name leads is judged as the connection is made; that it may be blocked is said before. */
function hintAtPlainHttp(context: Context, { url, allow_http: allowed = false }: EndpointConfig): void {
  const { protocol } = new URL(url);
  if (protocol === 'http:' && !allowed && !isLoopback(new URL(url)))
    context.note(
      'Plain http to a public address is blocked. Use an https URL, or permit it with --allow-http.',
    );
}

async function remove(context: Context, name: string): Promise<void> {
  const { project } = context;
  find(context, name);
  let secrets: string[] = [];
  await editConfig(project.config, (config) => {
    secrets = secretsMadeFor(context, name, findEndpoint(config, name, project.config));
    return [[['endpoints', name], undefined]];
  });
  // Last, because a config that could not be written still needs them.
  for (const file of secrets) rmSync(file, { force: true });
  if (context.options.json === true)
    return context.printJson({ removed: name, secrets_removed: secrets.map((file) => visible(file)) });
  context.print(`removed ${name}`);
  for (const file of secrets) context.print(`removed its secret, ${visible(file)}`);
}

/** The secret files that were made for an endpoint; a file of the user's own is not among them. */
function secretsMadeFor({ project }: Context, name: string, endpoint: EndpointConfig): string[] {
  return [
    ownSecretFile(project, name, endpoint.secret),
    ownSecretFile(project, `${name}.previous`, endpoint.previous_secret),
  ].filter((file) => file !== null);
}

function toJson(name: string, endpoint: EndpointConfig, context: Context): Record<string, unknown> {
  const numbers = shownNumbers(endpoint, context);
  return { name, ...endpoint, url: displayUrl(endpoint.url), ...(numbers === undefined ? {} : { numbers }) };
}
