import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CommonOptions, createContext } from '../../../src/cli/context.ts';
import { startProgress, withProgress } from '../../../src/cli/progress.ts';
import { PLAIN } from '../../../src/cli/style.ts';
import { fakeTerminal } from '../../helpers/fake-terminal.ts';
import { testIo } from '../../helpers/test-io.ts';

const COLOUR = /\[\d+m/;
/** The spinner's shape depends on the terminal. */
const spinning = (line: string) => expect.stringMatching(new RegExp(`^\\S  ${line}$`));

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** What happens in so much time, ora's loading included. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  await vi.dynamicImportSettled();
}

function onTerminal({
  columns = 40,
  env = {},
  ...options
}: CommonOptions & { columns?: number; env?: Record<string, string> } = {}) {
  const terminal = fakeTerminal({ columns });
  const context = createContext(testIo({ terminal, env }), options, PLAIN);
  return { terminal, context };
}

describe('beside a spinner', () => {
  test('the line comes once the run has lasted a while, and goes with it', async () => {
    const { terminal, context } = onTerminal();
    const progress = await startProgress(context, () => 'sending');
    await pass(299);
    expect(terminal.sent()).toBe('');
    await pass(1);
    expect(terminal.screen()).toEqual([spinning('sending')]);
    expect(terminal.cursorShown()).toBe(false);
    progress.stop();
    expect(terminal.screen()).toEqual([]);
    expect(terminal.cursorShown()).toBe(true);
  });

  test('a run that is soon over draws nothing, nor later', async () => {
    const { terminal, context } = onTerminal();
    await withProgress(
      context,
      () => 'reading',
      async () => {},
    );
    await pass(10_000);
    expect(terminal.sent()).toBe('');
  });

  test('nor one that is over while ora is being loaded', async () => {
    const { terminal, context } = onTerminal();
    const progress = await startProgress(context, () => 'reading');
    vi.advanceTimersByTime(300);
    progress.stop();
    await pass(10_000);
    expect(terminal.sent()).toBe('');
  });

  test('where the run measures, ora is loaded before it', async () => {
    const { terminal, context } = onTerminal();
    const progress = await startProgress(context, () => 'sending', { measured: true });
    vi.advanceTimersByTime(300);
    // In the microtasks of that timer, with nothing left to be loaded.
    for (let i = 0; i < 5; i++) await null;
    expect(terminal.screen()).toEqual([spinning('sending')]);
    progress.stop();
  });

  test('work that fails takes its line with it', async () => {
    const { terminal, context } = onTerminal();
    const work = withProgress(
      context,
      () => 'reading',
      async () => {
        await pass(1000);
        expect(terminal.screen()).toHaveLength(1);
        throw new Error('gone');
      },
    );
    await expect(work).rejects.toThrow('gone');
    expect(terminal.screen()).toEqual([]);
    expect(terminal.cursorShown()).toBe(true);
    const { length } = terminal.sent();
    await pass(10_000);
    expect(terminal.sent()).toHaveLength(length);
  });

  test('it turns, and the line is asked again', async () => {
    const { terminal, context } = onTerminal();
    let done = 0;
    const progress = await startProgress(context, () => `${done} done`);
    await pass(300);
    const [before] = terminal.screen();
    done = 7;
    await pass(200);
    const [after] = terminal.screen();
    expect([before, after]).toEqual([spinning('0 done'), spinning('7 done')]);
    expect(after?.[0]).not.toBe(before?.[0]);
    progress.stop();
  });

  test('what is printed meanwhile stands above it', async () => {
    const { terminal, context } = onTerminal();
    const progress = await startProgress(context, () => 'sending');
    await pass(300);
    context.print('one');
    context.warn('two');
    expect(terminal.screen()).toEqual(['one', 'two', spinning('sending')]);
    progress.stop();
    context.print('three');
    expect(terminal.screen()).toEqual(['one', 'two', 'three']);
  });

  test('is cut to the width of the terminal, so that it can be taken away again', async () => {
    const { terminal, context } = onTerminal({ columns: 20, color: 'always' });
    const progress = await startProgress(context, ({ good }) => good('a line that is longer than twenty'));
    await pass(300 + 5 * 80);
    context.print('above');
    expect(terminal.screen()).toEqual(['above', spinning('a line that is l')]);
    progress.stop();
    expect(terminal.screen()).toEqual(['above']);
  });
});

test('a line that stands still is there at once, and is asked again every second', async () => {
  const { terminal, context } = onTerminal();
  let seconds = 0;
  const progress = await startProgress(context, () => `heard ${seconds} s ago`, { look: 'still' });
  expect(terminal.screen()).toEqual(['  heard 0 s ago']);
  seconds = 1;
  vi.advanceTimersByTime(999);
  expect(terminal.screen()).toEqual(['  heard 0 s ago']);
  vi.advanceTimersByTime(1);
  expect(terminal.screen()).toEqual(['  heard 1 s ago']);
  progress.stop();
  expect(terminal.screen()).toEqual([]);
});

test.each<[string, Parameters<typeof onTerminal>[0]]>([
  ['--quiet', { quiet: true }],
  ['--json', { json: true }],
  ['TERM=dumb', { env: { TERM: 'dumb' } }],
  ['a terminal that does not know its size', { columns: 0 }],
])('%s: nothing is drawn', async (_, options) => {
  const { terminal, context } = onTerminal(options);
  const progress = await startProgress(context, () => 'sending', { look: 'still' });
  vi.advanceTimersByTime(10_000);
  progress.stop();
  expect(terminal.sent()).toBe('');
});

test('without a terminal nothing is drawn', async () => {
  const io = testIo();
  const progress = await startProgress(createContext(io, {}, PLAIN), () => 'sending', { look: 'still' });
  vi.advanceTimersByTime(10_000);
  progress.stop();
  expect(io.err()).toBe('');
});

describe('its colours', () => {
  const sent = async (options: CommonOptions, env: Record<string, string> = {}) => {
    const { terminal, context } = onTerminal({ ...options, env });
    const progress = await startProgress(context, ({ bad }) => bad('lost'), { look: 'still' });
    progress.stop();
    expect(terminal.sent()).toContain('lost');
    return terminal.sent();
  };

  test('are there on a terminal', async () => {
    expect(await sent({})).toContain('\u001b[31mlost\u001b[39m');
  });

  test('are none with --color never or NO_COLOR', async () => {
    expect(await sent({ color: 'never' })).not.toMatch(COLOUR);
    expect(await sent({}, { NO_COLOR: '1' })).not.toMatch(COLOUR);
  });
});
