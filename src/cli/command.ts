import type { Command } from 'commander';
import type { StartContext } from './context.ts';

/** A command's own module: its flags, and what it does. Loaded when the command is called. */
export interface CommandModule {
  /** Adds arguments, flags, an example, and the action that sets `context.exitCode`. */
  configure(command: Command, start: StartContext): void;
}

export interface CommandEntry {
  name: string;
  alias?: string;
  summary: string;
  /** Prints data alone, which is never coloured. */
  plain?: true;
  load: () => Promise<CommandModule>;
}
