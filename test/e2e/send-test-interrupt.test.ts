import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { pacedEndpoint } from '../helpers/paced-endpoint.ts';
import { SECRET, secretIo, sendTest, sendTestJson } from '../helpers/send-test.ts';
import { BIN, start, tempFolder } from '../helpers/spawn-cli.ts';
import { untilSettled } from '../helpers/until-settled.ts';

const DAY = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
});

describe('Ctrl-C', () => {
  test('in the middle: what is under way ends, nothing new begins, the summary, exit 130', async () => {
    const held: (() => void)[] = [];
    const endpoint = await startEndpoint((response) => void held.push(() => response.end()));
    const io = secretIo();
    const running = sendTestJson(endpoint, ['-n', '50', '--concurrency', '2'], io);
    await endpoint.arrived(2);
    io.interrupt();
    for (const answer of held) answer();
    const { code, attempts, summary } = await running;
    expect(code).toBe(130);
    expect(endpoint.requests).toHaveLength(2);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered']);
    expect(summary).toMatchObject({ type: 'summary', sent: 2, delivered: 2, failed: 0 });
  });

  test('for people: the summary line too', async () => {
    const endpoint = await startEndpoint(answers(500));
    const io = secretIo();
    const running = sendTest(endpoint, ['--backoff', '10m'], io);
    await io.waitFor(/will be retried/);
    io.interrupt();
    expect((await running).code).toBe(130);
    expect(io.out()).toContain('0 of 1 delivered');
    expect(endpoint.requests).toHaveLength(1);
  });

  test('between two due events of an open loop: at once', async () => {
    const endpoint = await startEndpoint(answers(200));
    const io = secretIo();
    const running = sendTestJson(endpoint, ['-n', '10', '--rate', '1/h'], io);
    await io.waitFor(/"kind":"attempt"/);
    io.interrupt();
    expect((await running).code).toBe(130);
    expect(endpoint.requests).toHaveLength(1);
  });

  test('an endpoint that never answers: given up after 5 s, and the rest is not sent', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const endpoint = await startEndpoint(() => {});
    const io = secretIo();
    const running = sendTestJson(endpoint, ['-n', '50', '--concurrency', '2'], io);
    let over = false;
    void running.then(() => {
      over = true;
    });
    await endpoint.arrived(2);
    io.interrupt();
    await vi.advanceTimersByTimeAsync(4999);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    // The attempts' records are committed a moment later.
    const { code, attempts, summary } = await untilSettled(running);
    expect(code).toBe(130);
    expect(attempts).toMatchObject([
      { outcome: 'aborted', status: null, final: true },
      { outcome: 'aborted', status: null, final: true },
    ]);
    expect(summary).toMatchObject({ sent: 2, delivered: 0, failed: 2 });
    expect(endpoint.requests).toHaveLength(2);
  });
});

test('D18 a run that is killed loses no attempt that it has told of', async () => {
  const endpoint = await startEndpoint(answers(200, 200, 500));
  const cwd = tempFolder();
  const store = `sqlite:${join(cwd, 'killed.db')}`;
  const args = [
    'send-test',
    endpoint.url.href,
    '--json',
    '-n',
    '100000',
    '--store',
    store,
    '--backoff',
    '1ms',
  ];
  const { child, ended } = start(process.execPath, [BIN, ...args], { cwd, env: { MO_SECRET: SECRET } });
  let told = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    told += chunk.toString('utf8');
    if (told.length > 60_000) child.kill('SIGKILL');
  });
  const { code } = await ended;
  expect(code).toBeNull();
  const ids = told
    .slice(0, told.lastIndexOf('\n'))
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: string }).id);
  expect(ids.length).toBeGreaterThan(50);
  const kept = new Set<string>();
  const reopened = await openStore(store);
  for await (const { id } of reopened.attempts({})) kept.add(id);
  await reopened.close();
  expect(ids.filter((id) => !kept.has(id))).toEqual([]);
});

describe('D15 the machine’s clock jumps by a day to and fro', () => {
  /** A clock that is a day early or a day late, by turns. */
  function jumping() {
    let asked = 0;
    return () => Date.now() + (asked++ % 2 === 0 ? DAY : -DAY);
  }

  test('the times and pauses of a run stay as they were', async () => {
    const endpoint = await startEndpoint(answers(500, 500, 200));
    const io = { ...secretIo(), now: jumping() };
    const { code, attempts, summary } = await sendTestJson(endpoint, ['--backoff', '10ms'], io);
    expect(code).toBe(0);
    const sent = attempts.map(({ sent_at }) => Date.parse(sent_at as string));
    for (const [index, at] of sent.entries()) {
      const gap = at - (sent[index - 1] ?? at);
      expect(gap).toBeGreaterThanOrEqual(0);
      expect(gap).toBeLessThan(DAY / 2);
    }
    const { max } = summary.latency_ms as { max: number };
    expect(max).toBeGreaterThanOrEqual(15);
    expect(max).toBeLessThan(DAY / 2);
  });

  test.each([DAY, -DAY])('and so does its --duration (%i ms at each look)', async (jump) => {
    const endpoint = await pacedEndpoint(30);
    let asked = 0;
    const io = { ...secretIo(), now: () => Date.now() + jump * asked++ };
    const { summary } = await sendTestJson(endpoint, ['--duration', '80ms', '--concurrency', '1'], io);
    expect(summary.sent).toBe(4);
  });
});
