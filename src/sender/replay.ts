import { UsageError } from '../core/errors.ts';
import { copyId, newId } from '../core/id.ts';
import { type Attempt, KILLED } from '../core/record.ts';
import { signPayload } from '../core/signature.ts';
import type { ReplayState, Store } from '../core/store.ts';
import type { Delivery } from './delivery.ts';
import type { EarlierDelivery, EarlierRun } from './earlier-run.ts';
import type { Planned } from './plan.ts';
import type { Recorded } from './recorded.ts';

export interface ReplayOptions {
  run: string;
  /** What it replays and how, for `--resume`; holds no secret. */
  plan: string;
  store: Store;
  /** Null keeps the signatures on record. */
  secret: string | null;
  newIds: boolean;
  /** Asks for what the recorded senders asked for, as a forward does (contract §2). */
  asAsked: boolean;
  /** Puts a new time into a body; null leaves it as it is. */
  retime: ((body: Uint8Array, at: number) => Uint8Array) | null;
  /** Divides the recorded gaps; null sends as fast as answers come. */
  speed: number | null;
  /** Open loop: deliveries a second. */
  rate: number | null;
  /** What an earlier process made of the run. */
  earlier: EarlierRun | null;
  endpoint: string;
  url: string;
  now: () => number;
}

/** So many deliveries may be begun before the store is told again how far the run has come. */
const AHEAD = 64;

/**
 * The deliveries of a replay, each when it is due (contract §1). The store is told how far the run may come before it
 * does: after a kill, what was not yet reached is known never to have been sent.
 */
export async function* planReplay(
  recorded: AsyncIterable<Recorded>,
  options: ReplayOptions,
): AsyncIterable<Planned> {
  const { earlier, store } = options;
  const reach = new Reach(options);
  const pace = new Pace(options);
  if (earlier !== null) await reach.begin(earlier.state);
  const unknown: Promise<void>[] = [];
  let failure: { error: unknown } | null = null;
  let place = 0;
  for await (const one of recorded) {
    if (failure !== null) throw (failure as { error: unknown }).error;
    place += 1;
    const before = earlier?.of(one.id) ?? null;
    if (before?.done === true) continue;
    if (earlier !== null && place > earlier.state.settled && place <= earlier.state.reached) {
      // Not waited for: a kill before it is committed has the next process find the same.
      const recording = store.addAttempt(unknownAttempt(one, (before?.attempts ?? 0) + 1, options), null);
      unknown.push(
        recording.catch((error) => {
          failure = { error };
        }),
      );
    }
    await reach.to(place);
    const afterMs = pace.next(one.at);
    yield { afterMs, make: (at) => makeDelivery(one, at, before, options) };
  }
  await Promise.all([...unknown, reach.saved()]);
  if (failure !== null) throw (failure as { error: unknown }).error;
}

function makeDelivery(
  one: Recorded,
  at: number,
  before: EarlierDelivery | null,
  options: ReplayOptions,
): Delivery {
  const attempts = before?.attempts ?? 0;
  // What was tried before goes on with the bytes that it had.
  const time = before !== null && attempts > 0 ? before.dueAt : Math.round(at);
  const body = options.retime === null ? one.body : options.retime(one.body, time);
  return {
    eventId: eventIdOf(one, options),
    event: one.event,
    callId: one.callId,
    body,
    signature: options.secret === null ? one.signature : signPayload(body, options.secret),
    fault: null,
    replayOf: one.id,
    attemptsBefore: attempts,
    headers: one.headers,
    asked: options.asAsked ? one.asked : '',
  };
}

function eventIdOf({ id, eventId }: Recorded, { run, newIds }: ReplayOptions): string {
  return newIds || eventId === null ? copyId(run, id) : eventId;
}

/** A record of an attempt that the kill left in the dark: it may have been made, so its event may be sent twice. */
function unknownAttempt(one: Recorded, attempt: number, options: ReplayOptions): Attempt {
  const { run, endpoint, url, now } = options;
  const at = Math.round(now());
  return {
    id: newId('at', at),
    eventId: eventIdOf(one, options),
    event: one.event,
    callId: one.callId,
    endpoint,
    url,
    attempt,
    dueAt: at,
    sentAt: at,
    status: null,
    outcome: 'aborted',
    durationMs: 0,
    final: false,
    run,
    replayOf: one.id,
    error:
      'unknown outcome: the run was killed while this was, or was about to be, under way; it is sent again',
    fault: KILLED,
  };
}

/** When each delivery is due after the first one. */
class Pace {
  readonly #speed: number | null;
  readonly #rate: number | null;
  #first: number | null = null;
  #last = 0;
  #count = 0;

  constructor({ speed, rate }: Pick<ReplayOptions, 'speed' | 'rate'>) {
    this.#speed = speed;
    this.#rate = rate;
  }

  next(at: number): number | null {
    if (this.#rate !== null) return (this.#count++ * 1000) / this.#rate;
    if (this.#speed === null) return null;
    this.#first ??= at;
    // Records are not always in order of time; what is late by then is due at once.
    this.#last = Math.max(this.#last, (at - this.#first) / this.#speed);
    return this.#last;
  }
}

/** Has the store know how far the run may have come, a little ahead of it, so that sending need not wait for that. */
class Reach {
  readonly #options: ReplayOptions;
  #reached: number;
  #saving: Promise<void> | null = null;
  #failure: { error: unknown } | null = null;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#reached = options.earlier?.state.reached ?? 0;
  }

  /** From now on a kill may leave things in the dark again. Throws UsageError where somebody else has begun. */
  async begin(seen: ReplayState): Promise<void> {
    if (await this.#save(this.#reached, seen)) return;
    throw new UsageError(
      `--resume: another process has gone on with the replay ${seen.run} meanwhile; this one has sent nothing.`,
    );
  }

  async to(place: number): Promise<void> {
    if (place > this.#reached - AHEAD / 2 && this.#failure === null)
      this.#saving ??= this.#extend(Math.max(place, this.#reached) + AHEAD);
    while (place > this.#reached) await this.saved();
    this.#check();
  }

  /** Resolves once nothing is being saved any more. Rejects with what went wrong at that, now or before. */
  async saved(): Promise<void> {
    await this.#saving;
    this.#check();
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  async #extend(reached: number): Promise<void> {
    try {
      await this.#save(reached);
    } catch (error) {
      this.#failure = { error };
    }
    this.#saving = null;
  }

  async #save(reached: number, seen?: ReplayState): Promise<boolean> {
    const { store, run, plan } = this.#options;
    const saved = await store.saveReplay({ run, plan, reached, settled: 0, state: 'running' }, seen);
    this.#reached = reached;
    return saved;
  }
}
