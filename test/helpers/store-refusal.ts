import { dirname } from 'node:path';
import { expect } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { SECRET } from './delivery.ts';
import { tempFolder } from './spawn-cli.ts';
import { testIo } from './test-io.ts';

/** The commands that make a store where there is none. */
export const MAKERS = [
  ['listen', '--port', '0'],
  ['send-test', '9'],
];
/** The commands that open a store. */
export const COMMANDS = [['report'], ...MAKERS];

/** Each command on a store must end with 3, name the file, say what to do and show no stack. */
export async function expectRefusal(path: string, says: RegExp, commands = COMMANDS): Promise<void> {
  for (const command of commands) {
    const io = testIo({ cwd: tempFolder(), env: { MO_SECRET: SECRET } });
    const code = await run([...command, '--store', `sqlite:${path}`], io);
    expect({ command, code, err: io.err() }).toEqual({ command, code: 3, err: expect.stringMatching(says) });
    expect(io.err()).toContain(dirname(path));
    expect(io.err()).not.toMatch(/\n\s+at |unexpected error|SQLITE_|ConnectionFailed/);
    expect(io.out()).toBe('');
  }
}
