import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { signPayload } from '../../src/core/signature.ts';
import { onTerminal, startOnTerminal, tempFolder } from '../helpers/spawn-cli.ts';

const SECRET = 'a secret';
const env = { MO_SECRET: SECRET };

/** What a caller, a queue or an event may be called to do harm on a terminal. */
const HOSTILE: Record<string, string> = {
  'clears the screen': '\u001b[2J\u001b[H',
  'sets the clipboard (OSC 52)': '\u001b]52;c;ZXZpbA==\u0007',
  'sets the title': '\u001b]0;evil\u001b\\',
  'overwrites the line': 'refused\r12:00:00.000  -->  signature ok',
  'is a C1 control sequence': '\u009b31m\u009d0;evil\u009c',
  'turns the text round': '\u202egnp.exe\u2066',
  'hides characters': 'a\u200b\u200d\ufeffb',
  'stacks combining marks': `Z${'\u0301\u0489'.repeat(5000)}`,
  'breaks the line': 'a\nb\u2028c\u2029d\u000be\u0085f\tg|h',
  'is long': 'x'.repeat(20_000),
  'beeps and deletes': '\u0007\u0008\u0008\u007f\u0000',
};

/** Everything that the terminal got, without the colours that the program itself puts there. */
function plain(captured: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return captured.replaceAll(/\u001b\[\d{1,2}m/g, '').replaceAll('\r\n', '\n');
}

function expectHarmless(captured: string): void {
  const left = plain(captured);
  expect(left.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/gu)?.filter((c) => c !== '\n') ?? []).toEqual([]);
  expect(left).not.toMatch(/\p{M}{3}/u);
  expect(Math.max(...left.split('\n').map((line) => line.length))).toBeLessThan(400);
}

/** Posts with headers as Latin-1 bytes, which fetch would refuse to send. */
async function post(url: string, body: string, headers: Record<string, string> = {}): Promise<number> {
  const sending = request(url, {
    method: 'POST',
    headers: { 'X-MO-Signature': signPayload(body, SECRET), ...headers },
  });
  sending.end(body);
  const [response] = await once(sending, 'response');
  response.resume();
  return response.statusCode;
}

/** An endpoint whose every answer is hostile: status text, Location and body. */
async function hostileEndpoint(status: number, text: string) {
  const server = createServer((_, response) => {
    response.writeHead(status, { Location: `/${encodeURI('x')}\u009b31m${'y'.repeat(500)}` });
    response.end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

const ALL = Object.values(HOSTILE).join(' ');

describe.skipIf(process.platform !== 'linux')('F1, F2 hostile text on a terminal', () => {
  test('each delivery to listen is one harmless line, whatever caller, queue, event and headers say', async () => {
    const app = await hostileEndpoint(500, ALL);
    const running = startOnTerminal(`mo listen --port 0 -f ${app.port} -v`, { env, columns: 100 });
    const [, url] = (await running.waitFor(/deliveries to \S*?(http:\/\/127\.0\.0\.1:\d+)/)) as string[];
    let sent = 0;
    for (const [name, text] of Object.entries(HOSTILE)) {
      const body = JSON.stringify({
        event: text,
        call_id: text,
        caller_number: text,
        timestamp: text,
        [text.slice(0, 500)]: 1,
        metadata: { queue: text, recording_url: text },
      });
      expect(await post(url as string, body, { 'X-MO-Event-Id': `ev_${++sent}` }), name).toBe(500);
    }
    const raw = { 'X-MO-Event-Id': 'a\u009b2Jb\u00ad', 'X-MO-Delivery-Attempt': '\u009b31m' };
    expect(await post(url as string, '{"event":"x"}', raw)).toBe(400);
    expect(await post(url as string, '{}', { 'X-MO-Signature': 'sha256=\u009b31m\u00ad\t' })).toBe(400);
    running.child.stdin?.write('q');
    const { code, out } = await running.ended;
    app.close();
    expect(code).toBe(0);
    expectHarmless(out);
    const lines = plain(out).split('\n');
    const shown = lines.filter((line) => /^\d\d:\d\d:\d\d\.\d{3} {2}--> {2}/.test(line));
    expect(shown).toHaveLength(sent + 2);
    expect(shown.filter((line) => line.includes('signature ok'))).toHaveLength(sent + 1);
    const answers = lines.filter((line) => /^\d\d:\d\d:\d\d\.\d{3} {2}<-- {2}\[500\] POST /.test(line));
    expect(answers).toHaveLength(sent);
    expect(lines.filter((line) => line.includes('-->') || line.includes('<--'))).toHaveLength(2 * sent + 2);
  });

  test('D8 send-test shows a hostile endpoint’s answer on one line, --verbose on another', async () => {
    const folder = tempFolder();
    const data = join(folder, 'event.json');
    writeFileSync(data, JSON.stringify({ event: ALL, call_id: ALL, timestamp: ALL }));
    for (const status of [302, 500]) {
      const app = await hostileEndpoint(status, ALL);
      const { code, out } = await onTerminal(
        `mo send-test ${app.port} --data ${data} --retries 0 --no-record -v`,
        { cwd: folder, env },
      );
      app.close();
      expect(code).toBe(1);
      expectHarmless(out);
      const lines = plain(out).split('\n');
      expect(lines[0]).toMatch(/^✗ /);
      expect(lines[0]).toContain(`  ${status}  `);
      expect(lines.filter((line) => line !== '')).toHaveLength(4);
    }
  });

  test('--json, --dry-run and messages show what was given escaped, and JSON still means the same', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'event.json'), JSON.stringify({ event: ALL, call_id: 'x', timestamp: 'y' }));
    const app = await hostileEndpoint(200, 'ok');
    const { out } = await onTerminal(
      `mo send-test ${app.port} --data event.json --no-record --json 2>/dev/null | cat`,
      { cwd: folder, env },
    );
    app.close();
    const [attempt] = out.split('\r\n');
    expect(attempt).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/u);
    expect((JSON.parse(attempt as string) as { event: string }).event).toBe(ALL);
    const { out: rest } = await onTerminal(
      `mo send-test 9 --data event.json --dry-run
       mo send-test $'http://x\\e]0;evil\\a/\\u202e'
       mo send-test $'\\e[2J'; mo $'\\u009b31m'; mo report $'--\\e[2J'; mo report --format $'\\u202e'
       mo send-test 9 -e $'\\e]52;c;x\\a'; mo send-test 9 --set $'\\e[2J'; mo sign --body $'\\e[2J\\n'`,
      { cwd: folder, env },
    );
    expect(plain(rest).match(/^mo-notify: /gm)).toHaveLength(8);
    const withoutBody = plain(rest)
      .split('\n')
      .filter((line) => line.length < 400)
      .join('\n');
    expectHarmless(withoutBody);
    expect(plain(rest).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/u);
  });
});
