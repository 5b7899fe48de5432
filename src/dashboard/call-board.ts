import { hash } from 'node:crypto';
import { decisiveEvent, isTerminal } from '../core/call.ts';
import { type CallMoment, LONGEST_CALL_MS, tellCall } from '../core/call-story.ts';
import type { Payload } from '../core/payload.ts';
import type { Receipt } from '../core/record.ts';
import { callMoment } from '../logs/call-moments.ts';
import { clip, copy, LONGEST, textOf } from './rows.ts';
import type { CallDetail, CallRow } from './wire.ts';

/** What is kept at most, so that no flood of calls fills the memory: the ones that changed last. */
const MOST_LIVE = 5000;
const MOST_ENDED = 500;
/** They are cut back once they are so many more: a map that loses its first entry at every turn becomes slow. */
const SURPLUS = 500;
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
  /** Null until a page is told of it: of a flood most calls never are. */
  key: number | null;
  /** The id, or what stands for one that is too long to be kept. */
  name: string;
  /** As much of the id as a page shows. */
  id: string;
  /** In order of arrival; `arrival` is the receipt's seq. */
  moments: Moment[];
  over: boolean;
  /** Whether it is among those that pages have yet to be told of. */
  waiting: boolean;
  /** Whether it is no longer kept. */
  dropped: boolean;
}

/** The calls under way and those that have ended lately, as their receipts tell them. */
export class CallBoard {
  readonly #live = new Map<string, Call>();
  readonly #ended = new Map<string, Call>();
  /** What pages have yet to be told of, the earliest changes first; some of it may be dropped by now. */
  #waiting: Call[] = [];
  #gone: number[] = [];

  /** Takes in what a receipt says of its call; a forged or repeated one says nothing. */
  add(seq: number, receipt: Receipt, payload: Payload | null): void {
    if (receipt.duplicate === 'duplicate') return;
    const found = callMoment({ kind: 'receipt', receipt, headers: null, body: null }, seq, payload);
    if (found === null) return;
    const moment = withFacts(found.moment, payload);
    const call = this.#take(found.callId, moment);
    call.over = call.moments.some(({ event }) => isTerminal(event));
    this.#keep(call);
  }

  /** What has changed since this was asked last, the earliest changes first, `limit` calls at most. */
  changes(limit: number, now: number): { calls: CallRow[]; gone: number[]; more: boolean } {
    const calls: CallRow[] = [];
    let at = 0;
    for (; at < this.#waiting.length && calls.length < limit; at++) {
      const call = this.#waiting[at] as Call;
      call.waiting = false;
      if (!call.dropped) calls.push(rowOf(call, now));
    }
    this.#waiting = this.#waiting.slice(at);
    const gone = this.#gone;
    this.#gone = [];
    return { calls, gone, more: this.#waiting.length > 0 };
  }

  all(now: number): CallRow[] {
    return [...this.#ended.values(), ...this.#live.values()].map((call) => rowOf(call, now));
  }

  detail(key: number, now: number): CallDetail | null {
    const calls = [...this.#live.values(), ...this.#ended.values()];
    const call = calls.find((one) => keyOf(one) === key);
    if (call === undefined) return null;
    const { moments, findings } = tellCall(call.id, call.moments, now);
    return {
      row: rowOf(call, now),
      events: moments.map(({ event, eventId, timestampMs, recordedAt, arrival }) => ({
        event,
        event_id: eventId,
        timestamp_ms: timestampMs,
        received_ms: recordedAt,
        seq: arrival,
      })),
      findings: findings.map((finding) => ({ ...finding, text: clip(finding.text) })),
    };
  }

  /**
   * Takes calls for over from which nothing has been heard for longer than calls last: their end was lost. False where
   * there are none.
   */
  giveUp(now: number): boolean {
    let some = false;
    for (const call of this.#live.values()) {
      if (now - (call.moments.at(-1) as Moment).recordedAt <= LONGEST_CALL_MS) break;
      some = true;
      this.#live.delete(call.name);
      call.over = true;
      this.#keep(call);
    }
    return some;
  }

  /** The call, which has a moment more now, out of its map. */
  #take(id: string, moment: Moment): Call {
    const name = id.length > LONGEST ? digest(id) : id;
    const known = this.#live.get(name) ?? this.#ended.get(name);
    if (known === undefined)
      return {
        key: null,
        name,
        id: clip(id),
        moments: [moment],
        over: false,
        waiting: false,
        dropped: false,
      };
    this.#live.delete(name);
    this.#ended.delete(name);
    known.moments.push(moment);
    if (known.moments.length > MOST_EVENTS) known.moments.shift();
    return known;
  }

  /** Each map has what changed last at its end. */
  #keep(call: Call): void {
    const [calls, most] = call.over ? [this.#ended, MOST_ENDED] : [this.#live, MOST_LIVE];
    calls.set(call.name, call);
    if (!call.waiting) this.#waiting.push(call);
    call.waiting = true;
    if (calls.size > most + SURPLUS) this.#cut(calls, most);
  }

  #cut(calls: Map<string, Call>, most: number): void {
    for (const oldest of calls.values()) {
      if (calls.size <= most) break;
      calls.delete(oldest.name);
      oldest.dropped = true;
      if (oldest.key !== null) this.#gone.push(oldest.key);
    }
    this.#waiting = this.#waiting.filter(({ dropped }) => !dropped);
  }
}

/** The same in every run, so that an address goes on meaning the same call: 52 bits of a hash. */
function keyOf(call: Call): number {
  call.key ??= Number.parseInt(digest(call.name).slice(0, 13), 16);
  return call.key;
}

/** Of the code units, because UTF-8 has one form for every half of a surrogate pair. */
function digest(id: string): string {
  return hash('sha256', Buffer.from(id, 'utf16le'), 'hex');
}

/** With what the list says of a call; what comes from outside is cut to that: all the calls have very many moments. */
function withFacts(moment: CallMoment, payload: Payload | null): Moment {
  const { event, eventId, arrival, recordedAt, timestampMs, data } = moment;
  const said = payload?.data;
  if (data?.queue !== undefined) data.queue = clip(data.queue);
  return {
    event: clip(event),
    eventId: eventId === null ? null : copy(clip(eventId)),
    arrival,
    recordedAt,
    timestampMs,
    data,
    caller: textOf(said?.caller_number),
    receiver: textOf(said?.receiver_number),
    direction: textOf(said?.direction),
    agent: textOf(said?.metadata?.agent_id),
  };
}

function rowOf(call: Call, now: number): CallRow {
  const { id, moments, over } = call;
  const { status, moments: told, findings } = tellCall(id, moments, now);
  const last = told.at(-1) as Moment;
  const latest = <Fact>(pick: (moment: Moment) => Fact | null | undefined) =>
    told.findLast((moment) => pick(moment) !== null && pick(moment) !== undefined);
  const queue = latest(({ data }) => data?.queue)?.data?.queue;
  return {
    key: keyOf(call),
    call_id: id,
    status,
    caller_number: latest(({ caller }) => caller)?.caller ?? null,
    receiver_number: latest(({ receiver }) => receiver)?.receiver ?? null,
    direction: latest(({ direction }) => direction)?.direction ?? null,
    queue: queue ?? null,
    agent_id: latest(({ agent }) => agent)?.agent ?? null,
    started_ms: told.find(({ timestampMs }) => timestampMs !== null)?.timestampMs ?? null,
    connected_ms: told.find(({ event }) => event === 'call_connected')?.timestampMs ?? null,
    since_ms: decisiveEvent(told)?.timestampMs ?? last.timestampMs,
    ended: over,
    duration_seconds: over ? (told.findLast(({ event }) => isTerminal(event))?.data?.duration ?? null) : null,
    last: { event: last.event, event_id: last.eventId, received_ms: last.recordedAt },
    seqs: moments.slice(-MOST_SEQS).map(({ arrival }) => arrival),
    events: told.length,
    warnings: findings.filter(({ severity }) => severity === 'warn').length,
  };
}
