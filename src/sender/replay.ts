import type { ByteHash } from '../core/byte-hash.ts';
import { hashBytes } from '../core/byte-hash.ts';
import { EventTable } from '../core/event-table.ts';
import { type IdPrefix, newId } from '../core/id.ts';
import { type Attempt, KILLED } from '../core/record.ts';
import { signPayload } from '../core/signature.ts';
import type { ReplayState, Store } from '../core/store.ts';
import type { Delivery } from './delivery.ts';
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
  newId?: (prefix: IdPrefix, now: number) => string;
}

/** So many deliveries may be begun before the store is told again how far the run has come. */
const AHEAD = 256;

/**
 * The deliveries of a replay, each when it is due (contract §1). The store is told how far the run may come before it
 * does: after a kill, what was not yet reached is known never to have been sent.
 */
export async function* planReplay(
  recorded: AsyncIterable<Recorded>,
  options: ReplayOptions,
): AsyncIterable<Planned> {
  const { earlier, store } = options;
  const reach = new Reach(options, earlier?.state.reached ?? 0);
  const pace = new Pace(options);
  if (earlier !== null) await reach.begin();
  const unknown: Promise<void>[] = [];
  let failure: unknown = null;
  let place = 0;
  for await (const one of recorded) {
    if (failure !== null) throw failure;
    place += 1;
    const before = earlier?.of(one.id) ?? null;
    if (before?.done === true) continue;
    if (earlier !== null && earlier.state.state === 'running' && place <= earlier.state.reached) {
      // Not waited for: a kill before it is committed has the next process find the same.
      const recording = store.addAttempt(unknownAttempt(one, (before?.attempts ?? 0) + 1, options), null);
      unknown.push(
        recording.catch((error) => {
          failure = error;
        }),
      );
    }
    await reach.to(place);
    const afterMs = pace.next(one.at);
    yield { afterMs, make: (at) => makeDelivery(one, at, before?.attempts ?? 0, options) };
  }
  await Promise.all([...unknown, reach.settled()]);
  if (failure !== null) throw failure;
}

function makeDelivery(one: Recorded, at: number, attemptsBefore: number, options: ReplayOptions): Delivery {
  const body = options.retime === null ? one.body : options.retime(one.body, at);
  const eventId = options.newIds || one.eventId === null ? (options.newId ?? newId)('ev', at) : one.eventId;
  return {
    eventId,
    event: one.event,
    callId: one.callId,
    body,
    signature: options.secret === null ? one.signature : signPayload(body, options.secret),
    fault: null,
    replayOf: one.id,
    attemptsBefore,
    headers: one.headers,
  };
}

/** A record of an attempt that the kill left in the dark: it may have been made, so its event may be sent twice. */
function unknownAttempt(one: Recorded, attempt: number, { run, endpoint, url, now }: ReplayOptions): Attempt {
  const at = Math.round(now());
  return {
    id: newId('at', at),
    eventId: one.eventId ?? one.id,
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
  #saved: number;
  #saving: Promise<void> | null = null;

  constructor(options: ReplayOptions, saved: number) {
    this.#options = options;
    this.#saved = saved;
  }

  /** From now on a kill may leave things in the dark again. */
  begin(): Promise<void> {
    return this.#save(this.#saved);
  }

  async to(place: number): Promise<void> {
    if (place > this.#saved - AHEAD / 2) this.#saving ??= this.#save(Math.max(place, this.#saved) + AHEAD);
    while (place > this.#saved) await this.#saving;
  }

  async settled(): Promise<void> {
    await this.#saving;
  }

  async #save(reached: number): Promise<void> {
    const { store, run, plan } = this.#options;
    await store.saveReplay({ run, plan, reached, state: 'running' });
    this.#saved = reached;
    this.#saving = null;
  }
}

/** What became of each delivery in an earlier process of the same run. */
export interface EarlierRun {
  state: ReplayState;
  /** How many deliveries have come to their end. */
  done: number;
  /** Null where nothing is on record. */
  of(id: string): { done: boolean; attempts: number } | null;
}

/** Reads the run's attempts back; 16 bytes a delivery. */
export async function readEarlierRun(store: Store, state: ReplayState): Promise<EarlierRun> {
  const known = new EventTable();
  const hash: ByteHash = { low: 0, high: 0 };
  let done = 0;
  const look = (id: string) => {
    const bytes = Buffer.from(id);
    hashBytes(bytes, 0, bytes.length, hash);
  };
  for await (const attempt of store.attempts({ run: state.run })) {
    if (attempt.replayOf === null || attempt.fault === KILLED) continue;
    look(attempt.replayOf);
    const slot = known.find(hash, 0, 0);
    // What was cut off by the run's own end is as good as not begun.
    if (attempt.outcome === 'aborted') continue;
    if (known.valueAt(slot) === DONE) continue;
    if (attempt.final) {
      known.setAt(slot, DONE);
      done += 1;
    } else known.setAt(slot, attempt.attempt);
  }
  return {
    state,
    done,
    of: (id) => {
      look(id);
      const value = known.get(hash, 0);
      if (value === undefined) return null;
      return { done: value === DONE, attempts: Math.max(0, value) };
    },
  };
}

const DONE = -1;
