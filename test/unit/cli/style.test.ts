import { describe, expect, test } from 'vitest';
import { type ColorChoice, loadStyle, PLAIN } from '../../../src/cli/style.ts';
import { fakeTerminal } from '../../helpers/fake-terminal.ts';
import { testIo } from '../../helpers/test-io.ts';

interface Asked {
  color?: ColorChoice;
  env?: Record<string, string>;
  isTTY?: boolean;
}

function load({ color, env = {}, isTTY = true }: Asked) {
  const { stdout } = testIo(isTTY ? { terminal: fakeTerminal() } : {});
  return loadStyle(stdout, color, env);
}

test.each<[string, Asked, boolean]>([
  ['on a terminal', {}, true],
  ['in a pipe', { isTTY: false }, false],
  ['with TERM=dumb', { env: { TERM: 'dumb' } }, false],
  ['with NO_COLOR', { env: { NO_COLOR: '1' } }, false],
  ['with an empty NO_COLOR', { env: { NO_COLOR: '' } }, true],
  ['with FORCE_COLOR in a pipe', { env: { FORCE_COLOR: '1' }, isTTY: false }, true],
  ['with FORCE_COLOR=0 in a pipe', { env: { FORCE_COLOR: '0' }, isTTY: false }, false],
  ['with an empty FORCE_COLOR in a pipe', { env: { FORCE_COLOR: '' }, isTTY: false }, false],
  ['with FORCE_COLOR and NO_COLOR', { env: { FORCE_COLOR: '1', NO_COLOR: '1' } }, true],
  ['with --color auto', { color: 'auto' }, true],
  ['with --color auto in a pipe', { color: 'auto', isTTY: false }, false],
  ['with --color always in a pipe', { color: 'always', isTTY: false }, true],
  ['with --color always and NO_COLOR', { color: 'always', env: { NO_COLOR: '1' } }, true],
  ['with --color never', { color: 'never' }, false],
  ['with --color never and FORCE_COLOR', { color: 'never', env: { FORCE_COLOR: '1' } }, false],
])('%s', async (_, asked, colored) => {
  expect((await load(asked)).good('fine')).toBe(colored ? '\u001b[32mfine\u001b[39m' : 'fine');
});

describe('each meaning has a colour of its own', () => {
  test.each<[keyof typeof PLAIN, string]>([
    ['good', '\u001b[32mtext\u001b[39m'],
    ['bad', '\u001b[31mtext\u001b[39m'],
    ['warn', '\u001b[33mtext\u001b[39m'],
    ['name', '\u001b[36mtext\u001b[39m'],
    ['dim', '\u001b[2mtext\u001b[22m'],
    ['strong', '\u001b[1mtext\u001b[22m'],
  ])('%s', async (meaning, painted) => {
    expect((await load({}))[meaning]('text')).toBe(painted);
    expect(PLAIN[meaning]('text')).toBe('text');
  });

  test('also where it is called with more, as map does', async () => {
    expect(['text', 'text'].map((await load({})).strong)[1]).toBe('\u001b[1mtext\u001b[22m');
  });
});
