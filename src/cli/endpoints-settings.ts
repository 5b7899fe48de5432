import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { type Config, type EndpointConfig, findEndpoint, parseTimeout } from '../config/config.ts';
import { readConfig } from '../config/config-file.ts';
import type { SecretSources } from '../config/secrets.ts';
import { UsageError } from '../core/errors.ts';
import { eventType } from '../core/event.ts';
import { parseBackoff } from '../core/schedule.ts';
import { parseNumber } from '../core/subscription.ts';
import type { CommonOptions, Context } from './context.ts';
import { collect, wholeNumber } from './options.ts';
import { ALLOW_HTTP_HELP } from './target.ts';

export interface EndpointOptions extends CommonOptions, SecretSources {
  url?: string;
  event?: string[];
  number?: string[];
  queue?: string[];
  timeout?: string;
  retries?: number;
  backoff?: string;
  allowHttp?: boolean;
  overlap?: string;
  yes?: boolean;
}

/** The flags that say what an endpoint gets, and how. */
export function withSettings(command: Command): Command {
  return command
    .option('-e, --event <type>', 'subscribe to this event type alone; repeatable', collect)
    .option('--number <number>', 'only calls from or to this number; repeatable', collect)
    .option('--queue <name>', 'only calls of this queue; repeatable', collect)
    .option('--allow-http', ALLOW_HTTP_HELP)
    .option('--no-allow-http', 'block it again (default)')
    .option('--timeout <time>', 'the whole of an attempt (default: 30s)')
    .option('--retries <n>', 'retries of a failed delivery', wholeNumber(0, 100))
    .option('--backoff <list>', 'pauses before the retries (default: 1s,5s,25s)');
}

/** The settings that flags name, as the config has them; undefined takes one out. */
export function changed(options: EndpointOptions): Partial<EndpointConfig> {
  const changes: Record<string, unknown> = {};
  const set = (key: string, value: unknown, empty: boolean) => {
    changes[key] = empty ? undefined : value;
  };
  const list = (words: string[]) => words.filter((word) => word !== '');
  if (options.event !== undefined) {
    const events = list(options.event).map(eventType);
    set('events', [...new Set(events)], events.length === 0);
  }
  if (options.number !== undefined) {
    const numbers = list(options.number).map((number) => parseNumber(number, '--number'));
    set('numbers', [...new Set(numbers)], numbers.length === 0);
  }
  if (options.queue !== undefined) set('queues', list(options.queue), list(options.queue).length === 0);
  if (options.allowHttp !== undefined) set('allow_http', true, !options.allowHttp);
  if (options.timeout !== undefined) {
    if (options.timeout !== '') parseTimeout(options.timeout, '--timeout');
    set('timeout', options.timeout, options.timeout === '');
  }
  if (options.retries !== undefined) set('retries', options.retries, false);
  if (options.backoff !== undefined) {
    if (options.backoff !== '') parseBackoff(options.backoff);
    set('backoff', options.backoff, options.backoff === '');
  }
  return changes as Partial<EndpointConfig>;
}

export function find(context: Context, name: string): EndpointConfig {
  return findEndpoint(existing(context), name, context.project.config);
}

/** The config as it is; where --config names one that is not there, nothing is found by chance in an empty one. */
export function existing({ project, options }: Context): Config {
  if (options.config !== undefined && !existsSync(project.config))
    throw new UsageError(
      `--config: ${project.config} is not there. 'mo-notify endpoints add NAME URL --config ${options.config}' begins it.`,
    );
  return readConfig(project.config);
}
