import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { openStore } from '../../src/store/open.ts';
import { fakeTerminal } from '../helpers/fake-terminal.ts';
import { newAttempt } from '../helpers/records.ts';
import { seedStore } from '../helpers/seed-store.ts';
import { testIo } from '../helpers/test-io.ts';

const attempts = [{ eventId: 'ev_a' }, { eventId: 'ev_b' }];

async function watching(args: string[] = [], terminal?: NodeJS.WriteStream) {
  const io = testIo(terminal === undefined ? {} : { terminal });
  const location = await seedStore(io.cwd, { attempts });
  const ended = run(['report', '--store', location, '--watch', '100ms', ...args], io);
  return { io, ended, location };
}

async function addAttempt(location: string, id: string): Promise<void> {
  const store = await openStore(location);
  await store.addAttempt(newAttempt({ id: `at_${id}`, eventId: id, status: 500, outcome: 'rejected' }), null);
  await store.close();
}

test('--watch says it again once there is something new, and ends at Ctrl-C', async () => {
  const { io, ended, location } = await watching(['--json']);
  await io.waitFor(/"attempts":2/);
  await addAttempt(location, 'ev_c');
  await io.waitFor(/"attempts":3/);
  io.interrupt();
  expect(await ended).toBe(130);
  const lines = io
    .out()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { totals: { attempts: number } });
  expect(lines.map(({ totals }) => totals.attempts)).toEqual([2, 3]);
});

test('--watch on a terminal draws each report in the place of the one before', async () => {
  const terminal = fakeTerminal({ columns: 100, rows: 60 });
  const { io, ended, location } = await watching(['--color', 'never'], terminal);
  await io.waitFor(/2 events, 2 attempts/);
  expect(terminal.screen().at(-1)).toBe('  read again every 100 ms, Ctrl-C ends it');
  await addAttempt(location, 'ev_c');
  await io.waitFor(/3 events, 3 attempts/);
  io.interrupt();
  await ended;
  const screen = terminal.screen();
  expect(screen[0]).toMatch(/^Report /);
  expect(screen[1]).toMatch(/^3 events, 3 attempts/);
  expect(screen.filter((line) => /^Report |again every/.test(line))).toHaveLength(1);
});

test.each([
  [['-o', 'report.html'], '--watch writes to the terminal'],
  [['-'], '--watch writes to the terminal'],
])('--watch with %j is refused', async (args, says) => {
  const io = testIo();
  expect(await run(['report', ...args, '--watch'], io)).toBe(2);
  expect(io.err()).toContain(says);
});
