import { existsSync } from 'node:fs';
import { DEFAULT_SCHEDULE, type RetrySchedule, toSchedule } from '../core/schedule.ts';
import type { Context } from './context.ts';

/** What is known of when an endpoint's deliveries are retried: by the config, else the usual. */
export async function configuredSchedules(
  context: Context,
): Promise<(endpoint: { name: string }) => RetrySchedule> {
  const { config } = context.project;
  if (!existsSync(config)) return () => DEFAULT_SCHEDULE;
  const { readConfig } = await import('../config/config-file.ts');
  const { endpoints } = readConfig(config);
  return ({ name }) => {
    const known = Object.hasOwn(endpoints, name) ? endpoints[name] : undefined;
    return known === undefined ? DEFAULT_SCHEDULE : toSchedule(known);
  };
}
