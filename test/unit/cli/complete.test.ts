import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, type Option } from 'commander';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { complete } from '../../../src/cli/complete.ts';
import { EVENT_TYPES } from '../../../src/core/event.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'mo-notify-test-'));

/** What is offered after a line; a blank at its end begins a new word. */
async function ask(line: string, cwd = folder()) {
  const { candidates, files } = await complete(line.split(' '), { cwd, env: {} }, COMMANDS);
  return { texts: candidates.map(({ text }) => text), candidates, files };
}

const offered = async (line: string, cwd?: string) => (await ask(line, cwd)).texts;

/** Every command that does something, by the words that call it. */
async function leaves(): Promise<[string, Command][]> {
  const found: [string, Command][] = [];
  for (const entry of COMMANDS) {
    const command = new Command(entry.name);
    (await entry.load()).configure(command, () => {
      throw new Error('nothing is started here');
    });
    const nested = command.commands.map((one): [string, Command] => [`${entry.name} ${one.name()}`, one]);
    found.push(...(nested.length > 0 ? nested : [[entry.name, command] as [string, Command]]));
  }
  return found;
}
const LEAVES = await leaves();
const FLAGS = LEAVES.flatMap(([name, { options }]) =>
  options.map((option) => [name, option.long as string, option] as [string, string, Option]),
);

describe('nothing needs to be said here of a new command', () => {
  test('every command and its alias are offered, and help', async () => {
    const names = COMMANDS.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]));
    expect(await offered('')).toEqual([...names, 'help']);
    expect(await offered('help ')).toEqual(names);
  });

  test('every subcommand', async () => {
    const words = LEAVES.map(([name]) => name.split(' ')).filter(([, sub]) => sub !== undefined);
    for (const [name, sub] of words) expect(await offered(`${name} `)).toContain(sub);
    expect(words.length).toBeGreaterThan(8);
  });

  test.each(LEAVES)('every flag of %s, with what it does', async (name, command) => {
    const { candidates } = await ask(`${name} --`);
    const shown = candidates.map(({ text, about }) => [text, about.length > 1]);
    const flags = command.options.map(({ long }) => [long, true]);
    expect(shown).toEqual([...flags, ['--help', true]]);
  });

  const choices = FLAGS.filter(([, , option]) => option.argChoices !== undefined);
  test.each(choices)('%s %s: its choices', async (name, long, option) => {
    expect(await offered(`${name} ${long} `)).toEqual(option.argChoices);
    expect(await offered(`${name} ${long}=`)).toEqual(option.argChoices?.map((one) => `${long}=${one}`));
    if (option.short) expect(await offered(`${name} ${option.short} `)).toEqual(option.argChoices);
  });

  const files = FLAGS.filter(([, long, { flags }]) => /<file>/.test(flags) || long.endsWith('-file'));
  test.each(files)('%s %s: files', async (name, long) => {
    expect(await ask(`${name} ${long} `)).toMatchObject({ texts: [], files: true });
    expect(await ask(`${name} ${long}=x`)).toMatchObject({ texts: [], files: true });
  });
});

describe('values', () => {
  test('event types, in full or short', async () => {
    const full = [...EVENT_TYPES];
    expect(await offered('send-test -e ')).toEqual(full);
    expect(await offered('trigger --event call_c')).toEqual(['call_connected']);
    expect(await offered('events show dis')).toEqual(['disconnected']);
    expect(await offered('endpoints add x https://x.example/ --event=mis')).toEqual(['--event=missed']);
  });

  test('a list of event types goes on after its comma', async () => {
    expect(await offered('listen --events connected,mi')).toEqual(['connected,missed']);
    expect(await offered('listen -e call_missed,call_t')).toEqual(['call_missed,call_transferred']);
  });

  test('scenarios, and shells', async () => {
    expect(await offered('send-test --scenario an')).toEqual(['answered']);
    expect(await offered('completion ')).toEqual(['bash', 'zsh', 'fish', 'powershell']);
  });

  test('files for a log to read, none where a URL, a path of one or nothing is wanted', async () => {
    expect(await ask('report ')).toMatchObject({ texts: [], files: true });
    for (const line of ['listen ', 'listen --path ', 'sign --body b --curl ', 'endpoints add '])
      expect((await ask(line)).files, line).toBe(false);
  });
});

describe('what stands before counts', () => {
  test.each([
    ['a flag’s value is none of a command', 'send-test --event-id report --sc', ['--scenario']],
    ['nor what looks like a flag in its place', 'send-test --event-id --fault --sc', ['--scenario']],
    ['a value glued to a short flag', 'send-test -n5 --sc', ['--scenario']],
    ['short flags in one', 'report -qv --str', ['--strict']],
    ['and their last one’s value', 'send-test -qe call_c', ['call_connected']],
    ['a flag that is given is not offered again', 'report --strict --str', []],
    ['unless it may be repeated', 'send-test --set a=b --set', ['--set']],
    ['flags of the program', '--ver', ['--version']],
    ['after -- nothing is a flag', 'events show -- --j', []],
    ['nor a subcommand', 'events -- sh', []],
    ['an unknown command has nothing', 'nonsense ', []],
    ['nor has what help is asked of', 'help nonsense ', []],
    ['an unknown flag is passed over', 'report --nonsense --str', ['--strict']],
    ['a full line has no more arguments', 'events show connected mis', []],
  ])('%s: %s', async (_, line, texts) => {
    expect(await offered(line)).toEqual(texts);
  });

  test('where nothing but flags can come, they are offered without a dash; short ones with one', async () => {
    expect(await offered('demo ')).toContain('--json');
    expect(await offered('demo ')).not.toContain('-q');
    expect(await offered('demo -')).toEqual(expect.arrayContaining(['--quiet', '-q']));
  });

  test('a variadic flag takes words until the next flag', async () => {
    expect(await offered('listen --allow-host a b --ack ')).toEqual(['app', 'first', 'relay']);
    expect(await offered('listen --allow-host a b --no-v')).toEqual(['--no-verify']);
  });
});

describe('endpoints', () => {
  function withConfig(text: string, name = 'mo-notify.config.json'): string {
    const cwd = folder();
    writeFileSync(join(cwd, name), text);
    return cwd;
  }
  const TWO = `{ // mine
    "endpoints": { "prod": { "url": "https://me:hunter2@prod.example/in?key=hunter3" }, "staging": { "url": "x" } },
  }`;

  test('their names are offered where one is wanted, with where they are and no secret', async () => {
    const cwd = withConfig(TWO);
    for (const line of [
      'send-test ',
      'listen ',
      'dashboard ',
      'replay --to ',
      'endpoints show ',
      'report --endpoint ',
    ])
      expect(await offered(line, cwd), line).toEqual(['prod', 'staging']);
    expect((await ask('send-test p', cwd)).candidates).toEqual([{ text: 'prod', about: 'prod.example/in' }]);
    for (const line of ['endpoints add ', 'endpoints show prod '])
      expect(await offered(line, cwd), line).not.toContain('prod');
  });

  test('from the config that the line names', async () => {
    const cwd = withConfig(TWO, 'other.json');
    expect(await offered('send-test ', cwd)).not.toContain('prod');
    expect(await offered('send-test --config other.json p', cwd)).toEqual(['prod']);
    expect(await offered('send-test --config=other.json p', cwd)).toEqual(['prod']);
    const { candidates } = await complete(
      ['send-test', '--config', '~/other.json', 'p'],
      {
        cwd: folder(),
        env: { HOME: cwd },
      },
      COMMANDS,
    );
    expect(candidates).toHaveLength(1);
  });

  test('from a config that is half written, too', async () => {
    expect(await offered('send-test ', withConfig('{"endpoints":{"prod":{"url":'))).toEqual(['prod']);
  });

  test.each(['', 'null', '[]', '{"endpoints":[1]}', '{"endpoints":"x"}', '\0\0', '{"endpoints":{"a":null}}'])(
    'a config of %j does no harm',
    async (text) => {
      expect((await offered('endpoints show ', withConfig(text))).filter((one) => one.length > 1)).toEqual(
        [],
      );
    },
  );

  test('a config that is a link, a folder or too large is let be', async () => {
    const real = join(withConfig(TWO, 'real.json'), 'real.json');
    const [link, directory] = [folder(), folder()];
    symlinkSync(real, join(link, 'mo-notify.config.json'));
    mkdirSync(join(directory, 'mo-notify.config.json'));
    const large = withConfig(`${TWO}${' '.repeat(1024 ** 2)}`);
    for (const cwd of [link, directory, large]) expect(await offered('endpoints show ', cwd)).toEqual([]);
  });

  test('a name or URL that a shell or a terminal would act on is never offered', async () => {
    const hostile = [
      '$(touch x)',
      '`touch x`',
      'a;b',
      'a b',
      'a\nb',
      'a\tb',
      "a'b",
      'a"b',
      '-rf',
      '../x',
      '\u001b]0;x\u0007',
      '\u202ex',
      'a|b',
      '!!',
      '~',
      '*',
    ];
    const endpoints = Object.fromEntries([
      ...hostile.map((name) => [name, { url: 'https://x.example/' }]),
      ['good', { url: 'https://x.example/\u202e\u001b[31m\tb?\u0007' }],
    ]);
    const { candidates } = await ask('send-test ', withConfig(JSON.stringify({ endpoints })));
    expect(candidates.map(({ text }) => text)).toEqual(['good']);
    expect(candidates[0]?.about).toMatch(/^[\x20-\x7e]+$/);
  });
});

describe('complete', () => {
  afterEach(() => vi.restoreAllMocks());

  test('loads the called command alone', async () => {
    const loads = COMMANDS.map((entry) => vi.spyOn(entry, 'load'));
    await offered('');
    expect(loads.filter((load) => load.mock.calls.length > 0)).toEqual([]);
    await offered('report --format ');
    expect(COMMANDS.filter((_, index) => loads[index]?.mock.calls.length)).toMatchObject([
      { name: 'report' },
    ]);
  });

  test('never rejects, makes no file, and offers only what begins as typed and no shell acts on', async () => {
    const cwd = folder();
    const word = fc.oneof(
      fc.constantFrom(
        ...COMMANDS.map(({ name }) => name),
        'list',
        'show',
        '--',
        '-',
        '--config',
        '-e',
        '--format=',
        '--store',
        '',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (words) => {
        const { candidates } = await complete(words, { cwd, env: {} }, COMMANDS);
        for (const { text, about } of candidates) {
          expect(text.startsWith(words.at(-1) ?? '')).toBe(true);
          expect(text).toMatch(/^[\w.,:/=@+-]+$/);
          expect(about).not.toMatch(/[\t\n]/);
        }
      }),
      { numRuns: 300 },
    );
    expect(readdirSync(cwd)).toEqual([]);
  });
});
