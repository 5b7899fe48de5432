import type { Command } from 'commander';
import { explainSignature } from '../check/explain.ts';
import { EXIT } from '../core/errors.ts';
import { visible } from '../core/redact.ts';
import { verifySignature } from '../core/signature.ts';
import type { StartContext } from './context.ts';
import { readInput } from './input.ts';
import { withOutputOptions, withSecretOptions } from './options.ts';
import { checkingSecrets, refuseSharedStdin } from './secrets.ts';

interface VerifyOptions {
  body: string;
  signature: string;
  json?: boolean;
  secretEnv?: string[];
  secretFile?: string[];
  secretStdin?: boolean;
}

export function configure(command: Command, start: StartContext): void {
  withSecretOptions(withOutputOptions(command))
    .requiredOption('--body <file>', "the body's exact bytes; - for standard input")
    .requiredOption('--signature <value>', 'the X-MO-Signature header')
    .addHelpText('after', '\nExample:\n  mo-notify verify --body event.json --signature sha256=757107ea…')
    .action(async (options: VerifyOptions) => {
      const context = start(options);
      refuseSharedStdin('--body', options.body, options);
      const secrets = await checkingSecrets(context, options);
      const body = await readInput(options.body, '--body', context.io);
      const verdict = verifySignature(body, options.signature, secrets);
      const explanation = explainSignature(body, options.signature, secrets, verdict);
      context.exitCode = verdict.result === 'valid' ? EXIT.ok : EXIT.shortfall;
      if (options.json === true) {
        const { result } = verdict;
        return context.printJson({
          result,
          secret: result === 'valid' ? verdict.secret : null,
          reason: result === 'malformed' ? verdict.reason : null,
          cause: explanation?.cause ?? null,
          remedy: explanation?.remedy ?? null,
          body_bytes: body.length,
        });
      }
      const { good, bad } = context.style('stdout');
      if (verdict.result === 'valid')
        return context.print(`${good('valid')}  signed with the secret ${visible(verdict.secret)}`);
      context.print(
        `${bad(verdict.result)}  ${explanation?.cause ?? 'no secret given here makes this signature over these bytes'}`,
      );
      context.note(
        explanation?.remedy ??
          "Check that the secret is the endpoint's, and that the body is the raw one, byte for byte.",
      );
    });
}
