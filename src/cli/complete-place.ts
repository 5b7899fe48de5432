import { Command, type Option } from 'commander';
import { VERSION } from '../core/version.ts';
import type { CommandEntry } from './command.ts';

/** What the words before the cursor amount to. */
export interface Place {
  command: Command;
  /** The flags of the command that are there already. */
  given: Set<Option>;
  /** The flag whose value comes next. */
  pending: Option | null;
  /** How many positional arguments there are. */
  positionals: number;
  /** Whether `--` has been: all that follows is positional. */
  literal: boolean;
  /** After `help`, the name of a command comes. */
  help: boolean;
  /** The value of --config. */
  config?: string;
}

/** Reads the words before the cursor, and loads the module of the command that they call. */
export async function findPlace(words: readonly string[], commands: readonly CommandEntry[]): Promise<Place> {
  const root = createRoot(commands);
  let place = at(root);
  for (const word of words) {
    if (place.pending !== null && takes(place.pending, word)) {
      if (place.pending.long === '--config') place.config = word;
      if (!place.pending.variadic) place.pending = null;
      continue;
    }
    place.pending = null;
    if (!place.literal && word === '--') place.literal = true;
    else if (!place.literal && word.length > 1 && word.startsWith('-')) takeFlag(place, word);
    else {
      const called = subcommand(place, word);
      if (called !== undefined) {
        if (place.command === root) await configure(called, commands);
        place = at(called);
      } else if (word === 'help' && place.positionals === 0 && place.command.commands.length > 0)
        place.help = true;
      else place.positionals += 1;
    }
  }
  return place;
}

function createRoot(commands: readonly CommandEntry[]): Command {
  const root = new Command('mo-notify').version(VERSION, '-V, --version', 'print the version');
  root.helpOption('-h, --help', 'show help').helpCommand('help [command]', "show a command's help");
  for (const { name, alias, summary } of commands) {
    const command = root.command(name).description(summary);
    if (alias !== undefined) command.alias(alias);
  }
  return root;
}

function at(command: Command): Place {
  return { command, given: new Set(), pending: null, positionals: 0, literal: false, help: false };
}

async function configure(command: Command, commands: readonly CommandEntry[]): Promise<void> {
  const entry = commands.find(({ name }) => name === command.name());
  (await entry?.load())?.configure(command, () => {
    throw new Error('Completion starts nothing.');
  });
}

/** A value may look like a flag where one must come; a further or optional one may not. */
export function takes(option: Option, word: string): boolean {
  return (option.required && !option.variadic) || !word.startsWith('-');
}

function subcommand({ command, positionals, literal, help }: Place, word: string): Command | undefined {
  if (positionals > 0 || literal || help) return undefined;
  return command.commands.find((one) => one.name() === word || one.aliases().includes(word));
}

/** `--flag`, `--flag=value`, `-f`, `-fvalue`, `-qv`. */
function takeFlag(place: Place, word: string): void {
  const { options } = place.command;
  const long = word.startsWith('--');
  const name = long ? (word.split('=', 1)[0] as string) : word.slice(0, 2);
  const option = options.find((one) => (long ? one.long : one.short) === name);
  if (option === undefined) return;
  place.given.add(option);
  const rest = word.slice(name.length);
  if (!option.required && !option.optional) {
    if (!long && rest !== '') takeFlag(place, `-${rest}`);
  } else if (rest === '') place.pending = option;
  else if (option.long === '--config') place.config = rest.replace(/^=/, '');
}
