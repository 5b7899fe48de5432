import type { CallStatus } from '../core/call.ts';
import { type CallFinding, type CallMoment, type CallStory, tellCall } from '../core/call-story.ts';
import { formatTimestamp } from '../core/time.ts';

/** How the calls on record went, and what in their states does not fit. */
export interface CallSummary {
  calls: number;
  statuses: Partial<Record<CallStatus, number>>;
  findings: {
    rule: CallFinding['rule'];
    severity: CallFinding['severity'];
    calls: number;
    examples: string[];
  }[];
  /** The first calls with something that does not fit, as they went. */
  timelines: CallTimeline[];
  /** Calls beyond the first so many, which were not looked at. */
  left_out: number;
}

export interface CallTimeline {
  call_id: string;
  status: CallStatus | null;
  /** In order of life; `timestamp` is the event's own. */
  events: { event: string; event_id: string | null; timestamp: string | null }[];
  /** What does not fit. */
  findings: string[];
}

const MOST_CALLS = 50_000;
const EXAMPLES = 3;
const TIMELINES = 5;

/** Gathers the events of each call, then judges every one. */
export class CallGatherer {
  readonly #calls = new Map<string, CallMoment[]>();
  readonly #leftOut = new Set<string>();

  add(callId: string, moment: CallMoment): void {
    const known = this.#calls.get(callId);
    if (known !== undefined) known.push(moment);
    else if (this.#calls.size < MOST_CALLS) this.#calls.set(callId, [moment]);
    else if (this.#leftOut.size < MOST_CALLS) this.#leftOut.add(callId);
  }

  /** `now` is ms since the epoch. */
  summary(now: number): CallSummary {
    const statuses: CallSummary['statuses'] = {};
    const findings = new Map<string, CallSummary['findings'][number]>();
    const timelines: CallTimeline[] = [];
    for (const [callId, moments] of this.#calls) {
      const story = tellCall(callId, moments, now);
      if (story.status !== null) statuses[story.status] = (statuses[story.status] ?? 0) + 1;
      const doubtful = story.findings.some(({ severity }) => severity === 'warn');
      if (doubtful && timelines.length < TIMELINES) timelines.push(timelineOf(story));
      for (const { rule, severity } of new Map(story.findings.map((one) => [one.rule, one])).values()) {
        const found = findings.get(`${rule} ${severity}`) ?? { rule, severity, calls: 0, examples: [] };
        found.calls += 1;
        if (found.examples.length < EXAMPLES) found.examples.push(callId);
        findings.set(`${rule} ${severity}`, found);
      }
    }
    return {
      calls: this.#calls.size,
      statuses,
      findings: [...findings.values()].sort((a, b) =>
        a.severity === b.severity ? b.calls - a.calls : a.severity === 'warn' ? -1 : 1,
      ),
      timelines,
      left_out: this.#leftOut.size,
    };
  }
}

function timelineOf({ callId, status, moments, findings }: CallStory): CallTimeline {
  return {
    call_id: callId,
    status,
    events: moments.map(({ event, eventId, timestampMs }) => ({
      event,
      event_id: eventId,
      timestamp: timestampMs === null ? null : formatTimestamp(timestampMs),
    })),
    findings: findings.filter(({ severity }) => severity === 'warn').map(({ text }) => text),
  };
}

/** What a finding means, as tables of them say it. */
export function findingLabel({ rule, severity }: Pick<CallFinding, 'rule' | 'severity'>): string {
  if (rule === 'no_end' && severity === 'info') return 'no end yet: under way, or its end is still to come';
  return FINDING_LABELS[rule];
}

const FINDING_LABELS: Record<CallFinding['rule'], string> = {
  connected_after_missed: 'connected after it was missed',
  after_end: 'an event after the call ended',
  no_end: 'no call_disconnected or call_missed',
  duration: 'duration_seconds does not fit its events',
  late_recording: 'the recording came late, or has yet to come',
  no_beginning: 'no call_initiated',
  arrival_order: 'its events arrived out of order',
};
