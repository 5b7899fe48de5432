import { expect, test } from 'vitest';
import { runClock } from '../../../src/cli/run-clock.ts';

test('G18 a run’s time goes on from the wall clock’s, and never back when that is set', () => {
  let wall = 1_000_000;
  const clock = runClock({ now: () => wall });
  const began = clock.now();
  expect(began).toBeGreaterThanOrEqual(1_000_000);
  wall -= 86_400_000;
  expect(clock.now()).toBeGreaterThanOrEqual(began);
});
