import { basename } from 'node:path';
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { UsageError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { CommandEntry, CommandModule } from './command.ts';
import type { CommonOptions, Context, StartContext } from './context.ts';
import { withOutputOptions } from './options.ts';
import { SHELLS, type Shell } from './shells.ts';

/** In a shell's place: the printed scripts ask with it. Each word follows after a `_` (see completion-scripts.ts). */
const ASK = '__complete';

/** The command, which completes the words of these. */
export function completionOf(commands: readonly CommandEntry[]): CommandModule {
  return { configure: (command, start) => configure(command, start, commands) };
}

function configure(command: Command, start: StartContext, commands: readonly CommandEntry[]): void {
  withOutputOptions(command)
    .addArgument(shellArgument())
    .allowExcessArguments()
    .addHelpText(
      'after',
      `
Examples:
  echo 'source <(mo-notify completion bash)' >> ~/.bashrc
  mo-notify completion fish > ~/.config/fish/completions/mo-notify.fish`,
    )
    .action(async (given: string | undefined, options: CommonOptions) => {
      const context = start(options);
      if (given === ASK) return answer(context, command.args.slice(1), commands);
      const extra = command.args[1];
      if (extra !== undefined) throw new UsageError(`'${extra}' is too much: name one shell.`);
      await printScript(context, (given as Shell | undefined) ?? ownShell(context));
    });
}

function shellArgument(): Argument {
  return new Argument('[shell]', `${SHELLS.join(', ')} (default: the one in SHELL)`)
    .choices(SHELLS)
    .argParser((value) => {
      if (value === ASK || (SHELLS as readonly string[]).includes(value)) return value;
      const hint = nearest(value, SHELLS);
      throw new InvalidArgumentError(
        `${hint === null ? '' : `Did you mean '${hint}'? `}Allowed choices are ${SHELLS.join(', ')}.`,
      );
    });
}

async function printScript(context: Context, shell: Shell): Promise<void> {
  const { SCRIPTS } = await import('./completion-scripts.ts');
  if (context.options.json === true) return context.printJson({ shell, script: SCRIPTS[shell] });
  context.print(SCRIPTS[shell].trimEnd());
  if (context.io.stdout.isTTY)
    context.note(`\nThis is a script for ${shell} to read: see 'mo-notify completion --help'.`);
}

function ownShell({ io }: Context): Shell {
  const name = basename(io.env.SHELL ?? '').replace(/\.exe$/, '');
  const known = name === 'pwsh' ? 'powershell' : SHELLS.find((shell) => shell === name);
  if (known !== undefined) return known;
  throw new UsageError(`Which shell? SHELL does not say. Name one: ${SHELLS.join(', ')}.`);
}

/** A candidate a line, with a tab before what it means; `:files` where the shell is to offer file names. */
async function answer(
  context: Context,
  words: readonly string[],
  commands: readonly CommandEntry[],
): Promise<void> {
  const { complete } = await import('./complete.ts');
  const { candidates, files } = await complete(
    words.map((word) => word.slice(1)),
    context.io,
    commands,
  );
  const lines = candidates.map(({ text, about }) => (about === '' ? text : `${text}\t${about}`));
  if (files) lines.push(':files');
  if (lines.length > 0) context.print(lines.join('\n'));
}
