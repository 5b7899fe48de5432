import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Argument, Command, Option } from 'commander';
import { findProject } from '../config/project.ts';
import { ENDPOINT_NAME } from '../core/endpoint-name.ts';
import { EVENT_DESCRIPTIONS, EVENT_TYPES } from '../core/event.ts';

/** One word to offer, and what a shell may say of it. */
export interface Candidate {
  text: string;
  about: string;
}

/** What a value may be: these words, or a file's name; null where nobody can know. */
export type Values = Candidate[] | 'files' | null;

/** Where completion is asked for. */
export interface World {
  cwd: string;
  env: Record<string, string | undefined>;
}

/** The value that is wanted. */
export interface Wanted {
  command: Command;
  /** What is typed of it. */
  current: string;
  world: World;
  /** What --config says on the line. */
  config: string | undefined;
}

/**
 * What a flag's value may be, told from its choices and from the placeholder that its help shows: `<file>`, `<type>`,
 * `<target>`. So a new flag needs nothing here as long as it calls its value what the others do.
 */
export async function optionValues(option: Option, wanted: Wanted): Promise<Values> {
  const { argChoices, long } = option;
  if (!option.required && !option.optional) return null;
  if (argChoices !== undefined) return plain(argChoices);
  if (long === '--scenario') return plain((await import('../sender/scenario.ts')).SCENARIOS);
  if (long === '--endpoint') return endpointNames(wanted);
  if (long?.endsWith('-file')) return 'files';
  return valuesCalled(/[<[]([^<>[\]]*?)(?:\.\.\.)?[\]>]/.exec(option.flags)?.[1] ?? '', long, wanted);
}

/** The same for a positional argument. */
export async function argumentValues(argument: Argument, wanted: Wanted): Promise<Values> {
  if (argument.argChoices !== undefined) return plain(argument.argChoices);
  const { command } = wanted;
  const ofEndpoint = command.parent?.name() === 'endpoints' && command.name() !== 'add';
  if (argument.name() === 'name' && ofEndpoint) return endpointNames(wanted);
  return valuesCalled(argument.name(), undefined, wanted);
}

async function valuesCalled(
  placeholder: string,
  long: string | null | undefined,
  wanted: Wanted,
): Promise<Values> {
  switch (placeholder) {
    case 'file':
    case 'folder':
    case 'source':
      return 'files';
    case 'type':
      return eventTypes(wanted.current);
    case 'list':
      return long === '--events' ? eventList(wanted.current) : null;
    case 'target':
    case 'forward-to':
    case 'resend-to':
      // Only commands that read the config know endpoints by name; the others take a URL or a port.
      return wanted.command.options.some((option) => option.long === '--config')
        ? endpointNames(wanted)
        : null;
    default:
      return null;
  }
}

function plain(texts: readonly string[]): Candidate[] {
  return texts.map((text) => ({ text, about: '' }));
}

/** The names in full, or the short ones where that is how somebody began. */
function eventTypes(current: string): Candidate[] {
  const full = EVENT_TYPES.map((type) => ({ text: type as string, about: EVENT_DESCRIPTIONS[type] }));
  if (full.some(({ text }) => text.startsWith(current))) return full;
  return full.map(({ text, about }) => ({ text: text.replace(/^call_/, ''), about }));
}

/** `connected,mi` -> `connected,missed`. */
function eventList(current: string): Candidate[] {
  const begun = current.slice(0, current.lastIndexOf(',') + 1);
  return eventTypes(current.slice(begun.length)).map(({ text, about }) => ({ text: begun + text, about }));
}

const CONFIG_LIMIT = 1024 ** 2;

/** The names in the config, which may be half-written: what can be read of it counts, and a mistake is no matter here. */
async function endpointNames({ world, config }: Wanted): Promise<Candidate[]> {
  const { HOME } = world.env;
  const named = config?.startsWith('~/') && HOME !== undefined ? join(HOME, config.slice(2)) : config;
  const path = findProject(world.cwd, named, world.env).config;
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file?.isFile() !== true || file.size > CONFIG_LIMIT) return [];
  const { parse } = await import('jsonc-parser');
  const endpoints = (parse(readFileSync(path, 'utf8')) as { endpoints?: unknown } | undefined)?.endpoints;
  if (typeof endpoints !== 'object' || endpoints === null) return [];
  return Object.entries(endpoints)
    .filter(([name]) => ENDPOINT_NAME.test(name))
    .map(([text, endpoint]) => ({ text, about: place((endpoint as { url?: unknown } | null)?.url) }));
}

/** A URL without what may be secret in it: user, password and query. */
function place(url: unknown): string {
  if (typeof url !== 'string' || !URL.canParse(url)) return '';
  const { host, pathname } = new URL(url);
  return host + pathname;
}
