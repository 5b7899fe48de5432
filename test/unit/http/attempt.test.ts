import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { headerValue } from '../../../src/core/headers.ts';
import {
  answers,
  deadPort,
  endless,
  replies,
  startEndpoint,
  startRawEndpoint,
} from '../../helpers/endpoint.ts';
import { attempt, openTransport, REQUEST } from '../../helpers/open-transport.ts';

test('a delivery arrives as a POST with its bytes and headers as they were given', async () => {
  const endpoint = await startEndpoint(answers([201, { 'X-Seen': 'yes' }, 'thanks']));
  const body = Buffer.from([0x7b, 0xff, 0x00, 0x7d]);
  const headers = ['X-MO-Event-Id', 'ev_1', 'X-Twice', 'a, b', 'X-Twice', 'c', 'x-Name', 'Jos\u00e9'];
  const result = await openTransport(new URL('/a/b?c=d%20e', endpoint.url), { keepHeaders: true }).send({
    headers,
    body,
  });
  expect(result).toMatchObject({ outcome: 'delivered', status: 201, error: null });
  expect(headerValue(result.headers, 'x-seen')).toBe('yes');
  expect(result.responseBody.toString()).toBe('thanks');
  const [seen] = endpoint.requests;
  expect(seen?.path).toBe('/a/b?c=d%20e');
  expect(seen?.body).toEqual(body);
  expect(seen?.headers).toEqual(expect.arrayContaining(['X-Twice', 'a, b', 'c', 'x-Name', 'Jos\u00e9']));
  expect(seen?.headers.filter((name) => name === 'X-Twice')).toHaveLength(2);
});

describe('D6 success is any 2xx and nothing else', () => {
  test.each([200, 202, 204, 205, 299])('%i is a success', async (status) => {
    const endpoint = await startEndpoint(answers(status));
    expect(await attempt(endpoint.url)).toMatchObject({ outcome: 'delivered', status, error: null });
  });

  test.each([300, 304, 400, 401, 404, 410, 422, 429, 500, 503, 599])('%i is none', async (status) => {
    const endpoint = await startEndpoint(answers(status));
    const result = await attempt(endpoint.url);
    expect(result).toMatchObject({ outcome: 'rejected', status });
    expect(result.error).toContain(`answered ${status}`);
  });
});

test('D5 the error of a 410 says that the endpoint is gone', async () => {
  const endpoint = await startEndpoint(answers(410));
  expect((await attempt(endpoint.url)).error).toMatch(/gone/i);
});

test.each([301, 302, 303, 307, 308])('D3 a %i is a failure and its target sees nothing', async (status) => {
  const target = await startEndpoint(answers(200));
  const endpoint = await startEndpoint(answers([status, { Location: target.url.href }]));
  const result = await attempt(endpoint.url);
  expect(result).toMatchObject({ outcome: 'rejected', status });
  expect(headerValue(result.headers, 'Location')).toBe(target.url.href);
  expect(endpoint.requests).toHaveLength(1);
  expect(target.connections()).toBe(0);
});

describe('D7 the status decides, whatever follows it', () => {
  test.each([200, 500])(
    'an endless body after %i: read to a cap, then the connection is cut',
    async (status) => {
      // No timer fires: the cap alone ends it.
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      onTestFinished(() => void vi.useRealTimers());
      const endpoint = await startRawEndpoint(
        endless(`HTTP/1.1 ${status} X\r\nContent-Length: 1000000000\r\n\r\n`, Buffer.alloc(65_536, 'x')),
      );
      const result = await attempt(endpoint.url);
      expect(result).toMatchObject({ status, outcome: status === 200 ? 'delivered' : 'rejected' });
      expect(result.responseBody.length).toBeLessThanOrEqual(2048);
      await endpoint.idle();
    },
  );

  test.each([
    ['broken chunking', 'Transfer-Encoding: chunked\r\n\r\nzz\r\nnot a chunk'],
    ['a body that is cut off', 'Content-Length: 100\r\nConnection: close\r\n\r\nonly this'],
  ])('200 with %s is a success', async (_, rest) => {
    const endpoint = await startRawEndpoint(replies(`HTTP/1.1 200 OK\r\n${rest}`, (socket) => socket.end()));
    expect(await attempt(endpoint.url)).toMatchObject({ outcome: 'delivered', status: 200, error: null });
  });

  test('a gzipped answer is read as the bytes that came', async () => {
    const zipped = gzipSync('thanks');
    const endpoint = await startEndpoint(answers([200, { 'Content-Encoding': 'gzip' }, zipped]));
    const result = await attempt(endpoint.url);
    expect(result).toMatchObject({ outcome: 'delivered', status: 200 });
    expect(result.responseBody).toEqual(zipped);
  });

  test('interim answers (103, 102) are passed over until the real one', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n'.repeat(50);
    const endpoint = await startRawEndpoint(replies(`${early}HTTP/1.1 204 No Content\r\n\r\n`));
    expect(await attempt(endpoint.url)).toMatchObject({ outcome: 'delivered', status: 204 });
  });

  test('an endless flood of interim answers ends with the time-out', async () => {
    const hint = 'HTTP/1.1 103 Early Hints\r\n\r\n';
    const endpoint = await startRawEndpoint(endless(hint, hint.repeat(100)));
    expect(await attempt(endpoint.url, { timeoutMs: 100 })).toMatchObject({
      outcome: 'timeout',
      status: null,
    });
    await endpoint.idle();
  });

  test.each([
    ['1 MB of headers', `HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(1_000_000)}\r\n\r\n`],
    ['an invalid status line', 'HTTP/1.1 two hundred\r\n\r\n'],
    ['an invalid version', 'HTTP/9.9.9 200 OK\r\n\r\n'],
    ['something that is not HTTP', '220 mail.example ESMTP\r\n'],
  ])('%s is a failure that says the answer is not HTTP', async (_, text) => {
    const endpoint = await startRawEndpoint(replies(text));
    const result = await attempt(endpoint.url);
    expect(result).toMatchObject({ outcome: 'reset', status: null });
    expect(result.error).toContain('the answer is not HTTP');
    await endpoint.idle();
  });
});

describe('D2 connections that break', () => {
  test('a connection that is reset as soon as it is made is a reset', async () => {
    const endpoint = await startRawEndpoint((socket) => socket.resetAndDestroy());
    const result = await attempt(endpoint.url);
    expect(result).toMatchObject({ outcome: 'reset', status: null });
    expect(result.error).toContain('the connection broke before');
  });

  test.each([
    ['is reset', (socket: Socket) => socket.once('data', () => socket.resetAndDestroy())],
    ['is half closed', (socket: Socket) => socket.once('data', () => socket.end())],
    ['ends within the headers', replies('HTTP/1.1 200 OK\r\nX-Cut: ', (socket) => socket.end())],
  ])('a connection that %s after the request: reset, and it may have been processed', async (_, behave) => {
    const endpoint = await startRawEndpoint(behave);
    const result = await attempt(endpoint.url);
    expect(result).toMatchObject({ outcome: 'reset', status: null });
    expect(result.error).toContain('may have been processed');
  });

  test('a TLS handshake that is cut off: reset, and nothing was processed', async () => {
    const endpoint = await startRawEndpoint((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const result = await attempt(new URL(`https://127.0.0.1:${endpoint.port}/`));
    expect(result).toMatchObject({ outcome: 'reset', status: null });
    expect(result.error).toContain('before the request');
  });

  test('the next attempt after a break gets a new connection', async () => {
    const endpoint = await startRawEndpoint((socket, nth) =>
      nth === 1
        ? socket.once('data', () => socket.resetAndDestroy())
        : replies('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')(socket),
    );
    const transport = openTransport(endpoint.url);
    expect((await transport.send(REQUEST)).outcome).toBe('reset');
    expect((await transport.send(REQUEST)).outcome).toBe('delivered');
    expect(endpoint.connections()).toBe(2);
  });
});

test('D9 a refused connection is named so', async () => {
  const result = await attempt(new URL(`http://127.0.0.1:${await deadPort()}/`));
  expect(result).toMatchObject({ outcome: 'refused', status: null });
  expect(result.error).toContain('connection refused');
});

test('what is under way ends as aborted when it is given up', async () => {
  const endpoint = await startRawEndpoint((socket) => socket.resume());
  const transport = openTransport(endpoint.url);
  const sending = transport.send(REQUEST);
  await endpoint.arrived(1);
  transport.abort();
  expect(await sending).toMatchObject({ outcome: 'aborted', status: null, error: 'interrupted' });
  await endpoint.idle();
});

test('connections are kept and used again', async () => {
  const endpoint = await startEndpoint(answers(200, 500, 200));
  const transport = openTransport(endpoint.url);
  for (const status of [200, 500, 200]) expect((await transport.send(REQUEST)).status).toBe(status);
  expect(endpoint.connections()).toBe(1);
});

test.each([
  [
    'a 100 Continue that nobody asked for',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    /100 Continue/,
  ],
  [
    'another protocol',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
    /\(101\)/,
  ],
])('%s is no answer, and the words say which', async (_, text, words) => {
  const endpoint = await startRawEndpoint(replies(text));
  const result = await attempt(endpoint.url);
  expect(result).toMatchObject({ outcome: 'reset', status: null });
  expect(result.error).toMatch(words);
  expect(result.error).toMatch(/it may have been processed/);
});
