import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import {
  DEFAULT_SCHEDULE,
  DEFAULT_TIMEOUT_MS,
  type RetrySchedule,
  retryHorizon,
  toSchedule,
} from '../core/schedule.ts';
import { parseDuration } from '../core/time.ts';
import type { Context } from './context.ts';

/** What the config says of endpoints; nothing where there is none. */
export async function configuredEndpoints(context: Context): Promise<Config['endpoints']> {
  const { config } = context.project;
  if (!existsSync(config)) return {};
  const { readConfig } = await import('../config/config-file.ts');
  return readConfig(config).endpoints;
}

/** What is known of when an endpoint's deliveries are retried: by the config, else the usual. */
export async function configuredSchedules(
  context: Context,
): Promise<(endpoint: { name: string }) => RetrySchedule> {
  const endpoints = await configuredEndpoints(context);
  return ({ name }) => {
    const known = Object.hasOwn(endpoints, name) ? endpoints[name] : undefined;
    return known === undefined ? DEFAULT_SCHEDULE : toSchedule(known);
  };
}

/** The longest over which a delivery may be retried, ms: by the usual schedule, or that of an endpoint of the config. */
export async function longestRetries(context: Context): Promise<number> {
  const endpoints = Object.values(await configuredEndpoints(context));
  const horizons = endpoints.map(({ timeout, ...given }) =>
    retryHorizon(toSchedule(given), timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(timeout)),
  );
  return Math.max(retryHorizon(DEFAULT_SCHEDULE, DEFAULT_TIMEOUT_MS), ...horizons);
}
