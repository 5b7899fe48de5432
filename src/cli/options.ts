import { isIP, isIPv6 } from 'node:net';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { urlHost } from '../core/url-host.ts';
import { LOG_FORMATS } from '../logs/log-format.ts';

/** Adds the flags that every command has. */
export function withOutputOptions(command: Command): Command {
  return command
    .option('--json', 'machine-readable output on stdout, nothing else')
    .option('-q, --quiet', 'no progress or hints')
    .option('-v, --verbose', 'say more')
    .option('--show-numbers', "show callers' numbers in full, not masked")
    .addOption(oneOf('--color <when>', 'colour the output', ['auto', 'always', 'never']).default('auto'));
}

export function withStoreOption(command: Command): Command {
  return command.option('--store <url>', 'the delivery log: sqlite:PATH (or MO_NOTIFY_STORE)');
}

export function withConfigOption(command: Command): Command {
  return command.option('--config <file>', 'the config (default: mo-notify.config.json, searched upwards)');
}

/** For commands that read a log from a file. */
export function withLogSourceOptions(command: Command): Command {
  return command
    .addOption(oneOf('--from <format>', "the file's format (default: by its content)", LOG_FORMATS))
    .option('--map <column=field>', 'which column of a CSV file holds a field; repeatable', collect);
}

export function withSecretOptions(command: Command): Command {
  return command
    .option(
      '--secret-env <name>',
      'read the secret from this variable (default: MO_SECRET); repeatable',
      collect,
    )
    .option('--secret-file <path>', 'read the secret from this file; repeatable', collect)
    .option('--secret-stdin', 'read the secret from standard input');
}

/** For commands that take an endpoint's secrets without sending to it. */
export function withEndpointOption(command: Command): Command {
  return withConfigOption(command).option(
    '--endpoint <name>',
    'the secrets of this endpoint: its own, and the one before while a rotation lasts',
  );
}

/** A flag that takes one of some names; another value is answered with the nearest. */
export function oneOf(flags: string, description: string, names: readonly string[]): Option {
  return new Option(flags, description).choices([...names]).argParser((value) => {
    if (names.includes(value)) return value;
    const hint = nearest(value, names);
    throw new InvalidArgumentError(
      `${hint === null ? '' : `Did you mean '${hint}'? `}Allowed choices are ${names.join(', ')}.`,
    );
  });
}

/** For repeatable flags. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** A whole number of at least `least`, for a flag. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least || number > most) {
      throw new InvalidArgumentError(
        most === Number.MAX_SAFE_INTEGER
          ? `Give a whole number from ${least} up.`
          : `Give a whole number from ${least} to ${most}.`,
      );
    }
    return number;
  };
}

/** An address to listen on. None at all, as an unset variable gives, would mean every one of this machine. */
export function address(value: string): string {
  if (value.trim() === '')
    throw new InvalidArgumentError(
      'Give an address, such as 127.0.0.1; 0.0.0.0 is every one of this machine.',
    );
  if (!isIPv6(value) && !/^[\da-fx.]+$/i.test(value)) return value;
  if (value.includes('%'))
    throw new InvalidArgumentError(
      "No URL can name an address with a zone. Give it without '%' and what follows.",
    );
  // As browsers write it in 'Host': '0' and '::0' are every address, too, '127.1' is 127.0.0.1.
  const url = `http://${urlHost(value)}`;
  const host = URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : value;
  return isIP(host) === 0 ? value : host;
}

/** `10MiB`, `1mb`, `65536` -> bytes. Throws UsageError. */
export function parseBytes(text: string, flag = '--max-body', most = 256 * 1024 ** 2): number {
  const match = /^(\d+)\s*(b|kb|kib|mb|mib|gb|gib)?$/i.exec(text.trim());
  const unit = { b: 1, kb: 1000, kib: 1024, mb: 1e6, mib: 1024 ** 2, gb: 1e9, gib: 1024 ** 3 }[
    (match?.[2] ?? 'b').toLowerCase()
  ] as number;
  const bytes = match ? Number(match[1]) * unit : 0;
  if (bytes < 1 || bytes > most) {
    throw new UsageError(
      `${flag}: '${text}' is not a size. Write bytes or a unit: 65536, 64KiB, 1MiB (at most ${most / 1024 ** 2}MiB).`,
    );
  }
  return bytes;
}

/** `-H 'name: value'`, never split on commas -> names and values in turn. Throws UsageError (fault D14). */
export function parseHeaders(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)/s.exec(line);
    if (!match) throw new UsageError(`-H: '${line}' is not a header. Write it like 'X-Team: sales'.`);
    const [, name, value] = match as unknown as [string, string, string];
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw new UsageError(
        `-H: the value of ${name} has a line break or a character that headers cannot carry.`,
      );
    }
    if (
      /^(content-length|transfer-encoding|connection|keep-alive|upgrade|expect|host|x-mo-signature|x-mo-event-id|x-mo-delivery-attempt)$/i.test(
        name,
      )
    ) {
      throw new UsageError(
        `-H: ${name} cannot be set: it belongs to the connection or is made from the delivery. See --event-id and --fault.`,
      );
    }
    return [name, value.trimEnd()];
  });
}
