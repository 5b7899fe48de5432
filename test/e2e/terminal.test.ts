import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { fakeTerminal } from '../helpers/fake-terminal.ts';
import { SEEDED_AT, seedStore } from '../helpers/seed-store.ts';
import { bash, onTerminal, spawnCli, startOnTerminal, tempFolder } from '../helpers/spawn-cli.ts';
import { startListen } from '../helpers/test-io.ts';

const env = { MO_SECRET: 'a secret' };
const STACK = /^ {4}at |node:internal|Unhandled/m;
const ESCAPE = '\u001b';
const CTRL_C = '\u0003';

/** What a terminal shows in the end of what it got. */
function onScreen(sent: string) {
  const terminal = fakeTerminal();
  terminal.write(sent);
  return { screen: terminal.screen(), cursorShown: terminal.cursorShown() };
}

describe.skipIf(process.platform !== 'linux')('F5 where stdout is', () => {
  test('a pipe whose reader goes away, every command ends quietly with 0', async () => {
    const { out, err } = await bash(
      `for args in '--help' 'events list' 'events schema' 'send-test 9 --dry-run' 'demo --json'; do
         mo $args 2>>err.txt | head -1 >/dev/null; echo "$args: \${PIPESTATUS[*]}"
       done; cat err.txt >&2`,
      { env },
    );
    expect(out.trim().split('\n')).toEqual([
      '--help: 0 0',
      'events list: 0 0',
      'events schema: 0 0',
      'send-test 9 --dry-run: 0 0',
      'demo --json: 0 0',
    ]);
    expect(err).not.toMatch(STACK);
    expect(err).not.toMatch(/EPIPE|cannot be written/);
  });

  test('a pipe whose reader goes away, a receiver ends with 0 instead of going on unseen', async () => {
    const { out, err } = await bash(
      `mo listen --port 0 --no-dashboard --json | {
         read -r ready; exec 0<&-
         mo send-test "$(grep -o 'http://[^"]*' <<<"$ready")" -n 3 --quiet --no-record --retries 0
       }; echo "\${PIPESTATUS[0]}"`,
      { env },
    );
    expect(out.trim().split('\n').at(-1)).toBe('0');
    expect(err).toBe('');
  });

  test('a pipe whose reader goes away, a sender stops sending', async () => {
    const listen = await startListen([], { env });
    const { out, err } = await bash(
      `mo send-test ${listen.port} --duration 60s --json --no-record | head -1 >/dev/null; echo "\${PIPESTATUS[*]}"`,
      { env },
    );
    await listen.stop();
    expect(out).toBe('0 0\n');
    expect(err).toBe('');
  });

  test('full, every command ends with 3 and one line that says so', async () => {
    const { out, err } = await bash(
      `for args in '--help' '--version' 'events list' 'report --json --store sqlite::memory:' 'send-test 9 --dry-run -q'; do
         mo $args > /dev/full; echo "$?"
       done`,
      { env },
    );
    expect(out.trim().split('\n')).toEqual(['3', '3', '3', '3', '3']);
    expect(err.match(/^mo-notify: Standard output cannot be written: ENOSPC.*$/gm)).toHaveLength(5);
    expect(err).not.toMatch(STACK);
  });

  test('full or gone, what reads the log ends just so', async () => {
    const cwd = tempFolder();
    const store = await seedStore(cwd, { attempts: Array.from({ length: 200 }, () => ({})) });
    const commands = ['logs list', 'logs export', 'logs tail', 'support-bundle', 'report --format html'];
    const { out, err } = await bash(
      `${commands
        .map(
          (command) => `mo ${command} --quiet --store ${store} > /dev/full; echo "$?"
            mo ${command} --quiet --store ${store} 2>>head.txt | head -1 >/dev/null; echo "\${PIPESTATUS[0]}"`,
        )
        .join('\n')}; cat head.txt`,
      { env, cwd },
    );
    expect(out.trim().split('\n')).toEqual(commands.flatMap(() => ['3', '0']));
    expect(err.match(/^mo-notify: Standard output cannot be written: ENOSPC.*$/gm)).toHaveLength(
      commands.length,
    );
    expect(err).not.toMatch(STACK);
  });

  test('fine but the report’s file is full, it ends with 3', async () => {
    const { code, err } = await spawnCli(['report', '--store', 'sqlite::memory:', '-o', '/dev/full']);
    expect(code).toBe(3);
    expect(err).toMatch(/^mo-notify: --output: \/dev\/full cannot be written \(ENOSPC\)/m);
    expect(err).not.toMatch(STACK);
  });

  test('closed, or another stream is, nothing hangs and nothing is thrown', async () => {
    const { out, err } = await bash(
      `mo events list >&-; echo "$?"
       mo events list 2>&- | wc -l
       mo events list <&- | wc -l
       mo report --store sqlite::memory: 2>/dev/full >/dev/null; echo "$?"
       mo nonsense 2>/dev/full; echo "$?"
       mo listen --port 0 --for 10ms --quiet >&- 2>&- <&-; echo "$?"`,
      { env },
    );
    expect(out.trim().split('\n')).toEqual(['0', '5', '5', '0', '2', '0']);
    expect(err).not.toMatch(STACK);
  });
});

describe('F5 without a terminal nothing is coloured, drawn or asked', () => {
  test.each<[string, string[]]>([
    ['events list', ['events', 'list']],
    ['a failing send-test', ['send-test', '1', '-n', '30', '--retries', '0', '--no-record']],
    ['report', ['report', '--store', 'sqlite::memory:']],
    ['listen', ['listen', '--port', '0', '--for', '10ms', '--store', 'sqlite::memory:']],
  ])('%s', async (_, args) => {
    const { out, err } = await spawnCli(args, { env });
    expect(out).not.toBe('');
    expect(out + err).not.toContain(ESCAPE);
    expect(out + err).not.toContain('\r');
    expect(err).not.toMatch(STACK);
  });

  test('unless FORCE_COLOR or --color asks for it', async () => {
    expect((await spawnCli(['events', 'list'], { env: { FORCE_COLOR: '1' } })).out).toContain(ESCAPE);
    expect((await spawnCli(['events', 'list', '--color', 'always'])).out).toContain(ESCAPE);
  });
});

describe.skipIf(process.platform !== 'linux')('F5 on a terminal', () => {
  test('there is colour; none with NO_COLOR, TERM=dumb or --color never', async () => {
    const { out } = await onTerminal(
      `mo events list | cat; echo =; mo events list; echo =; NO_COLOR=1 mo events list; echo =; TERM=dumb mo events list; echo =; mo events list --color never`,
    );
    const parts = out.split('=\r\n').map((part) => part.includes(ESCAPE));
    expect(parts).toEqual([false, true, false, false, false]);
  });

  test('TERM=dumb gets no spinner, no bar and no cursor movement', async () => {
    const { out } = await onTerminal('mo demo; mo send-test 1 --duration 600ms --retries 0 --no-record', {
      env: { ...env, TERM: 'dumb' },
    });
    expect(out).toContain('Everything went as it should.');
    expect(out).toMatch(/^0 of \d+ delivered/m);
    expect(out).not.toContain(ESCAPE);
    expect(out.replaceAll('\r\n', '')).not.toContain('\r');
  });

  test('Ctrl-C ends a run, takes its progress line away without colouring it, and brings the cursor back', async () => {
    const running = startOnTerminal(
      'mo send-test 1 --duration 60s --retries 0 --no-record --color never; echo "ended with $?"',
      { env },
    );
    await running.waitFor(/\d+ failed/);
    running.child.stdin?.write(CTRL_C);
    await running.waitFor(/ended with 130/);
    running.child.stdin?.end();
    const { out } = await running.ended;
    expect(out).not.toMatch(/\[[\d;]+m/);
    const { screen, cursorShown } = onScreen(out);
    expect(screen.filter((line) => / done {2}\d/.test(line))).toEqual([]);
    expect(screen.at(-1)).toBe('ended with 130');
    expect(cursorShown).toBe(true);
  });

  test('a second Ctrl-C ends it at once, and brings the cursor back', async () => {
    const silent = createServer(() => {});
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    const running = startOnTerminal(`mo send-test ${port} -n 100 --no-record; echo "ended with $?"`, { env });
    await running.waitFor(/0 done/);
    running.child.stdin?.write(CTRL_C);
    await running.waitFor(/Ctrl-C again stops at once/);
    running.child.stdin?.write(CTRL_C);
    await running.waitFor(/ended with 130/);
    running.child.stdin?.end();
    expect(onScreen((await running.ended).out).cursorShown).toBe(true);
    silent.closeAllConnections();
    silent.close();
  });

  test('whose size is not known, a run ends and nothing is drawn', async () => {
    const { out } = await onTerminal('mo demo', { columns: 0 });
    expect(out).toContain('Everything went as it should.');
    expect(out).not.toContain('sending');
  });

  test('of 40 columns the report is a list that fits', async () => {
    const cwd = tempFolder();
    const store = await seedStore(cwd, { attempts: [{}], receipts: [{ receivedAt: SEEDED_AT }] });
    const { out } = await onTerminal(`mo report --store ${store} --color never`, { cwd, columns: 40 });
    const rows = out.split('\r\n').slice(2);
    expect(rows).toContain('Success rate (attempts)');
    expect(rows).toContain('  Observed: 100 %');
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(40);
  });
});
