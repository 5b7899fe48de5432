import { expect, test } from 'vitest';
import { clearScreen } from '../../../src/cli/clear-screen.ts';
import { fakeTerminal } from '../../helpers/fake-terminal.ts';
import { testIo } from '../../helpers/test-io.ts';

test('a terminal is emptied, and written from its top again', () => {
  const terminal = fakeTerminal();
  terminal.write('one\ntwo\nthree');
  clearScreen(testIo({ terminal }).stdout);
  terminal.write('four');
  expect(terminal.screen()).toEqual(['four']);
});

test('elsewhere nothing is written', () => {
  const io = testIo();
  clearScreen(io.stdout);
  expect(io.out()).toBe('');
});
