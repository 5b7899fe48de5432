import type { Command } from 'commander';
import { HEADER } from '../core/headers.ts';
import { newId } from '../core/id.ts';
import { signPayload } from '../core/signature.ts';
import type { CommonOptions, StartContext } from './context.ts';
import { curlFor } from './curl-output.ts';
import { readInput } from './input.ts';
import { withEndpointOption, withOutputOptions, withSecretOptions } from './options.ts';
import { type EndpointSecretSources, refuseSharedStdin, signingSecret } from './secrets.ts';
import { resolveTarget } from './target.ts';

interface SignOptions extends CommonOptions, EndpointSecretSources {
  body: string;
  headers?: boolean;
  curl?: string;
}

export function configure(command: Command, start: StartContext): void {
  withEndpointOption(withSecretOptions(withOutputOptions(command)))
    .requiredOption('--body <file>', "the body's exact bytes; - for standard input")
    .option('--headers', 'print the whole set of delivery headers')
    .option('--curl <target>', 'print a cURL command that sends it to this target')
    .addHelpText(
      'after',
      '\nExample:\n  printf \'%s\' \'{"event":"call_connected"}\' | mo-notify sign --body -',
    )
    .action(async (options: SignOptions) => {
      const context = start(options);
      refuseSharedStdin('the body (--body -)', options.body, options);
      const secret = await signingSecret(context, options, true);
      const body = await readInput(options.body, '--body', context.io);
      const signature = signPayload(body, secret.value);
      const headers = [
        [HEADER.contentType, 'application/json'],
        [HEADER.eventId, newId('ev', context.io.now())],
        [HEADER.signature, signature],
        [HEADER.attempt, '1'],
      ] as const;
      if (options.json === true)
        return context.printJson({ signature, headers: Object.fromEntries(headers), secret: secret.name });
      if (options.curl !== undefined) {
        const target = await resolveTarget(context, options.curl);
        return context.print(curlFor(context, target, { headers: headers.flat(), body }));
      }
      if (options.headers === true)
        return context.print(headers.map(([name, value]) => `${name}: ${value}`).join('\n'));
      context.print(signature);
    });
}
