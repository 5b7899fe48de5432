import { type CallStatus, callStatus, compareLife, type LifeEvent } from './call.ts';
import { formatDuration } from './time.ts';

/** One event of a call, as it was sent or received. */
export interface CallMoment extends LifeEvent {
  eventId: string | null;
  /** When the record of it was made, ms since the epoch. */
  recordedAt: number;
  /** What its body says; null where that is not on record. */
  data: { duration?: number; queue?: string; recorded: boolean } | null;
}

/** A call's life as its events tell it, and what in it does not fit. */
export interface CallStory<Moment extends CallMoment = CallMoment> {
  callId: string;
  status: CallStatus | null;
  /** In order of life, each event once. */
  moments: Moment[];
  findings: CallFinding[];
}

export interface CallFinding {
  rule:
    | 'after_end'
    | 'connected_after_missed'
    | 'no_end'
    | 'duration'
    | 'late_recording'
    | 'no_beginning'
    | 'arrival_order';
  severity: 'warn' | 'info';
  text: string;
}

/** After so long a call without an end is one whose end was lost rather than one under way. */
export const LONGEST_CALL_MS = 4 * 3_600_000;
/** What a duration may differ from the time between its events: they carry whole seconds, and ringing counts in some. */
const DURATION_SLACK_S = 5;
const LATE_RECORDING_MS = 60_000;

/** Tells the story of one call. `moments` in order of arrival; `now` is ms since the epoch. */
export function tellCall<Moment extends CallMoment>(
  callId: string,
  moments: readonly Moment[],
  now: number,
): CallStory<Moment> {
  const seen = new Set<string>();
  const once = moments.filter(({ eventId, event, timestampMs }) => {
    // Under one id there may be two events: a conflict, which is taken for new (contract §2).
    const key = `${eventId} ${event} ${timestampMs}`;
    return !seen.has(key) && seen.add(key);
  });
  const ordered = [...once].sort(compareLife);
  const status = callStatus(once);
  const findings = [
    ...checkOrder(ordered),
    ...checkEnd(ordered, status, now),
    ...checkDuration(ordered),
    ...checkRecording(ordered),
    ...checkArrival(once, ordered),
  ];
  return { callId, status, moments: ordered, findings };
}

function checkOrder(moments: readonly CallMoment[]): CallFinding[] {
  const findings: CallFinding[] = [];
  const missed = moments.findIndex(({ event }) => event === 'call_missed');
  const connected = moments.find(({ event }, i) => missed >= 0 && i > missed && event === 'call_connected');
  if (connected !== undefined) {
    findings.push({
      rule: 'connected_after_missed',
      severity: 'warn',
      text: `connected ${after(moments[missed], connected)} after it was missed`,
    });
  }
  const ended = moments.findIndex(({ event }) => event === 'call_disconnected');
  const late = moments.filter(({ event }, i) => ended >= 0 && i > ended && event !== 'call_disconnected');
  for (const moment of late) {
    findings.push({
      rule: 'after_end',
      severity: 'warn',
      text: `${moment.event} ${after(moments[ended], moment)} after the call ended`,
    });
  }
  const first = moments[0];
  if (first !== undefined && first.event !== 'call_initiated') {
    findings.push({
      rule: 'no_beginning',
      severity: 'info',
      text: `begins with ${first.event}: its call_initiated is not on record`,
    });
  }
  return findings;
}

function checkEnd(moments: readonly CallMoment[], status: CallStatus | null, now: number): CallFinding[] {
  if (status === null || status === 'Disconnected' || status === 'Missed') return [];
  const last = moments.at(-1)?.timestampMs ?? null;
  if (last === null) return [];
  const silent = now - last;
  return [
    {
      rule: 'no_end',
      severity: silent > LONGEST_CALL_MS ? 'warn' : 'info',
      text: `no call_disconnected or call_missed, ${formatDuration(silent)} after its last event`,
    },
  ];
}

/** `duration_seconds` of the end counts from the answer, or from the ring. */
function checkDuration(moments: readonly CallMoment[]): CallFinding[] {
  const end = moments.findLast(({ event }) => event === 'call_disconnected');
  const said = end?.data?.duration;
  const answered = moments.find(({ event }) => event === 'call_connected')?.timestampMs;
  if (end === undefined || end.timestampMs === null || typeof said !== 'number') return [];
  const from = [answered, moments[0]?.timestampMs].filter(
    (ms): ms is number => ms !== null && ms !== undefined,
  );
  const ends = moments
    .filter(({ event }) => event === 'call_disconnected')
    .map(({ timestampMs }) => timestampMs);
  const spans = from.flatMap((start) => ends.map((ms) => ((ms ?? start) - start) / 1000));
  if (
    answered === undefined ||
    answered === null ||
    spans.some((s) => Math.abs(s - said) <= DURATION_SLACK_S)
  )
    return [];
  return [
    {
      rule: 'duration',
      severity: 'warn',
      text: `duration_seconds is ${said}, while its events are ${Math.round(spans[0] as number)} s apart`,
    },
  ];
}

function checkRecording(moments: readonly CallMoment[]): CallFinding[] {
  const end = moments.find(({ event }) => event === 'call_disconnected');
  if (end === undefined) return [];
  const recorded = moments.find(({ data }) => data?.recorded === true);
  if (recorded === undefined) {
    return [{ rule: 'late_recording', severity: 'info', text: 'no recording_url yet' }];
  }
  const late = (recorded.timestampMs ?? 0) - (end.timestampMs ?? 0);
  if (recorded === end || late <= LATE_RECORDING_MS) return [];
  return [
    {
      rule: 'late_recording',
      severity: 'info',
      text: `its recording came ${formatDuration(late)} after its end`,
    },
  ];
}

function checkArrival(arrived: readonly CallMoment[], ordered: readonly CallMoment[]): CallFinding[] {
  if (arrived.every((moment, i) => moment === ordered[i])) return [];
  const order = arrived.map(({ event }) => event.replace(/^call_/, '')).join(', ');
  return [{ rule: 'arrival_order', severity: 'info', text: `arrived as ${order}` }];
}

function after(before: CallMoment | undefined, moment: CallMoment): string {
  return formatDuration((moment.timestampMs ?? 0) - (before?.timestampMs ?? 0));
}
