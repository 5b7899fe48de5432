import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { ENDPOINT_NAME } from '../core/endpoint-name.ts';
import { UsageError } from '../core/errors.ts';
import type { Channel, ChannelAck, RelayStore } from '../core/relay-store.ts';
import { formatTimestamp, parseSpan } from '../core/time.ts';
import { tokenHash } from '../core/token.ts';
import type { CommonOptions, Context, StartContext } from './context.ts';
import { oneOf, withOutputOptions } from './options.ts';
import { openRelay, withRelayStore } from './relay-store.ts';
import { action } from './subcommands.ts';

const ACKS = ['app', 'relay'] as const;
const TOKEN_VARIABLE = 'MO_TUNNEL_TOKEN';
/** Of the 160 bits that tell a channel from all others, and of a token's 256. */
const ID_BYTES = 20;
const TOKEN_BYTES = 32;

interface ChannelOptions extends CommonOptions {
  ack?: ChannelAck;
  expires?: string;
  writeEnv?: string;
}

/** `relay channel create|list|update|revoke`, which work on the relay's store, whether a relay runs or not. */
export function configureChannel(relay: Command, start: StartContext): void {
  const channel = relay
    .command('channel')
    .description('the channels of the relay of this folder')
    .addHelpText('after', '\nExample:\n  mo-notify relay channel create dev');
  const sub = (words: string, summary: string, example: string) =>
    withRelayStore(
      withOutputOptions(
        channel
          .command(words)
          .description(summary)
          .addHelpText('after', `\nExample:\n  mo-notify relay channel ${example}`),
      ),
    );
  const ack = () =>
    oneOf(
      '--ack <who>',
      'who answers the platform: the app (default), or the relay once it has stored the delivery',
      ACKS,
    );

  sub('create <name>', 'a new channel: its URL, and a token for its listener', 'create dev --write-env .env')
    .addOption(ack())
    .option('--expires <time>', 'the channel ends after this long: 30d')
    .option(
      '--write-env <file>',
      `write ${TOKEN_VARIABLE}=… into this file, with mode 0600, instead of showing it`,
    )
    .action(action(start, create));
  sub('list', 'the channels, with their URLs', 'list').action(action(start, list));
  sub('update <name>', 'change who answers the platform', 'update dev --ack relay')
    .addOption(ack())
    .action(action(start, update));
  sub(
    'revoke <name>',
    'end a channel at once: its URL, its token, and what waits in it',
    'revoke dev',
  ).action(action(start, revoke));
}

async function create(context: Context, name: string, options: ChannelOptions): Promise<void> {
  if (!ENDPOINT_NAME.test(name))
    throw new UsageError(`'${name}' is not a name. Use letters, digits, - and _, and not digits alone.`);
  await withStore(context, options, async (store) => {
    await refuseTooMany(store);
    const now = context.io.now();
    const token = `mot_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
    const channel: Channel = {
      id: randomBytes(ID_BYTES).toString('hex'),
      name,
      ack: options.ack ?? 'app',
      tokenHash: tokenHash(token),
      createdAt: now,
      expiresAt: options.expires === undefined ? null : now + parseSpan(options.expires, '--expires'),
    };
    if (!(await store.addChannel(channel)))
      throw new UsageError(`There is a channel '${name}' already. Choose another name, or revoke that one.`);
    if (options.writeEnv !== undefined) {
      const { writeEnvFile } = await import('../config/secrets.ts');
      try {
        writeEnvFile(options.writeEnv, { name: 'token', value: token }, TOKEN_VARIABLE);
      } catch (error) {
        // A channel whose token nobody has would only be in the way.
        await store.removeChannel(channel.id);
        throw error;
      }
    }
    const shown = options.writeEnv === undefined ? token : null;
    const urls = urlsOf(channel, await store.setting('public_url'));
    if (context.options.json === true)
      return context.printJson({ ...toJson(channel, urls), ...(shown === null ? {} : { token: shown }) });
    const { good, strong, dim } = context.style('stdout');
    context.print(`${good('created')} ${name}`);
    context.print(`  publish  ${strong(urls.publish)}   ${dim('for the platform')}`);
    context.print(`  listen   mo-notify listen --tunnel ${urls.tunnel}`);
    if (shown !== null)
      context.print(`  token    ${strong(shown)}   ${dim(`shown this once; keep it in ${TOKEN_VARIABLE}`)}`);
    else context.note(`Wrote ${TOKEN_VARIABLE} to ${options.writeEnv} (mode 0600).`);
    if (urls.guessed)
      context.note(
        'How the relay is called from outside is known once it has run: mo-notify relay --public-url URL',
      );
  });
}

async function refuseTooMany(store: RelayStore): Promise<void> {
  const most = Number((await store.setting('max_channels')) ?? Number.POSITIVE_INFINITY);
  const { length } = await store.channels();
  if (length >= most)
    throw new UsageError(`There are ${length} channels, as many as --max-channels allows. Revoke one first.`);
}

async function list(context: Context, options: ChannelOptions): Promise<void> {
  await withStore(context, options, async (store) => {
    const publicUrl = await store.setting('public_url');
    const kept = await store.waiting();
    const channels = await store.channels();
    const waiting = (channel: Channel) => kept.filter((delivery) => delivery.channel === channel.id).length;
    if (context.options.json === true)
      return context.printJson(
        channels.map((channel) => ({
          ...toJson(channel, urlsOf(channel, publicUrl)),
          waiting: waiting(channel),
        })),
      );
    if (channels.length === 0)
      return context.note("No channels yet. 'mo-notify relay channel create dev' makes one.");
    const { strong, dim, warn } = context.style('stdout');
    for (const channel of channels) {
      const { publish, tunnel } = urlsOf(channel, publicUrl);
      const count = waiting(channel);
      const over = channel.expiresAt !== null && channel.expiresAt <= context.io.now();
      const ends =
        channel.expiresAt === null
          ? ''
          : `, ${over ? warn('expired') : 'expires'} ${formatTimestamp(channel.expiresAt)}`;
      context.print(
        `${strong(channel.name)}  ${dim(`answered by the ${channel.ack}, ${count} waiting, since ${formatTimestamp(channel.createdAt)}`)}${ends}`,
      );
      context.print(`  publish  ${publish}`);
      context.print(`  listen   ${tunnel}`);
    }
  });
}

async function update(context: Context, name: string, options: ChannelOptions): Promise<void> {
  const { ack } = options;
  if (ack === undefined) throw new UsageError('There is nothing to change: give --ack app or --ack relay.');
  await withStore(context, options, async (store) => {
    const channel = await named(store, name);
    await store.setAck(channel.id, ack);
    if (context.options.json === true)
      return context.printJson(
        toJson({ ...channel, ack }, urlsOf(channel, await store.setting('public_url'))),
      );
    context.print(`${context.style('stdout').good('updated')} ${name}: answered by the ${ack}`);
  });
}

async function revoke(context: Context, name: string, options: ChannelOptions): Promise<void> {
  await withStore(context, options, async (store) => {
    const channel = await named(store, name);
    const dropped = await store.removeChannel(channel.id);
    if (context.options.json === true) return context.printJson({ name, revoked: true, dropped });
    const waited = dropped === 0 ? '' : `, and ${dropped} deliveries that waited in it`;
    context.print(`${context.style('stdout').good('revoked')} ${name}${waited}`);
  });
}

async function named(store: RelayStore, name: string): Promise<Channel> {
  const channels = await store.channels();
  const channel = channels.find((candidate) => candidate.name === name);
  if (channel === undefined)
    throw new UsageError(
      `There is no channel '${name}'.${channels.length === 0 ? '' : ` Known: ${channels.map((known) => known.name).join(', ')}.`}`,
    );
  return channel;
}

async function withStore(
  context: Context,
  options: CommonOptions,
  work: (store: RelayStore) => Promise<void>,
): Promise<void> {
  const store = await openRelay(context, options);
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

interface ChannelUrls {
  publish: string;
  tunnel: string;
  guessed: boolean;
}

function urlsOf({ id }: Channel, publicUrl: string | null): ChannelUrls {
  const publish = `${publicUrl ?? 'https://RELAY'}/${id}`;
  return { publish, tunnel: publish.replace(/^http/, 'ws'), guessed: publicUrl === null };
}

function toJson({ name, ack, createdAt, expiresAt }: Channel, { publish, tunnel }: ChannelUrls) {
  return {
    name,
    publish_url: publish,
    tunnel_url: tunnel,
    ack,
    created_at: formatTimestamp(createdAt),
    expires_at: expiresAt === null ? null : formatTimestamp(expiresAt),
  };
}
