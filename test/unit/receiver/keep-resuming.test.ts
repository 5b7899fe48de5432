import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepResuming } from '../../../src/receiver/keep-resuming.ts';
import type { Resumed } from '../../../src/receiver/receiver.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What each look finds, and what came of it. */
function watched(...finds: (Resumed | Error)[]) {
  const told: string[] = [];
  let looks = 0;
  const resuming = keepResuming(
    async () => {
      const found = finds[Math.min(looks, finds.length - 1)] as Resumed | Error;
      looks += 1;
      if (found instanceof Error) throw found;
      return found;
    },
    {
      onResumed: (count) => told.push(`resumed ${count}`),
      onFailure: ({ message }) => told.push(message),
    },
  );
  return { resuming, told, looks: () => looks };
}

test('G20 looks at once, and again whenever there may be more', async () => {
  const { told, looks } = watched(
    { count: 2, lookAgainMs: 500 },
    { count: 0, lookAgainMs: 300 },
    { count: 1, lookAgainMs: 10_000 },
  );
  await vi.advanceTimersByTimeAsync(499);
  expect(looks()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(looks()).toBe(2);
  await vi.advanceTimersByTimeAsync(300);
  expect([looks(), told]).toEqual([3, ['resumed 2', 'resumed 1']]);
});

test('looks no more once it is stopped, or where there can be nothing', async () => {
  const { resuming, looks } = watched({ count: 0, lookAgainMs: 100 });
  await vi.advanceTimersByTimeAsync(50);
  await resuming.stop();
  const never = watched({ count: 0, lookAgainMs: null });
  await vi.advanceTimersByTimeAsync(1_000_000);
  expect([looks(), never.looks()]).toEqual([1, 1]);
});

test('stop waits for what is being handed on, and no look follows that', async () => {
  let end = (_: Resumed) => {};
  let looks = 0;
  const resume = () => {
    looks += 1;
    return new Promise<Resumed>((resolve) => {
      end = resolve;
    });
  };
  const told: number[] = [];
  const resuming = keepResuming(resume, { onResumed: (count) => told.push(count), onFailure: () => {} });
  let stopped = false;
  const stopping = resuming.stop().then(() => {
    stopped = true;
  });
  await vi.advanceTimersByTimeAsync(1000);
  expect(stopped).toBe(false);
  end({ count: 3, lookAgainMs: 10 });
  await stopping;
  await vi.advanceTimersByTimeAsync(1000);
  expect([looks, told]).toEqual([1, [3]]);
});

test('a look that fails is made again, and the same trouble is told once', async () => {
  const { told, looks } = watched(
    new Error('locked'),
    new Error('locked'),
    new Error('full'),
    { count: 0, lookAgainMs: 10 },
    new Error('full'),
  );
  await vi.advanceTimersByTimeAsync(30_010);
  expect([looks(), told]).toEqual([5, ['locked', 'full', 'full']]);
});
