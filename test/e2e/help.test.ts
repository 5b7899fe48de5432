import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { run } from '../../src/cli/main.ts';
import { VERSION } from '../../src/core/version.ts';
import { testIo } from '../helpers/test-io.ts';

async function call(args: string[], columns = 80) {
  const io = testIo({ columns, env: { MO_SECRET: 'a secret' } });
  const code = await run(args, io);
  return { code, out: io.out(), err: io.err() };
}

/** Every command that does something, by the words that call it, with the words that its flags are. */
async function leaves(): Promise<[string, Command][]> {
  const found: [string, Command][] = [];
  for (const entry of COMMANDS) {
    const command = new Command(entry.name).copyInheritedSettings(new Command());
    (await entry.load()).configure(command, () => {
      throw new Error('nothing is started here');
    });
    found.push(...leavesOf(entry.name, command));
  }
  return found;
}

/** A command that only leads to others has no flags of its own. */
function leavesOf(name: string, command: Command): [string, Command][] {
  const nested = command.commands.flatMap((one) => leavesOf(`${name} ${one.name()}`, one));
  return nested.length > 0 && command.options.length === 0 ? nested : [[name, command], ...nested];
}
const LEAVES = await leaves();

describe('--help', () => {
  test.each(LEAVES)('of %s explains every flag and ends with an example', async (name, command) => {
    const { code, out, err } = await call([...name.split(' '), '--help']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(new RegExp(`^Usage: mo-notify ${name}`));
    expect(out).toMatch(new RegExp(`\\nExamples?:\\n  .*mo-notify ${name}`));
    for (const option of command.options) {
      expect(out).toContain(option.flags);
      expect(option.description).toMatch(/\w{2}/);
    }
    for (const flag of ['--json', '--quiet', '--verbose', '--color'])
      expect(out, `${name} ${flag}`).toContain(flag);
  });

  test('of the program lists every command, how to start, and every exit code', async () => {
    const { code, out } = await call(['--help']);
    expect(code).toBe(0);
    for (const { summary } of COMMANDS) expect(out.replaceAll(/\s+/g, ' ')).toContain(summary);
    expect(out).toContain('send-test|trigger');
    expect(out).toContain('mo-notify demo');
    const codes = out.slice(out.indexOf('Exit codes:')).match(/^ {2}(\d+) +\S/gm) ?? [];
    expect(codes.map(Number.parseFloat)).toEqual([0, 1, 2, 3, 130]);
  });

  test('is what the bare program and the help command show', async () => {
    const { out } = await call(['--help']);
    expect(await call([])).toEqual({ code: 0, out, err: '' });
    expect(await call(['help'])).toEqual({ code: 0, out, err: '' });
    expect((await call(['help', 'report'])).out).toBe((await call(['report', '--help'])).out);
    expect((await call(['trigger', '--help'])).out).toBe((await call(['send-test', '--help'])).out);
  });

  test.each([60, 80, 120])('fits a terminal of %i columns', async (columns) => {
    const { out } = await call(['report', '--help'], columns);
    const flags = out.slice(out.indexOf('Options:'), out.indexOf('Examples:'));
    expect(Math.max(...flags.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns);
  });
});

test.each(['-V', '--version'])('%s prints the version alone', async (flag) => {
  expect(await call([flag])).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
});

describe('what is not known ends with 2, is repeated, and the nearest is suggested', () => {
  test.each<[string[], string, string | null]>([
    [['sned-test'], `'sned-test'`, 'send-test'],
    [['triger', '3000', '--json'], `'triger'`, 'trigger'],
    [['help', 'lisen'], `'lisen'`, 'listen'],
    [['xyzzyxyzzy'], `'xyzzyxyzzy'`, null],
    [['events', 'shwo'], `'shwo'`, 'show'],
    [['events', 'show', 'call_conected'], `'call_conected'`, 'call_connected'],
    [['--versoin'], `'--versoin'`, '--version'],
    [['report', '--treshold', 'x'], `'--treshold'`, '--threshold'],
    [['report', '--format', 'tabel'], `'tabel'`, 'table'],
    [['report', '--color', 'nevr'], `'nevr'`, 'never'],
    [['report', '-e', 'mised'], `'mised'`, 'call_missed'],
    [['send-test', '-e', 'disconected'], `'disconected'`, 'call_disconnected'],
    [['send-test', '--scenario', 'anwsered'], `'anwsered'`, 'answered'],
    [['send-test', '--fault', 'bad-signatur'], `'bad-signatur'`, 'bad-signature'],
    [['send-test', '--body-format', 'prety'], `'prety'`, 'pretty'],
    [['listen', '--ack', 'frist'], `'frist'`, 'first'],
    [['listen', '-e', 'connected,mised'], `'mised'`, 'call_missed'],
  ])('%j', async (args, repeated, nearest) => {
    const { code, out, err } = await call(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^mo-notify: /);
    expect(err).toContain(repeated);
    if (nearest === null) expect(err).not.toContain('Did you mean');
    else expect(err).toMatch(new RegExp(`Did you mean '?${nearest}'?\\?`));
    expect(err).not.toMatch(/^ {4}at /m);
  });

  test.each(LEAVES)('%s refuses a flag that it does not have', async (name, command) => {
    const required = command.options
      .filter(({ mandatory }) => mandatory)
      .flatMap(({ long }) => [long ?? '', 'x']);
    const { code, out, err } = await call([...name.split(' '), ...required, '--frobnicate']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(`'--frobnicate'`);
  });
});

describe('a bad value ends with 2, is repeated, and what is allowed is said', () => {
  test.each<[string[], string, RegExp]>([
    [['send-test', 'not a url'], `'not a url'`, /name .* a URL .* a port \(3000\)/],
    [['send-test', '0'], `'0'`, /1 to 65535/],
    [['send-test', '65536'], `'65536'`, /1 to 65535/],
    [['send-test', 'ftp://example.com/x'], `'ftp:'`, /https:/],
    [['send-test', '-n', '0'], `'0'`, /whole number from 1 up/],
    [['send-test', '-n', '1.5'], `'1.5'`, /whole number/],
    [['send-test', '--rate', 'fast'], `'fast'`, /200\/s/],
    [['send-test', '--speed', '0x'], `'0x'`, /1x, 10x or max/],
    [['send-test', '--timeout', '30'], `'30'`, /30s/],
    [['send-test', '--backoff', '1s,x'], `'x'`, /500ms|1s/],
    [['send-test', '--set', 'queue'], `'queue'`, /metadata\.queue=Support/],
    [['send-test', '--event-id', 'a\nb'], `'a\\nb'`, /printable/],
    [['send-test', '--threshold', 'p95<x'], `'x'`, /500ms/],
    [['send-test', '-H', 'X'], `'X'`, /X-Team: sales/],
    [['listen', '--port', '70000'], `'70000'`, /0 to 65535/],
    [['listen', '--path', 'notify'], `'notify'`, /\/notify/],
    [['listen', '--respond', '600'], `'600'`, /500,500,200/],
    [['listen', '--max-body', '1GB'], `'1GB'`, /256MiB/],
    [['listen', '--for', 'soon'], `'soon'`, /30s/],
    [['listen', '--invalid-status', '403'], `'403'`, /400, 401/],
    [['verify', '--body', 'x'], '--signature', /or --delivery/],
    [['sign'], '--body', /required/],
    [['init', 'extra'], 'init', /too many arguments/],
  ])('%j', async (args, repeated, allowed) => {
    const { code, out, err } = await call(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(repeated);
    expect(err).toMatch(allowed);
    expect(err).not.toMatch(/^ {4}at /m);
  });

  test('credentials in a target are refused and not repeated', async () => {
    const { code, err } = await call(['send-test', 'https://user:hunter2@example.com/']);
    expect(code).toBe(2);
    expect(err).toContain('example.com');
    expect(err).not.toContain('hunter2');
  });
});
