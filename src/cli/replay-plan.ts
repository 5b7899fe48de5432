import { UsageError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';
import type { RecordKind } from '../core/record.ts';
import type { Context } from './context.ts';
import { type FilterOptions, parseFilter } from './log-filter.ts';
import type { LogSourceOptions } from './log-source.ts';
import type { Selection } from './replay-survey.ts';
import { parseRate, parseSpeed } from './send-plan.ts';
import type { SendingOptions } from './sending.ts';
import type { Target } from './target.ts';

/** How fast an endpoint elsewhere is replayed to, unless told otherwise: it may just be getting back on its feet. */
const REMOTE_RATE = 100;

/** What of a replay is kept for `--resume`: no header and no secret, which may not be stored. */
export interface Plan extends FilterOptions, LogSourceOptions, Omit<SendingOptions, 'header'> {
  source?: string;
  to?: string;
  kind?: RecordKind;
  limit?: number;
  speed?: string;
  rate?: string;
  newIds?: boolean;
  retime?: boolean;
  resign?: boolean;
  force?: boolean;
}

/** At most one of the two is given: the recorded gaps are kept, or others are made. */
export interface Pacing {
  speed: number | null;
  /** Deliveries a second. */
  rate: number | null;
}

/** Throws UsageError. */
export function refuseContradictions({ resign, retime, speed, rate }: Plan): void {
  if (resign === false && retime === true)
    throw new UsageError(
      '--no-resign cannot be used with --retime: the signature on record is of the old bytes.',
    );
  if (speed !== undefined && rate !== undefined)
    throw new UsageError(
      '--speed cannot be used with --rate: one keeps the recorded gaps, the other makes its own.',
    );
}

export function readPace({ speed, rate }: Plan, { url }: Target): Pacing {
  if (rate !== undefined) return { speed: null, rate: parseRate(rate) };
  if (speed === undefined) return { speed: null, rate: isLoopback(url) ? null : REMOTE_RATE };
  const factor = parseSpeed(speed);
  return { speed: Number.isFinite(factor) ? factor : null, rate: null };
}

export function readSelection(plan: Plan, { name, shown, endpoint }: Target, { io }: Context): Selection {
  const { status = null, ...filter } = parseFilter(plan, io.now());
  const filtered =
    endpoint !== null && (endpoint.events ?? endpoint.numbers ?? endpoint.queues) !== undefined;
  return {
    filter,
    status,
    target: { endpoint: name, url: shown },
    kind: plan.kind ?? null,
    limit: plan.limit ?? null,
    subscription: filtered && plan.force !== true ? endpoint : null,
    copies: plan.newIds === true,
    asSigned: plan.resign === false,
  };
}
