import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { SECRET } from '../helpers/delivery.ts';
import { testIo } from '../helpers/test-io.ts';

test('A15 a suspected replay is shown with the event that the same signed bytes came as before', async () => {
  const env = { MO_SECRET: SECRET };
  const listening = testIo({ env });
  const ended = run(['listen', '--port', '0'], listening);
  const [, port] = (await listening.waitFor(/http:\/\/127\.0\.0\.1:(\d+)/)) as RegExpMatchArray;
  const body = '{"event":"call_missed","call_id":"MO1","timestamp":"2026-01-01T00:00:00Z"}';
  for (const id of ['ev_first', 'ev_second']) {
    const sender = testIo({ env, stdin: body });
    expect(
      await run(['send-test', port as string, '--data', '-', '--event-id', id, '--no-record'], sender),
    ).toBe(0);
  }
  await listening.waitFor(
    /\[ev_second\].*suspected replay.*same bytes as \[ev_first\] at \d\d:\d\d:\d\d\.\d{3}/,
  );
  listening.interrupt();
  expect(await ended).toBe(130);
});
