import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FeedLink, type LinkState } from '../../../../src/dashboard/app/feed-link.ts';
import { ShownReporter } from '../../../../src/dashboard/app/shown-reporter.ts';

const DAY = 86_400_000;

/** As much of a browser as the page's clockwork needs. */
class FakeSource extends EventTarget {
  static latest: FakeSource;
  close = () => {};

  constructor() {
    super();
    FakeSource.latest = this;
  }
}

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  });
  vi.stubGlobal('EventSource', FakeSource);
  vi.stubGlobal('addEventListener', () => {});
  vi.stubGlobal('document', { addEventListener: () => {}, visibilityState: 'visible' });
  vi.stubGlobal('fetch', () => new Promise(() => {}));
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** A link that is live, and how it stands. */
function liveLink() {
  const states: LinkState['name'][] = [];
  const link = new FeedLink({
    snapshot: () => {},
    changes: () => {},
    heartbeat: () => {},
    state: ({ name }) => states.push(name),
  });
  link.start();
  FakeSource.latest.dispatchEvent(new Event('open'));
  return states;
}

test.each([
  ['is left alone', 0],
  ['is set back by a day (G18)', -DAY],
])('a server that says nothing for 12 s is lost where the clock %s', (_, ms) => {
  const states = liveLink();
  vi.setSystemTime(Date.now() + ms);
  vi.advanceTimersByTime(11_000);
  expect(states.at(-1)).toBe('live');
  vi.advanceTimersByTime(2000);
  expect(states.at(-1)).toBe('lost');
});

test('so is one after a night of sleep, in which only the one clock went on', () => {
  const states = liveLink();
  vi.setSystemTime(Date.now() + DAY / 3);
  vi.advanceTimersByTime(1000);
  expect(states.at(-1)).toBe('lost');
});

test('G18 what is shown after the clock was set back is reported', () => {
  const reported: string[] = [];
  vi.stubGlobal('fetch', (_: string, { body }: { body: string }) => {
    reported.push(body);
    return new Promise(() => {});
  });
  vi.stubGlobal('requestAnimationFrame', (paint: () => void) => paint());
  vi.stubGlobal(
    'MessageChannel',
    class {
      port1 = { onmessage: () => {}, close: () => {} };
      port2 = { postMessage: () => this.port1.onmessage() };
    },
  );
  const reporter = new ShownReporter(() => Date.now());
  reporter.beginAnew();
  reporter.add(1, Date.now() - 1);
  vi.setSystemTime(Date.now() - DAY);
  reporter.add(2, Date.now());
  vi.setSystemTime(Date.now() + 5);
  reporter.add(3, Date.now());
  reporter.shown([1, 2, 3]);
  vi.advanceTimersByTime(1000);
  const seqs = reported.flatMap((body) =>
    (JSON.parse(body) as { shown: [number, number][] }).shown.map(([seq]) => seq),
  );
  expect(seqs).toEqual([2, 3]);
});
