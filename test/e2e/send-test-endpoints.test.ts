import net from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { answers, deadPort, replies, startEndpoint, startRawEndpoint } from '../helpers/endpoint.ts';
import { secretIo, sendTest, sendTestJson } from '../helpers/send-test.ts';

afterEach(() => vi.restoreAllMocks());

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be printed
const RAW = /[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]/;

test.each([301, 302, 307, 308])(
  'D3 a %i: exit 1, its target sees nothing, and it is said where it led',
  async (status) => {
    const target = await startEndpoint(answers(200));
    const endpoint = await startEndpoint(answers([status, { Location: target.url.href }]));
    const { code, io } = await sendTest(endpoint, ['--backoff', '1ms']);
    expect(code).toBe(1);
    expect(io.out()).toContain(`redirects to ${target.url.href}, not followed`);
    expect(endpoint.requests).toHaveLength(4);
    expect(target.connections()).toBe(0);
  },
);

test('D3 D8 a hostile Location is shown escaped and cut', async () => {
  const location = `http://x/\u009b2J\u0085${'y'.repeat(5000)}`;
  const answer = Buffer.from(
    `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`,
    'latin1',
  );
  const endpoint = await startRawEndpoint(replies(answer));
  const { io } = await sendTest(endpoint, ['--retries', '0']);
  expect(io.out()).toContain('redirects to http://x/');
  expect(io.out()).toMatch(/not followed/);
  expect(io.out()).not.toMatch(RAW);
  expect(
    Math.max(
      ...io
        .out()
        .split('\n')
        .map((line) => line.length),
    ),
  ).toBeLessThan(400);
});

test('D5 a 410: exit 1 after one request, and "gone" is said', async () => {
  const endpoint = await startEndpoint(answers(410));
  const { code, io } = await sendTest(endpoint);
  expect(code).toBe(1);
  expect(endpoint.requests).toHaveLength(1);
  expect(io.out()).toMatch(/✗.*410.*gone/);
  expect(io.out()).not.toContain('will be retried');
});

test('D6 a 404 is retried, and each attempt shows it', async () => {
  const endpoint = await startEndpoint(answers(404, 404, 200));
  const { code, io } = await sendTest(endpoint, ['--backoff', '1ms']);
  expect(code).toBe(0);
  const lines = io.out().split('\n');
  expect(lines[0]).toMatch(/↻ call_connected .* 404 .*will be retried/);
  expect(lines[1]).toMatch(/↻ .* 404 .*attempt 2.*will be retried/);
  expect(lines[2]).toMatch(/✓ .* 200 .*attempt 3/);
  expect(io.out()).toContain('1 of 1 delivered in 3 attempts');
});

test('D2 a broken connection: the note says that it may have been processed', async () => {
  const endpoint = await startRawEndpoint((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const { code, io } = await sendTest(endpoint, ['--backoff', '1ms']);
  expect(code).toBe(1);
  expect(endpoint.connections()).toBe(4);
  expect(io.out().match(/it may have been processed/g)).toHaveLength(4);
});

test('D9 nobody there: exit 1, and what to do', async () => {
  const port = await deadPort();
  const { code, io } = await sendTest(`http://127.0.0.1:${port}/`, ['--backoff', '1ms']);
  expect(code).toBe(1);
  expect(io.out()).toMatch(/✗ .* refused .*connection refused/);
  expect(io.err()).toContain(`mo-notify listen --port ${port}`);
});

describe('D8 what an endpoint answers is shown escaped, on one line, everywhere', () => {
  const payload =
    '\x1b]52;c;aGk=\x07\x1b[2J\x9b\r\n=HYPERLINK("x")|<img src=x onerror=alert(1)>\u202e\u200b\0end';

  test.each([[[]], [['-v']], [['--json']]])('%j', async (args) => {
    const endpoint = await startEndpoint(answers([500, {}, payload]));
    const { code, io } = await sendTest(endpoint, ['--retries', '0', ...args]);
    expect(code).toBe(1);
    expect(io.out() + io.err()).not.toMatch(RAW);
    if (args[0] !== '--json') expect(io.out()).toMatch(/\\x1b\]52;c;aGk=\\x07/);
    expect(
      io
        .out()
        .split('\n')
        .filter((line) => line.startsWith('=HYPERLINK')),
    ).toEqual([]);
  });

  test('and so is what --data holds', async () => {
    const endpoint = await startEndpoint(answers(200));
    const event = { event: '\x1b[2J\u202e', call_id: '\x9b', timestamp: '2026-01-01T00:00:00Z' };
    const io = secretIo({ stdin: JSON.stringify(event) });
    await sendTest(endpoint, ['--data', '-'], io);
    expect(io.out()).toContain('\\x1b[2J');
    expect(io.out()).not.toMatch(RAW);
  });

  test('a long answer is cut', async () => {
    const endpoint = await startEndpoint(answers([500, {}, 'x'.repeat(50_000)]));
    const { io } = await sendTest(endpoint, ['--retries', '0', '-v']);
    expect(io.out().length).toBeLessThan(1500);
  });
});

test.each([
  'http://169.254.169.254/latest/',
  'http://[::ffff:a9fe:a9fe]/',
  'http://2852039166/',
  'http://metadata.google.internal/',
  'http://0/',
])('D11 %s: blocked, sent once, exit 1, no connection tried', async (target) => {
  const connect = vi.spyOn(net, 'connect').mockImplementation(() => {
    throw new Error('a connection was tried');
  });
  const { code, attempts } = await sendTestJson(target);
  expect(code).toBe(1);
  expect(attempts).toMatchObject([{ outcome: 'blocked', status: null, attempt: 1, final: true }]);
  expect(connect).not.toHaveBeenCalled();
});
