import type { Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { drips, startEndpoint, startRawEndpoint } from '../../helpers/endpoint.ts';
import { attempt, openTransport, REQUEST } from '../../helpers/open-transport.ts';
import { PATIENCE_MS } from '../../helpers/patience.ts';

const TIMEOUT = 120;

test.each([
  ['never answers', (socket: Socket) => void socket.resume()],
  ['drips its status line', drips('HTTP/1.1 200 O', 'K')],
  ['drips its headers', drips('HTTP/1.1 200 OK\r\nX-Slow: ', 'x')],
  ['drips interim answers', drips('', 'HTTP/1.1 103 Early Hints\r\n\r\n')],
])('D1 an endpoint that %s: timeout while waiting for the answer, drips included', async (_, behave) => {
  const endpoint = await startRawEndpoint(behave);
  const result = await attempt(endpoint.url, { timeoutMs: TIMEOUT });
  expect(result).toMatchObject({ outcome: 'timeout', status: null });
  expect(result.error).toBe(`no answer within ${TIMEOUT} ms (waiting for the answer)`);
  expect(result.durationMs).toBeGreaterThanOrEqual(TIMEOUT - 2);
  await endpoint.idle();
});

test('D1 a TLS handshake that never ends: timeout while connecting', async () => {
  const endpoint = await startRawEndpoint((socket) => void socket.resume());
  const url = new URL(`https://127.0.0.1:${endpoint.port}/`);
  const result = await attempt(url, { timeoutMs: TIMEOUT });
  expect(result).toMatchObject({ outcome: 'timeout', status: null });
  expect(result.error).toBe(`no answer within ${TIMEOUT} ms (connecting)`);
});

test('D1 a name server that never answers: timeout while connecting', async () => {
  const result = await attempt(new URL('http://slow.example/'), { timeoutMs: TIMEOUT, lookup: () => {} });
  expect(result).toMatchObject({ outcome: 'timeout', status: null });
  expect(result.error).toContain('(connecting)');
});

test('D1 D7 a body that drips for ever after a 200: delivered, timed at the status', async () => {
  const endpoint = await startRawEndpoint(drips('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n', 'x'));
  const began = performance.now();
  const result = await attempt(endpoint.url, { timeoutMs: PATIENCE_MS });
  expect(result).toMatchObject({ outcome: 'delivered', status: 200, error: null });
  // A body gets two seconds more, which are no part of it.
  expect(result.durationMs).toBeLessThan(performance.now() - began - 1990);
  await endpoint.idle();
});

test('D1 an answer after the time-out is not taken for that of the next attempt', async () => {
  let late = () => {};
  const endpoint = await startEndpoint((response, _request, nth) => {
    if (nth === 1) late = () => response.writeHead(200).end();
    else {
      late();
      response.writeHead(500).end();
    }
  });
  // Time passes where it is told to, so that a busy machine does not.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const transport = openTransport(endpoint.url, { timeoutMs: TIMEOUT });
  const first = transport.send(REQUEST);
  await endpoint.arrived(1);
  vi.advanceTimersByTime(TIMEOUT);
  expect((await first).outcome).toBe('timeout');
  expect(await transport.send(REQUEST)).toMatchObject({ outcome: 'rejected', status: 500 });
});
