import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { EVENT_TYPES } from '../../src/core/event.ts';
import { SCENARIOS } from '../../src/sender/scenario.ts';
import { ROOT, type Running, start } from '../helpers/spawn-cli.ts';
import { jsonLines, testIo } from '../helpers/test-io.ts';

const SECRET = "It's a Secret to Everybody";
let app: Running;
let url: string;

beforeAll(async () => {
  const env = { MO_SECRET: SECRET, PORT: '0' };
  app = start(process.execPath, [join(ROOT, 'fixtures/express-sample.js')], { env });
  url = (await app.waitFor(/^http:\S+/m))[0];
});

afterAll(() => {
  app.child.kill();
  return app.ended;
});

async function send(...args: string[]) {
  const io = testIo({ env: { MO_SECRET: SECRET } });
  const code = await run(
    ['send-test', url, '--json', '--retries', '0', '--no-record', '--speed', 'max', ...args],
    io,
  );
  const lines = jsonLines(io);
  return { code, attempts: lines.slice(0, -1), summary: lines.at(-1) };
}

describe('the receiver of the platform’s article, which re-serialises the body, accepts', () => {
  test('every event type', async () => {
    const { code, attempts } = await send(...EVENT_TYPES.flatMap((type) => ['-e', type]));
    expect(attempts.map((a) => [a.event, a.status])).toEqual(EVENT_TYPES.map((type) => [type, 200]));
    expect(code).toBe(0);
  });

  test.each(SCENARIOS)('the scenario %s', async (scenario) => {
    const { code, summary, attempts } = await send('--scenario', scenario);
    expect(attempts.length).toBeGreaterThan(1);
    expect(summary).toMatchObject({ failed: 0, delivered: attempts.length });
    expect(code).toBe(0);
  });

  test.each([
    ['a queue in Devanagari', 'metadata.queue=बिक्री'],
    ['a queue with an emoji, quotes and slashes', 'metadata.queue=VIP 📞 "north/south" \\ <b>'],
    ['a queue with controls and separators', 'metadata.queue=a\tb\n\u2028\u001b[31m\u007f'],
    ['a fraction', 'duration_seconds=1.50'],
    ['an exponent', 'duration_seconds=1e21'],
    ['a negative zero', 'duration_seconds=-0'],
    ['more digits than a double holds', 'metadata.external=12345678901234567890'],
    ['a null', 'metadata.recording_url=null'],
    ['an array of nested values', 'metadata.tags=[1,{"a":null},"é",[]]'],
    ['keys that look like array indexes', 'metadata={"b":1,"2":2,"1":3}'],
    ['a key in another script', 'metadata.कतार=x'],
    ['no metadata at all', 'metadata=null'],
  ])('%s', async (_, change) => {
    expect(await send('--set', change)).toMatchObject({ code: 0, attempts: [{ status: 200 }] });
  });

  test('events without the tool’s own headers', async () => {
    expect(await send('--no-tool-headers')).toMatchObject({ code: 0, attempts: [{ status: 200 }] });
  });
});

describe('the same receiver refuses', () => {
  test.each(['pretty', 'escaped'])('a rightly signed body in the form %s, with 400', async (form) => {
    expect(await send('--body-format', form)).toMatchObject({
      code: 1,
      attempts: [{ status: 400, outcome: 'rejected' }],
      summary: { sent: 1, delivered: 0, failed: 1 },
    });
  });

  test.each(['bad-signature', 'missing-signature', 'tampered-body', 'truncated'])(
    'the fault %s, so the negative test succeeds',
    async (fault) => {
      expect(await send('--fault', fault)).toMatchObject({ code: 0, attempts: [{ status: 400, fault }] });
    },
  );

  test('a body signed with another secret', async () => {
    const io = testIo({ env: { MO_SECRET: 'another' } });
    expect(await run(['send-test', url, '--json', '--retries', '0', '--no-record'], io)).toBe(1);
    expect(jsonLines(io)[0]).toMatchObject({ status: 400 });
  });
});
