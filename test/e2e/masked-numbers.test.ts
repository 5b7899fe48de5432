import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { filesWith } from '../helpers/find-text.ts';
import { tempFolder } from '../helpers/spawn-cli.ts';
import { testIo } from '../helpers/test-io.ts';

const DIGITS = '919812345678';
const CALLER = `+${DIGITS}`;
// An answer is cut short after it is masked, so the last digits may be missing.
const MASKED = '+91******';
const env = { MO_SECRET: 'a secret' };
const set = ['--set', `caller_number="${CALLER}"`, '--set', `metadata.note="ring ${CALLER} back"`];

// An app that answers every delivery by throwing it back, as frameworks do in their error pages.
let echo: number;
let answer = 500;
const app = createServer((request, response) => {
  response.writeHead(answer);
  request.pipe(response);
});
beforeAll(async () => {
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  echo = (app.address() as AddressInfo).port;
});
afterAll(() => {
  app.close();
});

async function call(args: string[], cwd = tempFolder()) {
  const io = testIo({ cwd, env });
  const code = await run(args, io);
  return { code, shown: io.out() + io.err() };
}

describe('a caller’s number is masked wherever people look', () => {
  test.each([
    ['a failure that send-test shows', 500, []],
    ['what send-test --verbose shows of an answer', 200, ['-v']],
  ])('in %s', async (_, status, flags) => {
    answer = status;
    const { shown } = await call(['send-test', String(echo), '--retries', '0', ...set, ...flags]);
    expect(shown).toContain(MASKED);
    expect(shown).not.toContain(CALLER);
  });

  test('in a dry run; the exact bytes are there for machines', async () => {
    const { shown } = await call(['send-test', '9', '--dry-run', ...set]);
    expect(shown.split(`${MASKED}5678`)).toHaveLength(3);
    expect(shown).not.toContain(CALLER);
    const { shown: json } = await call(['send-test', '9', '--dry-run', '--json', ...set]);
    const { deliveries } = JSON.parse(json) as { deliveries: { body_base64: string }[] };
    expect(Buffer.from(deliveries[0]?.body_base64 ?? '', 'base64').toString()).toContain(CALLER);
  });

  test.each([
    [['--json'], 'compact'],
    [[], 'compact'],
    [[], 'escaped'],
  ])('in what listen %j shows, of deliveries that are %s and of its app’s answers', async (mode, format) => {
    const cwd = tempFolder();
    const io = testIo({ cwd, env });
    const args = [
      '--port',
      '0',
      '--host',
      '127.0.0.1',
      '-f',
      String(echo),
      '-v',
      '--max-events',
      '1',
      ...mode,
    ];
    const ended = run(['listen', ...args], io);
    const [, port] = (await io.waitFor(/http:\/\/127\.0\.0\.1:(\d+)/)) as string[];
    answer = 422;
    const { shown: sent } = await call(
      ['send-test', port as string, '--retries', '0', '--body-format', format, ...set],
      cwd,
    );
    await ended;
    expect(sent).toContain('91****');
    expect(io.out()).toMatch(mode.length === 0 ? /\[422\].*91\*{4}/ : /"status":422/);
    const { shown: reported } = await call(['report'], cwd);
    for (const text of [io.out(), io.err(), sent, reported]) expect(text).not.toContain(DIGITS);
    for (const { path } of filesWith(cwd, [DIGITS])) expect(path).toMatch(/\.mo-notify\/deliveries\.db/);
  });

  test.each(['compact', 'pretty', 'escaped'])(
    'in what logs shows and exports of a body that is %s',
    async (format) => {
      const cwd = tempFolder();
      answer = 200;
      const event = ['--event-id', 'ev_1', '--body-format', format, ...set];
      await call(['send-test', String(echo), ...event], cwd);
      const { shown: story } = await call(['logs', 'show', 'ev_1'], cwd);
      const { shown: exported } = await call(['logs', 'export', '--with-bodies'], cwd);
      const { body_base64, body_masked } = JSON.parse(exported.split('\n')[0] as string) as Record<
        string,
        string
      >;
      const body = Buffer.from(body_base64 as string, 'base64').toString();
      expect(body_masked).toBe(true);
      for (const text of [story, body]) {
        expect(text.split('91******5678').length).toBeGreaterThan(2);
        expect(text).not.toContain(DIGITS);
      }
    },
  );

  test('in the note about bytes that are no event', async () => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, 'data'), CALLER);
    answer = 400;
    const { shown } = await call([
      'send-test',
      String(echo),
      '--retries',
      '0',
      '--data',
      join(cwd, 'data'),
      '-v',
    ]);
    expect(shown).toContain(MASKED);
    expect(shown).not.toContain(CALLER);
  });
});
