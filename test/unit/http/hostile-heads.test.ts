import { describe, expect, test } from 'vitest';
import { replies, startRawEndpoint } from '../../helpers/endpoint.ts';
import { attempt } from '../../helpers/open-transport.ts';
import { exchange, parseAnswer } from '../../helpers/raw-http.ts';
import { startReceiver } from '../../helpers/receiver-server.ts';

/** Long enough that cubic time would not end within any test's patience; short enough to be one head. */
const LONG = 15_000;
const VALUES = [
  ['blanks', ' '.repeat(LONG)],
  ['blanks and tabs', ' \t'.repeat(LONG / 2)],
  ['blanks between letters', `${'a '.repeat(LONG / 2)}`],
] as const;

describe('G1 a header of blanks that ends in a control character', () => {
  test.each(VALUES)('%s: a request is refused, the next one is answered', async (_, value) => {
    const { port } = await startReceiver();
    const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nX-A: ${value}\u0001\r\n\r\n`;
    expect(parseAnswer(await exchange(port, head)).status).toBe(400);
    expect(
      parseAnswer(await exchange(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).status,
    ).toBe(405);
  });

  test.each(VALUES)('%s: an answer is none', async (_, value) => {
    const endpoint = await startRawEndpoint(
      replies(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: ${value}\u0001\r\n\r\n`),
    );
    expect(await attempt(endpoint.url)).toMatchObject({ outcome: 'reset', status: null });
  });
});
