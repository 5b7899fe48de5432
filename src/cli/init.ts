import { lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { checkEndpointUrl } from '../config/config.ts';
import { EnvironmentError, UsageError } from '../core/errors.ts';
import { visible } from '../core/redact.ts';
import { ask } from './confirm.ts';
import type { CommonOptions, Context, StartContext } from './context.ts';
import { withConfigOption, withOutputOptions } from './options.ts';
import { hintAtLiteral } from './target.ts';

interface InitOptions extends CommonOptions {
  url?: string;
}

export function configure(command: Command, start: StartContext): void {
  withConfigOption(withOutputOptions(command))
    .option('--url <url>', 'the first endpoint; asked for on a terminal')
    .addHelpText('after', '\nExample:\n  mo-notify init --url https://example.com/notify')
    .action(async (options: InitOptions) => {
      const context = start(options);
      await init(context, options);
    });
}

async function init(context: Context, options: InitOptions): Promise<void> {
  const path = options.config === undefined ? join(context.io.cwd, FILE) : context.project.config;
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
    throw new UsageError(
      `${path} is there already, and is left as it is. 'mo-notify endpoints list' reads it.`,
    );
  }
  if (options.url !== undefined && options.url !== '') checkEndpointUrl(options.url);
  const url = options.url ?? (await askUrl(context));
  try {
    writeFileSync(path, configText(url), { flag: 'wx' });
  } catch (cause) {
    throw new EnvironmentError(`${path} cannot be written (${(cause as NodeJS.ErrnoException).code}).`, {
      cause,
    });
  }
  if (context.options.json === true) return context.printJson({ config: path });
  context.print(`${context.style('stdout').good('wrote')} ${path}`);
  hintAtLiteral(context, url, 'the config file');
  context.note(
    url === ''
      ? "Next: 'mo-notify endpoints add NAME URL' registers an endpoint."
      : "Next: set MO_NOTIFY_SECRET to the endpoint's secret, then 'mo-notify send-test main'.",
  );
}

/** Only a terminal is asked, until what it says is a URL or nothing; nothing else ever waits for an answer. */
async function askUrl(context: Context): Promise<string> {
  const { io, options } = context;
  const quiet = options.json === true || options.quiet === true;
  if (quiet || io.stdin.isTTY !== true || !io.stderr.isTTY) return '';
  for (;;) {
    const url = (await ask(context, 'URL of your endpoint (empty to add it later): ')) ?? '';
    const wrong = url === '' ? null : whyNoUrl(url);
    if (wrong === null) return url;
    context.warn(visible(wrong));
  }
}

function whyNoUrl(text: string): string | null {
  try {
    checkEndpointUrl(text);
    return null;
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}

const FILE = 'mo-notify.config.json';

/** Every line that begins with `// "` is valid once its slashes are gone: what is said of it is a comment too. */
function configText(url: string): string {
  const main = `    "main": {
      "url": ${JSON.stringify(url === '' ? 'https://example.com/notify' : url)},
      // "events": ["call_connected", "call_missed"], // only these; all without it
      // "numbers": ["+911234567890"], // only calls from or to these
      // "queues": ["Sales"], // only calls of these queues
      // "timeout": "30s", "retries": 3, "backoff": "1s,5s,25s",
      // A reference, never the secret itself: env:NAME or file:PATH.
      "secret": "env:MO_NOTIFY_SECRET"
    }`;
  return `{
  "$schema": "./node_modules/mo-notify/schema/config.schema.json",
  // Where notifications go. 'mo-notify send-test main' sends a signed test event to this one.
  "endpoints": {
${url === '' ? main.replaceAll(/^ {4}/gm, '    // ') : main}
  }
}
`;
}
