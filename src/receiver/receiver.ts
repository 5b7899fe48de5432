import { askedFor } from '../core/asked.ts';
import { StoreError } from '../core/errors.ts';
import { keepEvidence } from '../core/evidence.ts';
import type { Payload } from '../core/payload.ts';
import { isRefused, isSuccess, type Receipt } from '../core/record.ts';
import type { Secret } from '../core/signature.ts';
import type { FirstReceipt, NewReceipt, Settlement, Store, StoredReceipt } from '../core/store.ts';
import type { IncomingRequest } from '../http/serve-options.ts';
import {
  appAnswer,
  BUSY_ELSEWHERE,
  checkRequest,
  DUPLICATE,
  NOT_STORED,
  OK,
  type ReceiverAnswer,
  refuse,
} from './answers.ts';
import type { AppAnswer, Forwarder } from './forward.ts';
import { type Judgement, judge } from './judge.ts';
import { release, toReceipt } from './receipt.ts';
import { refusalCause } from './refusal-cause.ts';

export interface ReceiverOptions {
  /** The live secrets, the current one first; null accepts every signature (`--no-verify`). */
  secrets: readonly Secret[] | null;
  store: Store;
  newId: () => string;
  maxBody: number;
  /** The paths that take deliveries, each of which is a place of its own; null for any, and then none counts. */
  paths: readonly string[] | null;
  invalidStatus: number;
  /** Refuses what is not an event or stale, and withholds suspected replays from the app. */
  strict: boolean;
  maxAgeMs: number | null;
  /** `app` answers with what the app says, `first` answers before the app is asked. */
  ack: 'app' | 'first';
  forwarder: Forwarder | null;
  /** Only these types go to the app; null for all. */
  events: readonly string[] | null;
  rehearsal: Rehearsal | null;
  /** `first` is the receipt that this one repeats in some way (contract §2). */
  onReceived?: (receipt: Receipt, request: IncomingRequest, first: FirstReceipt | null) => void;
  /** When the log has it, and at which place: for a refused delivery that is after its answer. */
  onStored?: (seq: number, receipt: Receipt, payload: Payload) => void;
  /** When all is known: the answer, and what the app said. */
  onAnswered?: (receipt: Receipt, request: IncomingRequest, app: AppAnswer | null) => void;
  onStoreFailure?: (error: StoreError, lost: Lost) => void;
}

/**
 * What the log could not take: a delivery, which was answered 503; what is kept of one that was refused, which had its
 * answer; what became of a forward, of which the sender was told all the same.
 */
export type Lost = 'delivery' | 'evidence' | 'outcome';

/** Answers to give instead of 200, to see the platform's retries at work; the last one goes on for ever. */
export interface Rehearsal {
  statuses: readonly number[];
  pause: () => Promise<void>;
}

/** The receiver is a function on plain values: servers, adapters and tests all call this one (contract §2). */
export interface Receiver {
  /** Never rejects. */
  receive(request: IncomingRequest): Promise<ReceiverAnswer>;
  /** Forwards what another run acknowledged and had not forwarded when its lease ran out (see Store.takeUnforwarded). */
  resume(): Promise<Resumed>;
  /** Resolves when every forward has ended. */
  drain(): Promise<void>;
}

export interface Resumed {
  /** How many were forwarded. */
  count: number;
  /** When there may be more, ms; null for never. */
  lookAgainMs: number | null;
}

export function createReceiver(options: ReceiverOptions): Receiver {
  const { store, forwarder } = options;
  const inFlight = new Map<number, Promise<ReceiverAnswer>>();
  const background = new Set<Promise<unknown>>();
  const findCause = refusalCause(options.secrets ?? []);
  let rehearsed = 0;

  async function receive(request: IncomingRequest): Promise<ReceiverAnswer> {
    const misdirected = checkRequest(request, options);
    if (misdirected !== null) return misdirected;
    const judgement = judge(request, options);
    const refusal = refuse(judgement, options);
    const answer = refusal ?? rehearse();
    const accepted = answer === null || isSuccess(answer.status);
    const receipt = toReceipt(request, judgement, options.newId());
    if (answer !== null && !accepted) {
      receipt.status = answer.status;
      if (refusal === null) receipt.flags = [...receipt.flags, 'rehearsed'];
      return record(request, receipt, judgement, answer);
    }
    const forwarding = forwarder !== null && wants(receipt.event);
    receipt.status = forwarding && options.ack === 'app' ? null : (answer ?? OK).status;
    let stored: StoredReceipt;
    try {
      receipt.accepted = true;
      receipt.asked = asked(request);
      receipt.forwarding = forwarding;
      stored = await store.addReceipt(receipt);
    } catch (error) {
      return unavailable(error);
    }
    release(receipt);
    receipt.duplicate = stored.duplicate;
    if (stored.redelivery) receipt.flags = [...receipt.flags, 'redelivery'];
    if (stored.duplicate === 'duplicate' || stored.redelivery) receipt.latencyMs = null;
    options.onStored?.(stored.seq, receipt, judgement.payload);
    options.onReceived?.(receipt, request, stored.first);
    if (!forwarding) return finish(receipt, request, answer ?? OK);
    return handOn(request, receipt, stored);
  }

  /** Keeps a refused delivery for whoever looks for the reason; the answer does not wait for it. */
  function record(
    request: IncomingRequest,
    receipt: Receipt & NewReceipt,
    judgement: Judgement,
    answer: ReceiverAnswer,
  ): Promise<ReceiverAnswer> {
    if (isRefused(receipt)) keepEvidence(receipt, findCause(request, judgement));
    const stored = store.addReceipt(receipt).then(({ seq }) => {
      release(receipt);
      options.onStored?.(seq, receipt, judgement.payload);
    });
    keepRunning(stored.catch((error) => lose(error, 'evidence')));
    options.onReceived?.(receipt, request, null);
    return finish(receipt, request, answer);
  }

  async function handOn(
    request: IncomingRequest,
    receipt: Receipt,
    stored: StoredReceipt,
  ): Promise<ReceiverAnswer> {
    const origin = stored.first?.seq ?? stored.seq;
    if (stored.duplicate === 'duplicate') {
      const answer = await answerToDuplicate(stored);
      await settle({ seqs: [stored.seq], forward: null, status: answer.status, owed: false });
      return finish(receipt, request, answer);
    }
    if (stored.duplicate === 'suspected_replay' && options.strict) {
      const withheld = { status: null, durationMs: 0, error: 'withheld: suspected replay' };
      receipt.forward = withheld;
      await settle({ seqs: [stored.seq], forward: withheld, status: OK.status, owed: false });
      return finish(receipt, request, OK);
    }
    const seqs = stored.redelivery ? [stored.seq, origin] : [stored.seq];
    const key = stored.redelivery ? origin : stored.seq;
    const forwarded = forward(request, receipt, seqs);
    inFlight.set(key, forwarded);
    keepRunning(
      forwarded.finally(() => {
        // Unless a retry has taken its place already.
        if (inFlight.get(key) === forwarded) inFlight.delete(key);
      }),
    );
    const answer = options.ack === 'first' ? OK : await forwarded;
    await options.rehearsal?.pause();
    return answer;
  }

  /** A duplicate gets what its first delivery got, or will have got once the app has answered. */
  async function answerToDuplicate({ first }: StoredReceipt): Promise<ReceiverAnswer> {
    if (first?.forward !== 'pending' || options.ack === 'first') return OK;
    // Where another process has it in hand, let the sender ask again rather than promise what is not known yet.
    return (await inFlight.get(first.seq)) ?? BUSY_ELSEWHERE;
  }

  async function settle(settlement: Settlement): Promise<void> {
    await store.settleForward(settlement).catch((error) => lose(error, 'outcome'));
  }

  async function forward(
    request: IncomingRequest,
    receipt: Receipt,
    seqs: number[],
  ): Promise<ReceiverAnswer> {
    const { headers, body } = request;
    const app = await (forwarder as Forwarder).forward({ headers, body, asked: asked(request) });
    const answer = options.ack === 'first' ? OK : appAnswer(app);
    receipt.forward = app.result;
    receipt.status = answer.status;
    // What was acknowledged and then cut off stays pending, for the next run to hand on.
    if (!app.cut || options.ack === 'app')
      await settle({
        seqs,
        forward: app.result,
        status: answer.status,
        owed: !app.delivered,
        answer: app.said,
      });
    options.onAnswered?.(receipt, request, app);
    return answer;
  }

  async function finish(
    receipt: Receipt,
    request: IncomingRequest,
    answer: ReceiverAnswer,
  ): Promise<ReceiverAnswer> {
    receipt.status = answer.status;
    const duplicate = receipt.duplicate === 'duplicate' && isSuccess(answer.status);
    if (options.rehearsal !== null) await options.rehearsal.pause();
    options.onAnswered?.(receipt, request, null);
    return duplicate ? DUPLICATE : answer;
  }

  function rehearse(): ReceiverAnswer | null {
    if (options.rehearsal === null || options.rehearsal.statuses.length === 0) return null;
    const { statuses } = options.rehearsal;
    const status = statuses[Math.min(rehearsed, statuses.length - 1)] as number;
    rehearsed += 1;
    return { ...OK, status, body: isSuccess(status) ? 'ok' : `rehearsed ${status}` };
  }

  function asked({ target }: IncomingRequest): string {
    return askedFor(target, options.paths !== null);
  }

  function unavailable(error: unknown): ReceiverAnswer {
    lose(error, 'delivery');
    return NOT_STORED;
  }

  function lose(error: unknown, lost: Lost): void {
    const failure = error instanceof StoreError ? error : new StoreError(String(error), 'unavailable');
    options.onStoreFailure?.(failure, lost);
  }

  function wants(event: string | null): boolean {
    return options.events === null || (event !== null && options.events.includes(event));
  }

  function keepRunning(work: Promise<unknown>): void {
    const settled = work.catch(() => {}).finally(() => background.delete(settled));
    background.add(settled);
  }

  async function resume(): Promise<Resumed> {
    if (forwarder === null) return { count: 0, lookAgainMs: null };
    const { receipts, lookAgainMs } = await store.takeUnforwarded();
    let count = 0;
    for (const { seq, status, ...delivery } of receipts) {
      if (!isSuccess(status)) continue;
      const app = await forwarder.forward(delivery);
      if (app.cut) break;
      await store.settleForward({
        seqs: [seq],
        forward: app.result,
        status: 200,
        owed: !app.delivered,
        answer: app.said,
      });
      count += 1;
    }
    return { count, lookAgainMs };
  }

  return {
    receive,
    resume,
    async drain() {
      while (background.size > 0) await Promise.all(background);
    },
  };
}
