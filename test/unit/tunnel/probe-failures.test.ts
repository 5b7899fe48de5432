import { describe, expect, test } from 'vitest';
import { EnvironmentError } from '../../../src/core/errors.ts';
import { withoutHeaders } from '../../../src/core/headers.ts';
import { startEndpoint } from '../../helpers/endpoint.ts';
import { type Meddling, probedWay } from '../../helpers/probed-way.ts';

/** Why a way leads nowhere, and how often it was tried. Time enough goes by for the first failure to be the last. */
async function failure(meddling: Meddling): Promise<string> {
  const way = await probedWay({
    ...meddling,
    instead: (nth) => {
      way.clock.jump(20_000);
      return meddling.instead?.(nth) ?? null;
    },
  });
  const error = await way.run().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(EnvironmentError);
  expect(way.endpoint.requests).toHaveLength(1);
  const { message } = error as Error;
  expect(message).toContain(`${way.endpoint.url.origin} does not lead here: `);
  return message;
}

const page = (text: string) =>
  `<!DOCTYPE html><html><head><style>p{}</style></head><body>${text}</body></html>`;
const answered = (status: number, body = '', headers: Record<string, string> = {}): Meddling => ({
  instead: () => ({ status, headers, body }),
});

describe('what answers in its place is named', () => {
  test.each<[string, Meddling, RegExp]>([
    [
      'D3 a redirect, shown safely',
      answered(302, '', { Location: 'https://elsewhere.example/\x9b2J' }),
      /answers 302, a redirect to https:\/\/elsewhere\.example\/\\x9b2J, which the platform does not follow/,
    ],
    [
      'a redirect that keeps the method',
      answered(308, '', { Location: '/x' }),
      /answers 308, a redirect to \/x,/,
    ],
    [
      'a page, without what its scripts and styles say',
      answered(
        200,
        page('<SCRIPT src="a">if (1 < 2) x</SCRIPT>Buy <b>this</b><script>y</script> domain<script>z'),
      ),
      /a web page answers in its place \(200 'Buy this domain z'\)/,
    ],
    [
      'a page of nothing but beginnings',
      answered(200, `<html>${'<script'.repeat(250)}${'<'.repeat(250)}`),
      /a web page answers in its place \(200 '<script/,
    ],
    [
      'ngrok by its header',
      answered(404, 'gone', { 'ngrok-error-code': 'ERR_NGROK_3200' }),
      /ngrok answers .*404 'gone'/,
    ],
    [
      'ngrok by its page',
      answered(200, page('You are about to visit: <b>x.ngrok-free.app</b>')),
      /ngrok answers in its place/,
    ],
    [
      'localtunnel by its page',
      answered(511, page('loca.lt Tunnel Password')),
      /localtunnel's reminder page .*\(511\)/,
    ],
    [
      'Cloudflare by its page',
      answered(403, page('Just a moment... Cloudflare')),
      /Cloudflare answers in its place \(403/,
    ],
    [
      'Cloudflare without a tunnel',
      answered(530, page('Error 1033 | cloudflare')),
      /Cloudflare answers in its place \(530/,
    ],
    [
      'any other page',
      answered(200, page('Welcome to nginx!')),
      /a web page answers in its place \(200 'Welcome to nginx!'\)/,
    ],
    ['a page that is not found', answered(404, page('Not <i>Found</i>')), /a web page .*\(404 'Not Found'\)/],
    [
      'a proxy with nothing behind: 502',
      answered(502, 'Bad Gateway'),
      /127\.0\.0\.1:\d+ finds nothing behind it \(502 'Bad Gateway'\)/,
    ],
    ['a proxy with nothing behind: 503', answered(503), /finds nothing behind it \(503\)/],
    ['a proxy with nothing behind: 504', answered(504), /finds nothing behind it \(504\)/],
    ['another app', answered(200, 'ok'), /something else answers there \(200 'ok'\)/],
    ['an app that fails', answered(500, 'oops'), /something else answers there \(500 'oops'\)/],
    ['an app that asks who calls', answered(401), /something else answers there \(401\)/],
  ])('%s', async (_, meddling, message) => {
    expect(await failure(meddling)).toMatch(message);
  });

  test('and what it says is shown safely, and not at length', async () => {
    const message = await failure(answered(200, `\x1b[2J${'long '.repeat(100)}`));
    expect(message).toContain(String.raw`'\x1b[2Jlong`);
    expect(message.length).toBeLessThan(250);
  });

  test('a refusal that cannot pass is not tried again', async () => {
    for (const status of [200, 301, 401, 403]) {
      const way = await probedWay(answered(status));
      await expect(way.run()).rejects.toThrow(String(status));
      expect(way.endpoint.requests).toHaveLength(1);
    }
    const arrived = await probedWay({ answer: (answer) => ({ ...answer, status: 502 }) });
    await expect(arrived.run()).rejects.toThrow('arrived here, but its answer came back changed: 502');
    expect(arrived.endpoint.requests).toHaveLength(1);
  });
});

describe('what is changed on the way is named', () => {
  test.each<[string, Meddling, RegExp]>([
    [
      'a signature that is taken out',
      { headers: (headers) => withoutHeaders(headers, ['X-MO-Signature']) },
      /here: X-MO-Signature does not arrive as sent\. Have .* pass on headers that begin with X-MO-/,
    ],
    [
      'two headers that are taken out',
      { headers: (headers) => withoutHeaders(headers, ['x-mo-event-id', 'X-MO-Sent-At']) },
      /here: X-MO-Event-Id, X-MO-Sent-At do not arrive as sent/,
    ],
    [
      'a header that comes twice',
      { headers: (headers) => [...headers, 'X-MO-Delivery-Attempt', '1'] },
      /X-MO-Delivery-Attempt does not arrive as sent/,
    ],
    [
      'another content type',
      { headers: (headers) => [...withoutHeaders(headers, ['Content-Type']), 'Content-Type', 'text/plain'] },
      /Content-Type does not arrive as sent/,
    ],
    [
      'F16 a body that is parsed and written anew',
      { body: (body) => Buffer.from(JSON.stringify(JSON.parse(body.toString()))) },
      /the body arrives changed, so that no signature can be right/,
    ],
    [
      'F16 a body without its last line break',
      { body: (body) => body.subarray(0, -1) },
      /the body arrives changed/,
    ],
    [
      'an answer of another status',
      { answer: (answer) => ({ ...answer, status: 202 }) },
      /arrived here, but its answer came back changed: 202/,
    ],
    [
      'an answer of another body',
      { answer: (answer) => ({ ...answer, body: 'accepted' }) },
      /arrived here, but its answer came back changed: 200 'accepted'/,
    ],
    [
      'an answer that is lost',
      { loseAnswer: true },
      /arrived here, but its answer did not come back \(.*broke/,
    ],
  ])('%s', async (_, meddling, message) => {
    expect(await failure(meddling)).toMatch(message);
  });
});

test('D3 nothing is sent to where a redirect leads', async () => {
  const target = await startEndpoint((response) => response.end('x'));
  await failure(answered(307, '', { Location: target.url.href }));
  expect(target.connections()).toBe(0);
});
