import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { SECRET } from '../helpers/delivery.ts';
import { jsonLines, startListen, testIo } from '../helpers/test-io.ts';

const env = { MO_SECRET: SECRET };

test('a line of listen --json --with-bodies verifies, and one with a changed body does not', async () => {
  const listen = await startListen(['--with-bodies'], { env });
  expect(await run(['send-test', String(listen.port), '--no-record'], testIo({ env }))).toBe(0);
  await listen.stop();
  const line = jsonLines(listen.io)[1] as Record<string, unknown>;
  const verify = (delivery: unknown) =>
    run(['verify', '--delivery', '-'], testIo({ env, stdin: `${JSON.stringify(delivery)}\n` }));
  expect(await verify(line)).toBe(0);
  expect(await verify({ ...line, body_base64: Buffer.from('{}').toString('base64') })).toBe(1);
  expect(await verify({ ...line, body_base64: undefined })).toBe(2);
});

test.each([[['--body', 'x']], [['--signature', 'x']], [['--delivery', 'x', '--body', 'y']], [[]]])(
  'verify %j says what it takes',
  async (args) => {
    const io = testIo({ env });
    expect(await run(['verify', ...args], io)).toBe(2);
    expect(io.err()).toContain('--body and --signature, or --delivery');
  },
);
