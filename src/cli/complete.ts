import { visible } from '../core/redact.ts';
import type { CommandEntry } from './command.ts';
import { findPlace, type Place, takes } from './complete-place.ts';
import { argumentValues, type Candidate, optionValues, type Values, type World } from './complete-values.ts';
import { collect } from './options.ts';

/** What may stand where the cursor is; with `files`, the shell is to offer its own file names. */
export interface Answer {
  candidates: Candidate[];
  files: boolean;
}

const NOTHING: Answer = { candidates: [], files: false };

/**
 * Candidates for the last of the words, which is the one under the cursor and may be empty; the others stand before it,
 * without the program's own name. Loads the called command alone, makes nothing on disk, and never rejects.
 */
export async function complete(
  words: readonly string[],
  world: World,
  commands: readonly CommandEntry[],
): Promise<Answer> {
  try {
    const current = words.at(-1) ?? '';
    const place = await findPlace(words.slice(0, -1), commands);
    const { candidates, files } = await candidatesAt(place, current, world);
    const fitting = candidates.filter(({ text }) => text.startsWith(current) && HARMLESS.test(text));
    return { candidates: fitting.map(({ text, about }) => ({ text, about: visible(about, 100) })), files };
  } catch {
    return NOTHING;
  }
}

/** Shells put a candidate into the command line as it is, so that only what no shell reads anything into may be one. */
const HARMLESS = /^[\w.,:/=@+-]+$/;

async function candidatesAt(place: Place, current: string, world: World): Promise<Answer> {
  const { command, pending, literal, positionals } = place;
  const here = { command, current, world, config: place.config };
  if (pending !== null && takes(pending, current)) return answer(await optionValues(pending, here));
  if (!literal && current.startsWith('-')) {
    const [name, value] = split(current);
    if (value === null) return { candidates: flags(place, current), files: false };
    const option = command.options.find(({ long }) => long === name);
    if (option === undefined) return NOTHING;
    return answer(await optionValues(option, { ...here, current: value }), `${name}=`);
  }
  if (command.commands.length > 0)
    return { candidates: positionals === 0 && !literal ? subcommands(place) : [], files: false };
  const { registeredArguments: known } = command;
  const last = known.at(-1);
  const argument = known[positionals] ?? (last?.variadic === true ? last : undefined);
  const found = answer(argument === undefined ? null : await argumentValues(argument, here));
  const nothing = found.candidates.length === 0 && !found.files && argument?.required !== true;
  if (nothing && current === '' && !literal) return { candidates: flags(place, '--'), files: false };
  return found;
}

function split(word: string): [string, string | null] {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  return equals < 0 ? [word, null] : [word.slice(0, equals), word.slice(equals + 1)];
}

function answer(values: Values, prefix = ''): Answer {
  if (values === 'files') return { candidates: [], files: true };
  return {
    candidates: (values ?? []).map(({ text, about }) => ({ text: prefix + text, about })),
    files: false,
  };
}

function subcommands({ command, help }: Place): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => !help || one.name() !== 'help')
    .flatMap((one) => [
      { text: one.name(), about: one.description() },
      ...one.aliases().map((alias) => ({ text: alias, about: `the same as ${one.name()}` })),
    ]);
}

/** The flags that can still be given; the short ones too where a dash alone says nothing about which are meant. */
function flags({ command, given }: Place, current: string): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => !given.has(option) || option.variadic || option.parseArg === collect)
    .flatMap(({ long, short, description }) =>
      [long, current === '-' ? short : undefined]
        .filter((text) => text !== undefined && text !== null)
        .map((text) => ({ text, about: description })),
    );
}
