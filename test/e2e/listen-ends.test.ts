import { expect, test } from 'vitest';
import { signPayload } from '../../src/core/signature.ts';
import { startListen } from '../helpers/test-io.ts';

const GRACE_MS = 5000;
const env = { MO_SECRET: 'a secret' };
const body = '{"event":"call_connected","call_id":"MO1","timestamp":"2025-07-21T12:45:00Z"}';

test.each([['--max-events', '1'], []])(
  'C9 listen %s %s ends once it has answered, though the sender keeps its connection open',
  async (...flags) => {
    const listen = await startListen(flags as string[], { env });
    const headers = { 'X-MO-Signature': signPayload(body, env.MO_SECRET), Connection: 'keep-alive' };
    const answer = await fetch(listen.url, { method: 'POST', body, headers });
    const answered = performance.now();
    expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
    const code = await listen.stop();
    expect(performance.now() - answered).toBeLessThan(GRACE_MS / 2);
    expect(code === 0 || code === 130).toBe(true);
    expect(listen.io.out()).toContain('"type":"summary"');
  },
);
