import { hash } from 'node:crypto';
import { decisiveEvent, isTerminal } from '../core/call.ts';
import { type CallMoment, LONGEST_CALL_MS, tellCall } from '../core/call-story.ts';
import type { Payload } from '../core/payload.ts';
import type { Receipt } from '../core/record.ts';
import { callMoment } from '../logs/call-moments.ts';
import { clip, textOf } from './rows.ts';
import type { CallDetail, CallRow } from './wire.ts';

/** What is kept at most, so that no flood of calls fills the memory: the ones that changed last. */
const MOST_LIVE = 10_000;
const MOST_ENDED = 500;
/** Of a call with more events than any life has, the latest to arrive. */
const MOST_EVENTS = 100;
/** As many of a call's receipts as come between two messages. */
const MOST_SEQS = 8;

interface Moment extends CallMoment {
  caller: string | null;
  receiver: string | null;
  direction: string | null;
  agent: string | null;
}

interface Call {
  key: number;
  id: string;
  /** In order of arrival; `arrival` is the receipt's seq. */
  moments: Moment[];
  over: boolean;
}

/** The calls under way and those that have ended lately, as their receipts tell them. */
export class CallBoard {
  readonly #live = new Map<string, Call>();
  readonly #ended = new Map<string, Call>();
  readonly #byKey = new Map<number, Call>();
  readonly #changed = new Set<Call>();
  #gone: number[] = [];

  /** Takes in what a receipt says of its call; a forged or repeated one says nothing. */
  add(seq: number, receipt: Receipt, payload: Payload | null): void {
    if (receipt.duplicate === 'duplicate') return;
    const found = callMoment({ kind: 'receipt', receipt, headers: null, body: null }, seq, payload);
    if (found === null) return;
    const call = this.#take(found.callId);
    call.moments.push({ ...found.moment, ...factsOf(payload) });
    if (call.moments.length > MOST_EVENTS) call.moments.shift();
    call.over = call.moments.some(({ event }) => isTerminal(event));
    this.#keep(call);
  }

  /** What has changed since this was asked last, the earliest changes first, `limit` calls at most. */
  changes(limit: number, now: number): { calls: CallRow[]; gone: number[]; more: boolean } {
    const calls: CallRow[] = [];
    for (const call of this.#changed) {
      if (calls.length === limit) break;
      this.#changed.delete(call);
      calls.push(rowOf(call, now));
    }
    const gone = this.#gone;
    this.#gone = [];
    return { calls, gone, more: this.#changed.size > 0 };
  }

  all(now: number): CallRow[] {
    return [...this.#ended.values(), ...this.#live.values()].map((call) => rowOf(call, now));
  }

  detail(key: number, now: number): CallDetail | null {
    const call = this.#byKey.get(key);
    if (call === undefined) return null;
    const { moments, findings } = tellCall(call.id, call.moments, now);
    return {
      row: rowOf(call, now),
      events: moments.map(({ event, eventId, timestampMs, recordedAt, arrival }) => ({
        event: clip(event),
        event_id: eventId,
        timestamp_ms: timestampMs,
        received_ms: recordedAt,
        seq: arrival,
      })),
      findings,
    };
  }

  /** Takes calls for over from which nothing has been heard for longer than calls last: their end was lost. */
  giveUp(now: number): void {
    for (const call of this.#live.values()) {
      if (now - (call.moments.at(-1) as Moment).recordedAt <= LONGEST_CALL_MS) return;
      this.#live.delete(call.id);
      call.over = true;
      this.#keep(call);
    }
  }

  #take(id: string): Call {
    const known = this.#live.get(id) ?? this.#ended.get(id);
    if (known === undefined) {
      const call = { key: keyOf(id), id, moments: [], over: false };
      this.#byKey.set(call.key, call);
      return call;
    }
    this.#live.delete(id);
    this.#ended.delete(id);
    return known;
  }

  /** Each map has what changed last at its end. */
  #keep(call: Call): void {
    const [calls, most] = call.over ? [this.#ended, MOST_ENDED] : [this.#live, MOST_LIVE];
    calls.set(call.id, call);
    this.#changed.add(call);
    if (calls.size <= most) return;
    const [oldest] = calls.values() as Iterable<Call> as [Call];
    calls.delete(oldest.id);
    this.#byKey.delete(oldest.key);
    this.#changed.delete(oldest);
    this.#gone.push(oldest.key);
  }
}

/** The same in every run, so that an address goes on meaning the same call: 52 bits of a hash. */
function keyOf(id: string): number {
  return Number.parseInt(hash('sha256', id, 'hex').slice(0, 13), 16);
}

function factsOf(payload: Payload | null): Omit<Moment, keyof CallMoment> {
  const { caller_number: caller, receiver_number: receiver, direction, metadata } = payload?.data ?? {};
  return {
    caller: textOf(caller),
    receiver: textOf(receiver),
    direction: textOf(direction),
    agent: textOf(metadata?.agent_id),
  };
}

function rowOf({ key, id, moments, over }: Call, now: number): CallRow {
  const { status, moments: told, findings } = tellCall(id, moments, now);
  const last = told.at(-1) as Moment;
  const latest = <Fact>(pick: (moment: Moment) => Fact | null | undefined) =>
    told.findLast((moment) => pick(moment) !== null && pick(moment) !== undefined);
  const queue = latest(({ data }) => data?.queue)?.data?.queue;
  return {
    key,
    call_id: clip(id),
    status,
    caller_number: latest(({ caller }) => caller)?.caller ?? null,
    receiver_number: latest(({ receiver }) => receiver)?.receiver ?? null,
    direction: latest(({ direction }) => direction)?.direction ?? null,
    queue: queue === undefined ? null : clip(queue),
    agent_id: latest(({ agent }) => agent)?.agent ?? null,
    started_ms: told.find(({ timestampMs }) => timestampMs !== null)?.timestampMs ?? null,
    connected_ms: told.find(({ event }) => event === 'call_connected')?.timestampMs ?? null,
    since_ms: decisiveEvent(told)?.timestampMs ?? last.timestampMs,
    ended: over,
    duration_seconds: over ? (told.findLast(({ event }) => isTerminal(event))?.data?.duration ?? null) : null,
    last: { event: clip(last.event), event_id: last.eventId, received_ms: last.recordedAt },
    seqs: moments.slice(-MOST_SEQS).map(({ arrival }) => arrival),
    events: told.length,
    warnings: findings.filter(({ severity }) => severity === 'warn').length,
  };
}
