import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { run } from '../../src/cli/main.ts';
import { SHELLS } from '../../src/cli/shells.ts';
import { BIN, type Running, spawnCli, start, startOnTerminal, tempFolder } from '../helpers/spawn-cli.ts';
import { testIo } from '../helpers/test-io.ts';

async function call(args: string[], env: Record<string, string> = {}) {
  const io = testIo({ env });
  const code = await run(['completion', ...args], io);
  return { code, out: io.out(), err: io.err(), made: readdirSync(io.cwd) };
}

const isThere = (shell: string) => spawnSync(shell, ['--version']).status === 0;
/** CI installs bash and zsh, and must not pass without having tried them. */
const isSkipped = (shell: string) => !isThere(shell) && !(process.env.CI && shell !== 'fish');
const titleOf = (shell: string) => `${shell}${isThere(shell) ? '' : ' (NOT INSTALLED)'}`;

describe('completion', () => {
  test.each(SHELLS)('prints a script for %s that calls back', async (shell) => {
    const { code, out, err } = await call([shell]);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('mo-notify completion __complete');
    expect(out).not.toContain('eval');
    expect(JSON.parse((await call([shell, '--json'])).out)).toEqual({ shell, script: out });
  });

  test.each([
    ['/usr/bin/zsh', 'zsh'],
    ['C:\\tools\\pwsh', null],
    ['/opt/pwsh.exe', 'powershell'],
    ['/bin/tcsh', null],
  ])('without a name it goes by SHELL: %s', async (SHELL, shell) => {
    const { code, out, err } = await call([], { SHELL });
    if (shell === null)
      expect([code, err]).toEqual([2, expect.stringContaining('bash, zsh, fish, powershell')]);
    else expect(out).toBe((await call([shell])).out);
  });

  test('another shell, or more than one, is a usage error', async () => {
    expect(await call(['bsh'])).toMatchObject({
      code: 2,
      err: expect.stringContaining("Did you mean 'bash'?"),
    });
    expect(await call(['bash', 'zsh'])).toMatchObject({ code: 2, err: expect.stringContaining("'zsh'") });
  });

  test('how scripts ask is not in --help', async () => {
    expect((await call(['--help'])).out).not.toContain('__complete');
  });

  test.each([
    [['_']],
    [[]],
    [['_nonsense', '_']],
    [['_send-test', '_--config', '_/', '_']],
    [['send-test']],
    [['_\u001b']],
  ])('asked %j it makes no file, and no error', async (words) => {
    expect(await call(['__complete', ...words])).toMatchObject({ code: 0, err: '', made: [] });
  });

  test('the program itself answers, a candidate a line', async () => {
    const ask = ['completion', '__complete', '_report', '_--format', '_j'];
    expect(await spawnCli(ask)).toEqual({ code: 0, out: 'json\njunit\n', err: '' });
    expect((await spawnCli([...ask.slice(0, 3), '_--strict', '_--output=x'])).out).toBe(':files\n');
    expect((await spawnCli([...ask.slice(0, 3), '_--str'])).out).toBe(
      '--strict\tonly strong evidence passes\n',
    );
  });
});

// What an installation does: mo-notify on the path, and a project to stand in.
let project: string;
let env: Record<string, string>;
const script = (shell: string) => join(project, `.script.${shell}`);

beforeAll(async () => {
  project = tempFolder();
  const bin = join(project, '.bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'mo-notify'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
  chmodSync(join(bin, 'mo-notify'), 0o755);
  for (const shell of SHELLS) writeFileSync(script(shell), (await spawnCli(['completion', shell])).out);
  const endpoint = { url: 'https://prod.example/hook', secret: 'env:A' };
  writeFileSync(
    join(project, 'mo-notify.config.json'),
    JSON.stringify({ endpoints: { production: endpoint, staging: endpoint } }),
  );
  writeFileSync(join(project, 'an event.json'), '{}');
  writeFileSync(join(project, '.zshrc'), `autoload -Uz compinit; compinit -D -u; . ${script('zsh')}`);
  env = { PATH: `${bin}:${process.env.PATH}`, HOME: project, ZDOTDIR: project };
});

const INTERACTIVE: Record<string, (prompt: string) => string> = {
  bash: (prompt) => `PS1='${prompt}' bash --norc --noprofile -i`,
  zsh: (prompt) => `PS1='${prompt}' zsh -i -o no_global_rcs`,
  fish: (prompt) =>
    `fish --no-config -i -C 'function fish_prompt; echo -n "${prompt}"; end; source ${script('fish')}'`,
};

describe.each(['bash', 'zsh', 'fish'])('%s', (shell) => {
  test.skipIf(isSkipped(shell))(`${titleOf(shell)}: the script is well-formed`, async () => {
    expect(await start(shell, ['-n', script(shell)], { env }).ended).toEqual({ code: 0, out: '', err: '' });
  });

  describe.skipIf(isSkipped(shell) || process.platform !== 'linux')(`${titleOf(shell)}: Tab`, () => {
    /** An interactive shell on a terminal; what is typed is what fingers would, and the screen is what it answers. */
    async function open(): Promise<Running & { type: (keys: string) => void; end: () => Promise<string> }> {
      const command = (INTERACTIVE[shell] as (typeof INTERACTIVE)[string])('ready> ');
      const running = startOnTerminal(`cd '${project}'; ${command}`, { env, columns: 160 });
      const type = (keys: string) => running.child.stdin?.write(keys);
      await running.waitFor(/ready> /);
      if (shell === 'bash') type(`. ${script(shell)}\n`);
      // A shell that has just shown its first prompt may not have taken over the keyboard yet.
      type("echo 'at' your service\n");
      await running.waitFor(/^at your service[\s\S]*ready> /m);
      return {
        ...running,
        type,
        end: async () => {
          // Ctrl-U empties the line; Ctrl-C would throw away what comes right behind it.
          type('\u0015exit\n');
          return (await running.ended).out;
        },
      };
    }

    test('completes commands, subcommands, values and names into a line that runs', async () => {
      const { type, waitFor, end } = await open();
      type('mo-notify ev\tsh\tcall_disc\t\n');
      await waitFor(/"event": "call_disconnected"[\s\S]*ready> /);
      type('mo-notify endpoints sh\tprod\t--js\t\n');
      await waitFor(/"name":"production"[\s\S]*ready> /);
      type('mo-notify events list --color=ne\t\n');
      await waitFor(/call_missed +\S[\s\S]*ready> /);
      expect(await end()).not.toContain('Did you mean');
    });
  });
});
