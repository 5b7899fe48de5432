import type { Command } from 'commander';
import { type Explanation, explainSignature } from '../check/explain.ts';
import { EXIT, UsageError } from '../core/errors.ts';
import { visible } from '../core/redact.ts';
import { verifySignature } from '../core/signature.ts';
import { parseSavedDelivery, type SavedDelivery } from '../logs/saved-delivery.ts';
import type { CommonOptions, StartContext } from './context.ts';
import { readInput } from './input.ts';
import type { Io } from './io.ts';
import { withEndpointOption, withOutputOptions, withSecretOptions } from './options.ts';
import { checkingSecrets, type EndpointSecretSources, refuseSharedStdin } from './secrets.ts';

interface VerifyOptions extends CommonOptions, EndpointSecretSources {
  body?: string;
  signature?: string;
  delivery?: string;
}

export function configure(command: Command, start: StartContext): void {
  withEndpointOption(withSecretOptions(withOutputOptions(command)))
    .option('--body <file>', "the body's exact bytes; - for standard input")
    .option('--signature <value>', 'the X-MO-Signature header')
    .option(
      '--delivery <file>',
      'both of them: a saved HTTP request, or a line of listen --json --with-bodies or logs export --with-bodies',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  mo-notify verify --body event.json --signature sha256=757107ea…\n  mo-notify verify --delivery request.http',
    )
    .action(async (options: VerifyOptions) => {
      const context = start(options);
      refuseSharedStdin('the body (--body -)', options.body, options);
      refuseSharedStdin('the body (--delivery -)', options.delivery, options);
      const secrets = await checkingSecrets(context, options);
      const { body, signature, cut } = await readDelivery(options, context.io);
      const verdict = verifySignature(body, signature, secrets);
      const explanation =
        cut !== undefined && verdict.result === 'mismatch'
          ? explainCut(body, cut)
          : explainSignature(body, signature, secrets, verdict);
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
          ...(cut === undefined ? {} : { body_cut: true }),
        });
      }
      const { good, bad } = context.style('stdout');
      if (verdict.result === 'valid')
        return context.print(`${good('valid')}  signed with the secret ${visible(verdict.secret)}`);
      context.print(
        `${bad(verdict.result)}  ${visible(explanation?.cause ?? 'no secret given here makes this signature over these bytes')}`,
      );
      context.note(
        explanation?.remedy ??
          "Check that the secret is the endpoint's, and that the body is the raw one, byte for byte.",
      );
    });
}

/** Of a body's beginning nothing can be told but what was found when the whole was there. */
function explainCut(
  body: Buffer,
  { wholeBytes, sha256, cause }: NonNullable<SavedDelivery['cut']>,
): Explanation {
  return {
    cause: `the body is cut: only the first ${body.length} of its ${wholeBytes} bytes are on record${cause === null ? '' : `. When it arrived: ${cause}`}`,
    remedy: `Verify the whole body with --body and --signature.${sha256 === null ? '' : ` Its SHA-256 is ${sha256}.`}`,
  };
}

/** Body and signature, each by its flag or both out of one file. Throws UsageError. */
async function readDelivery({ body, signature, delivery }: VerifyOptions, io: Io): Promise<SavedDelivery> {
  if (delivery !== undefined && body === undefined && signature === undefined) {
    return parseSavedDelivery(await readInput(delivery, '--delivery', io), delivery);
  }
  if (delivery !== undefined || body === undefined || signature === undefined) {
    throw new UsageError('Give --body and --signature, or --delivery alone, which holds both.');
  }
  return { body: await readInput(body, '--body', io), signature };
}
