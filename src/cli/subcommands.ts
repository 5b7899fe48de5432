import type { Command } from 'commander';
import type { Context, StartContext } from './context.ts';

/** An action of a subcommand: a context first, then its arguments, its options last. */
export function action<Rest extends unknown[]>(
  start: StartContext,
  work: (context: Context, ...rest: Rest) => void | Promise<void>,
): (...given: unknown[]) => void | Promise<void> {
  return (...given) => {
    const options = given.at(-2) as object;
    return work(start(options), ...([...given.slice(0, -2), options] as Rest));
  };
}

/** A subcommand with its summary and an example for its help. */
export function subcommand(command: Command, words: string, summary: string, example: string): Command {
  return command
    .command(words)
    .description(summary)
    .addHelpText('after', `\nExample:\n  mo-notify ${command.name()} ${example}`);
}
