import { EnvironmentError, type KnownError, UsageError } from '../core/errors.ts';
import type { Outcome } from '../core/record.ts';
import { formatDuration } from '../core/time.ts';

/** Why there is no link. */
export interface Refusal {
  /** What the other side answered instead; null where it gave no answer at all. */
  status: number | null;
  /** For people. */
  reason: string;
  /** What kind of failure it was, where no answer came. */
  outcome?: Outcome;
  /** When it may be tried again, as far as the other side says, ms. */
  retryAfterMs: number | null;
}

/** For whoever asked for the tunnel: what happened, and what to do. */
export function explainRefusal(
  { status, reason, outcome, retryAfterMs }: Refusal,
  url: URL,
  tokenName: string,
): KnownError {
  switch (status) {
    case null:
      return new EnvironmentError(
        `--tunnel: no link to ${url.host}: ${reason}.${outcome === 'tls' ? '' : ' Is the relay running there?'}`,
      );
    case 401:
      return new UsageError(
        `--tunnel: the relay at ${url.host} has no such channel, or the token in ${tokenName} is not its token. 'mo-notify relay channel list' on the relay's machine shows its channels; a token is shown once, when its channel is made.`,
      );
    case 409:
      return new EnvironmentError(
        `--tunnel: ${reason}. --takeover takes its place, --fan-out shares the channel with it.`,
      );
    case 429:
      return new EnvironmentError(
        `--tunnel: the relay at ${url.host} has seen too many wrong tokens from here. Wait ${formatDuration(retryAfterMs ?? 60_000)}, and check ${tokenName}.`,
      );
    case 503:
      return new EnvironmentError(
        `--tunnel: the relay at ${url.host} takes no listeners just now: ${reason}. Try again.`,
      );
    default:
      return new UsageError(
        `--tunnel: ${url.host} does not answer like a mo-notify relay: ${reason}. Write wss://RELAY/CHANNEL, as 'mo-notify relay channel create' prints it.`,
      );
  }
}
