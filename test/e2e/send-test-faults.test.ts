import { describe, expect, test } from 'vitest';
import { FAULTS } from '../../src/sender/delivery.ts';
import { answers, deadPort, startEndpoint } from '../helpers/endpoint.ts';
import { eventOf, SECRET, secretIo, sendTest, sendTestJson, signatureResult } from '../helpers/send-test.ts';
import { jsonLines, startListen } from '../helpers/test-io.ts';

describe('--fault: what goes out', () => {
  test('bad-signature: well formed, but by another secret', async () => {
    const request = await capture('bad-signature');
    expect(request.header('X-MO-Signature')).toMatch(/^sha256=[0-9a-f]{64}$/);
    expect(signatureResult(request)).toBe('mismatch');
    expect(eventOf(request).event).toBe('call_connected');
  });

  test('missing-signature: none', async () => {
    expect((await capture('missing-signature')).header('X-MO-Signature')).toBeUndefined();
  });

  test('tampered-body: still an event, of the same length, which the signature does not fit', async () => {
    const request = await capture('tampered-body', ['--call-id', 'MO1']);
    expect(signatureResult(request)).toBe('mismatch');
    expect(eventOf(request)).toMatchObject({ event: 'call_connected', call_id: 'MO2' });
  });

  test('truncated: the end is missing, the signature is that of the whole', async () => {
    const request = await capture('truncated');
    expect(signatureResult(request)).toBe('mismatch');
    expect(() => eventOf(request)).toThrow(SyntaxError);
    expect(request.body.toString()).toMatch(/^\{"event":"call_connected"/);
  });

  test('stale: rightly signed, of yesterday', async () => {
    const request = await capture('stale');
    expect(signatureResult(request)).toBe('valid');
    const age = Date.now() - Date.parse(eventOf(request).timestamp as string);
    expect(age).toBeGreaterThanOrEqual(86_400_000 - 10);
    expect(age).toBeLessThan(86_400_000 + 60_000);
  });

  async function capture(fault: string, args: string[] = []) {
    const endpoint = await startEndpoint(answers(400));
    await sendTestJson(endpoint, ['--fault', fault, ...args]);
    const [request, ...rest] = endpoint.requests;
    if (request === undefined || rest.length > 0) throw new Error(`${endpoint.requests.length} requests`);
    return request;
  }
});

describe('--fault: exit codes', () => {
  test.each(FAULTS)('%s: 0 where it is refused with a 4xx, sent once', async (fault) => {
    const endpoint = await startEndpoint(answers(400, 401, 422));
    const { code, attempts, summary } = await sendTestJson(endpoint, ['--fault', fault, '-n', '3']);
    expect(code).toBe(0);
    expect(endpoint.requests).toHaveLength(3);
    expect(attempts).toHaveLength(3);
    for (const attempt of attempts)
      expect(attempt).toMatchObject({ fault, final: true, outcome: 'rejected' });
    expect(summary).toMatchObject({ sent: 3, failed: 0, attempts: 3 });
  });

  test.each(FAULTS)('%s: 1 where it is accepted', async (fault) => {
    const endpoint = await startEndpoint(answers(200));
    const { code, io } = await sendTest(endpoint, ['--fault', fault]);
    expect(code).toBe(1);
    expect(io.out()).toContain(`accepted, though ${fault}`);
    expect(io.out()).toContain('0 of 1 refused');
  });

  test('1 where one of several is accepted', async () => {
    const endpoint = await startEndpoint(answers(400, 200, 400));
    expect((await sendTestJson(endpoint, ['--fault', 'bad-signature', '-n', '3'])).code).toBe(1);
  });

  test.each([302, 500, 503])('1 where the answer is %i, which is no refusal', async (status) => {
    const endpoint = await startEndpoint(answers(status));
    expect((await sendTestJson(endpoint, ['--fault', 'bad-signature'])).code).toBe(1);
  });

  test('1 where nobody is there to refuse it', async () => {
    const target = `http://127.0.0.1:${await deadPort()}/`;
    expect((await sendTestJson(target, ['--fault', 'bad-signature'])).code).toBe(1);
  });
});

describe('--fault against our own receiver', () => {
  const env = { MO_SECRET: SECRET };

  test('a strict one refuses all five', async () => {
    const listen = await startListen(['--strict', '--max-age', '5m'], { env });
    for (const fault of FAULTS) {
      const { code, io } = await sendTest(listen.url, ['--fault', fault], secretIo({ cwd: listen.io.cwd }));
      expect([fault, code, io.out()]).toEqual([
        fault,
        0,
        expect.stringContaining('refused, as it should be'),
      ]);
    }
    await listen.stop();
    const receipts = jsonLines(listen.io).filter(({ type }) => type === 'receipt');
    expect(receipts.map(({ signature }) => signature)).toEqual(
      FAULTS.map((fault) =>
        fault === 'missing-signature' ? 'missing' : fault === 'stale' ? 'valid' : 'mismatch',
      ),
    );
  });

  test('without --max-age it takes the stale one, and the run says so', async () => {
    const listen = await startListen([], { env });
    expect((await sendTest(listen.url, ['--fault', 'stale'])).code).toBe(1);
    expect((await sendTest(listen.url, ['--fault', 'tampered-body'])).code).toBe(0);
    await listen.stop();
  });
});
