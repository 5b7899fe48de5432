import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepRenewed, type Lease } from '../../../src/store/sqlite-lease.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A lease of which the renewals are counted; something is under way as `state` says. */
function renewed() {
  const lease = { renewMs: 1000, whenHeld: () => {} } as Lease;
  const state = { underWay: true, renewals: 0, failing: false, during: () => {} };
  const stop = keepRenewed(lease, async () => {
    state.renewals += 1;
    if (state.failing) throw new Error('locked');
    state.during();
    return state.underWay;
  });
  return { lease, state, stop };
}

test('G20 a lease is renewed while anything is under way, and from the next one on again', async () => {
  const { lease, state } = renewed();
  await vi.advanceTimersByTimeAsync(5000);
  expect(state.renewals).toBe(0);
  lease.whenHeld();
  lease.whenHeld();
  await vi.advanceTimersByTimeAsync(3000);
  expect(state.renewals).toBe(3);
  state.underWay = false;
  await vi.advanceTimersByTimeAsync(5000);
  expect(state.renewals).toBe(4);
  state.underWay = true;
  lease.whenHeld();
  await vi.advanceTimersByTimeAsync(2000);
  expect(state.renewals).toBe(6);
});

test('G20 a forward that begins in the very transaction that finds none under way is not forgotten', async () => {
  const { lease, state } = renewed();
  state.underWay = false;
  state.during = () => {
    state.during = () => {};
    lease.whenHeld();
  };
  lease.whenHeld();
  await vi.advanceTimersByTimeAsync(2000);
  expect(state.renewals).toBe(2);
});

test('G20 a renewal that fails is tried again; none follows the end', async () => {
  const { lease, state, stop } = renewed();
  state.failing = true;
  lease.whenHeld();
  await vi.advanceTimersByTimeAsync(2000);
  expect(state.renewals).toBe(2);
  stop();
  lease.whenHeld();
  await vi.advanceTimersByTimeAsync(5000);
  expect(state.renewals).toBe(2);
});
