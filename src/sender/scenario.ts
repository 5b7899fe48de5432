import type { CallEvent, EventType } from '../core/event.ts';

/** One step of a call's life: an event, and how long after the call's start it happens, ms. */
export interface Step {
  type: EventType;
  afterMs: number;
  /** What differs from the sample event; `metadata` is merged. */
  changes?: Partial<CallEvent>;
}

export const SCENARIOS = [
  'answered',
  'missed',
  'transferred',
  'outbound',
  'recording-late',
  'campaign',
] as const;
export type Scenario = (typeof SCENARIOS)[number];

const ANSWERED: Step[] = [
  { type: 'call_initiated', afterMs: 0 },
  { type: 'call_connected', afterMs: 6_000 },
  { type: 'call_disconnected', afterMs: 48_000, changes: { duration_seconds: 42 } },
];
const MISSED: Step[] = [
  { type: 'call_initiated', afterMs: 0 },
  { type: 'call_missed', afterMs: 25_000 },
];
const TRANSFERRED: Step[] = [
  { type: 'call_initiated', afterMs: 0 },
  { type: 'call_connected', afterMs: 5_000 },
  { type: 'call_transferred', afterMs: 35_000, changes: { duration_seconds: 30 } },
  {
    type: 'call_disconnected',
    afterMs: 95_000,
    changes: { duration_seconds: 90, metadata: { queue: 'Support' } },
  },
];
const RECORDING_LATE: Step[] = [
  ...ANSWERED.slice(0, 2),
  {
    type: 'call_disconnected',
    afterMs: 48_000,
    changes: { duration_seconds: 42, metadata: { recording_url: null } },
  },
  { type: 'call_disconnected', afterMs: 108_000, changes: { duration_seconds: 42 } },
];

/** The steps of call number `index` of a scenario, with gaps as calls have them. A campaign mixes its calls. */
export function scenarioSteps(scenario: Scenario, index: number): Step[] {
  switch (scenario) {
    case 'answered':
      return ANSWERED;
    case 'missed':
      return MISSED;
    case 'transferred':
      return TRANSFERRED;
    case 'recording-late':
      return RECORDING_LATE;
    case 'outbound':
      return ANSWERED.map(outbound);
    case 'campaign':
      return (index % 3 === 2 ? MISSED : ANSWERED).map(outbound);
  }
}

function outbound(step: Step): Step {
  return { ...step, changes: { ...step.changes, direction: 'outbound' } };
}
