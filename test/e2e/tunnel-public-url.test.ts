import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { delivery, SECRET } from '../helpers/delivery.ts';
import { answers, deadPort, startEndpoint, startRawEndpoint } from '../helpers/endpoint.ts';
import { eventually } from '../helpers/eventually.ts';
import { post } from '../helpers/raw-http.ts';
import { linesOf, receiptsOf } from '../helpers/relay.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { jsonLines, testIo } from '../helpers/test-io.ts';

/** `listen --public-url` until it gives up. */
async function refused(url: string) {
  const io = testIo({ env: { MO_SECRET: SECRET } });
  const code = await run(['listen', '--port', '0', '--json', '--no-dashboard', '--public-url', url], io);
  return { code, out: io.out(), err: io.err() };
}

test('a tunnel of the user: its URL is proved to lead here, and ready says it', async () => {
  const proxy = await startTcpProxy();
  const io = testIo({ env: { MO_SECRET: SECRET } });
  // The receiver's port is known once it listens: the tunnel leads there a moment later, as tunnels do.
  const port = await deadPort();
  proxy.to(port);
  const url = `http://127.0.0.1:${proxy.port}/hooks?team=a`;
  const ended = run(['listen', '--port', String(port), '--json', '--no-dashboard', '--public-url', url], io);
  await io.waitFor(/"type":"ready"/);
  expect(jsonLines(io)[0]).toEqual({
    type: 'ready',
    url: `http://127.0.0.1:${port}`,
    dashboard: null,
    tunnel: `http://127.0.0.1:${proxy.port}/hooks?team=***`,
  });
  expect(linesOf(io, 'tunnel')).toEqual([]);
  expect((await post(proxy.port, delivery(), { path: '/hooks' })).status).toBe(200);
  expect(await receiptsOf({ io }, 1)).toMatchObject([{ event_id: 'ev_1' }]);
  io.interrupt();
  expect(await ended).toBe(130);
});

test.each([
  [
    'a page of its own',
    [200, {}, '<!doctype html><h1>Buy this domain'],
    /a web page answers in its place \(200 'Buy this domain'\)/,
  ],
  [
    "ngrok's warning page",
    [200, { 'ngrok-error-code': 'ERR_NGROK_6024' }, '<html>'],
    /ngrok answers in its place/,
  ],
  [
    'a challenge of Cloudflare',
    [403, {}, '<html>Just a moment… cloudflare'],
    /Cloudflare answers in its place/,
  ],
  [
    'a redirect',
    [308, { Location: 'https://www.example.com/' }, ''],
    /answers 308, a redirect to https:\/\/www\.example\.com\/, which the platform does not follow/,
  ],
  ['an API', [401, {}, 'no entry'], /something else answers there \(401 'no entry'\)/],
] as const)('%s in place of the tunnel: exit 3, and what it is', async (_, answer, says) => {
  const page = await startEndpoint(answers(answer as [number, Record<string, string>, string]));
  const { code, out, err } = await refused(page.url.href);
  expect([code, out]).toEqual([3, '']);
  expect(err).toContain(`${page.url.origin} does not lead here: `);
  expect(err).toMatch(says);
  expect(page.requests.length).toBe(1);
});

test('a page that wants to write to the terminal is shown escaped', async () => {
  const page = await startRawEndpoint((socket) =>
    socket.once('data', () =>
      socket.end('HTTP/1.1 403 No\r\nConnection: close\r\n\r\n\u001b[2Jgo \u001b]0;x\u0007away'),
    ),
  );
  const { code, err } = await refused(page.url.href);
  expect(code).toBe(3);
  expect(err).toContain('away');
  for (const odd of ['\u001b', '\u0007']) expect(err).not.toContain(odd);
});

test('Ctrl-C while the way is being proved ends at once', async () => {
  const silent = await startEndpoint(() => {});
  const io = testIo({ env: { MO_SECRET: SECRET } });
  const ended = run(
    ['listen', '--port', '0', '--json', '--no-dashboard', '--public-url', silent.url.href],
    io,
  );
  await silent.arrived(1);
  io.interrupt();
  expect(await ended).toBe(130);
  expect(linesOf(io, 'ready')).toEqual([]);
  await eventually(() => expect(silent.requests).toHaveLength(1));
});
