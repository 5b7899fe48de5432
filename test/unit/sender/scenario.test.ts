import { describe, expect, test } from 'vitest';
import { callStatus } from '../../../src/core/call.ts';
import { SCENARIOS, type Scenario, scenarioSteps } from '../../../src/sender/scenario.ts';

const types = (scenario: Scenario, index = 0) => scenarioSteps(scenario, index).map((step) => step.type);

test.each<[Scenario, string[]]>([
  ['answered', ['call_initiated', 'call_connected', 'call_disconnected']],
  ['missed', ['call_initiated', 'call_missed']],
  ['transferred', ['call_initiated', 'call_connected', 'call_transferred', 'call_disconnected']],
  ['outbound', ['call_initiated', 'call_connected', 'call_disconnected']],
  ['recording-late', ['call_initiated', 'call_connected', 'call_disconnected', 'call_disconnected']],
])('%s is a call’s life', (scenario, expected) => {
  expect(types(scenario)).toEqual(expected);
});

describe.each(SCENARIOS)('%s', (scenario) => {
  test.each([0, 1, 2])('call %d starts at 0, its steps follow in time, and it ends', (index) => {
    const steps = scenarioSteps(scenario, index);
    const times = steps.map((step) => step.afterMs);
    expect(times[0]).toBe(0);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    const life = steps.map(({ type, afterMs }, arrival) => ({ event: type, timestampMs: afterMs, arrival }));
    expect(['Disconnected', 'Missed']).toContain(callStatus(life));
  });

  test('a duration fits between the answer and the end', () => {
    const steps = scenarioSteps(scenario, 0);
    const answered = steps.find((step) => step.type === 'call_connected')?.afterMs ?? 0;
    const ended = steps.find((step) => step.type === 'call_disconnected');
    const seconds = ended?.changes?.duration_seconds ?? 0;
    expect(answered + seconds * 1000).toBeLessThanOrEqual(ended?.afterMs ?? Number.POSITIVE_INFINITY);
  });
});

test('a late recording is null when the call ends, and there a minute later', () => {
  const [first, second] = scenarioSteps('recording-late', 0).slice(2);
  expect(first?.changes?.metadata).toEqual({ recording_url: null });
  expect(second?.changes?.metadata).toBeUndefined();
  expect((second?.afterMs ?? 0) - (first?.afterMs ?? 0)).toBe(60_000);
});

test('outbound calls and campaigns say so on every step', () => {
  for (const scenario of ['outbound', 'campaign'] as const)
    for (let index = 0; index < 3; index++)
      for (const step of scenarioSteps(scenario, index)) expect(step.changes?.direction).toBe('outbound');
});

test('a campaign mixes its calls: two answered, one missed', () => {
  expect([0, 1, 2, 3, 4, 5].map((index) => types('campaign', index).at(-1))).toEqual([
    'call_disconnected',
    'call_disconnected',
    'call_missed',
    'call_disconnected',
    'call_disconnected',
    'call_missed',
  ]);
});
