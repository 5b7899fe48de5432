import { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode, KnownError, UsageError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { displayUrls, shownUrl, visible } from '../core/redact.ts';
import { VERSION } from '../core/version.ts';
import type { CommandEntry } from './command.ts';
import { COMMANDS } from './commands.ts';
import { type CommonOptions, type Context, createContext, type StartContext } from './context.ts';
import type { Io } from './io.ts';
import { loadStyle, PLAIN } from './style.ts';

/** Runs one command line (without node and script) and resolves to the exit code. Never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const contexts: Context[] = [];
  let style = PLAIN;
  const start: StartContext = (options) => {
    const context = createContext(io, options as CommonOptions, style);
    contexts.push(context);
    return context;
  };
  let code: ExitCode;
  try {
    const program = await createProgram(argv, io, start, async ({ color, json }) => {
      if (json !== true) style = await loadStyle(io.stdout, color, io.env);
    });
    await program.parseAsync(argv as string[], { from: 'user' });
    code = contexts.at(-1)?.exitCode ?? EXIT.ok;
  } catch (error) {
    code = report(error, io);
  }
  for (const context of contexts) await context.close();
  await io.flushed();
  const outputError = io.outputError();
  if (outputError === null) return io.closed.aborted && code !== EXIT.interrupted ? EXIT.ok : code;
  return code === EXIT.ok ? report(outputError, io) : code;
}

async function createProgram(
  argv: readonly string[],
  io: Io,
  start: StartContext,
  prepareColor: (options: CommonOptions) => Promise<void>,
): Promise<Command> {
  const program = new Command('mo-notify')
    .description("Send, receive, verify and judge MyOperator's live call notifications, offline.")
    .version(VERSION, '-V, --version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', "show a command's help")
    .showSuggestionAfterError()
    // What stands behind a command is that command's: 'relay' has subcommands with the same flags.
    .enablePositionalOptions()
    .configureHelp({ minWidthToWrap: 24 })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns,
      getErrHelpWidth: () => io.stderr.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text, write) =>
        write(
          `${text
            .trimEnd()
            .split('\n')
            .map((line) => visible(displayUrls(line), 2000))
            .join('\n')}\n`.replace(/^error: /, 'mo-notify: '),
        ),
    })
    .addHelpText('after', EPILOGUE)
    .action(() => program.help());
  const called = calledCommand(argv);
  if (called === undefined) refuseUnknown(argv);
  for (const entry of COMMANDS) {
    const command = program.command(entry.name).description(entry.summary);
    if (entry.alias !== undefined) command.alias(entry.alias);
    if (entry !== called) continue;
    (await entry.load()).configure(command, start);
    if (entry.plain !== true) command.hook('preAction', (_, action) => prepareColor(action.opts()));
  }
  return program;
}

/** The command that the arguments name, so that no other command's module needs to be loaded. */
function calledCommand(argv: readonly string[]): CommandEntry | undefined {
  const words = argv.filter((word) => !word.startsWith('-'));
  const name = words[0] === 'help' ? words[1] : words[0];
  return name === undefined
    ? undefined
    : COMMANDS.find((entry) => entry.name === name || entry.alias === name);
}

/** Throws UsageError where the first word names no command; a flag in its place is for commander to judge. */
function refuseUnknown([first, second]: readonly string[]): void {
  const name = first === 'help' ? second : first;
  if (name === undefined || name.startsWith('-') || name === 'help') return;
  const names = COMMANDS.flatMap((entry) => [
    entry.name,
    ...(entry.alias === undefined ? [] : [entry.alias]),
  ]);
  const hint = nearest(name, names);
  throw new UsageError(
    `'${shownUrl(name)}' is not a command.${hint ? ` Did you mean '${hint}'?` : ''} Known: ${COMMANDS.map((entry) => entry.name).join(', ')}.`,
  );
}

/** Tells the user what went wrong, and answers with the exit code for it. */
function report(error: unknown, io: Io): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof KnownError) {
    // Whoever made the message may have had a URL in hand without knowing it.
    io.stderr.write(`mo-notify: ${visible(displayUrls(error.message), 2000)}\n`);
    if (error instanceof UsageError)
      io.stderr.write("Run 'mo-notify --help' for the commands, or COMMAND --help for its flags.\n");
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.stderr.write(`mo-notify: unexpected error, please report it with this text:\n${displayUrls(text)}\n`);
  return EXIT.environment;
}

const EPILOGUE = `
Start with:
  mo-notify demo                  the whole loop, nothing to set up
  mo-notify listen                a receiver on http://127.0.0.1:4800
  mo-notify send-test 4800        a signed call_connected event to it

Exit codes:
  0    fine
  1    what was tested falls short: a delivery, a KPI, a signature
  2    usage or configuration
  3    the environment: a port taken, a store that cannot be used, a tunnel that is gone
  130  interrupted
`;
