import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { SECRET } from '../helpers/delivery.ts';
import { answers, deadPort, startEndpoint } from '../helpers/endpoint.ts';
import { testIo } from '../helpers/test-io.ts';

const project = () => testIo({ env: { MO_SECRET: SECRET } });

async function send(args: string[], io = project()) {
  const code = await run(['send-test', ...args, '--retries', '0'], io);
  return { code, out: io.out(), err: io.err() };
}

test.each([
  [400, /All were answered 400\. Do both sides have the same secret\?/],
  [401, /All were answered 401\. Do both sides have the same secret\?/],
  [302, /All were answered; the last one 302/],
  [500, /All were answered; the last one 500/],
])('where every answer is %i the hint is about that', async (status, says) => {
  const endpoint = await startEndpoint(answers(status));
  const { code, err } = await send([endpoint.url.href]);
  expect([code, err]).toEqual([1, expect.stringMatching(says)]);
});

test('where nobody listens the hint is how to', async () => {
  const port = await deadPort();
  const { err } = await send([String(port)]);
  expect(err).toContain(`'mo-notify listen --port ${port}' would`);
});

test('what an interrupt left unsent is told of', async () => {
  const io = project();
  const endpoint = await startEndpoint((response, _, nth) => {
    if (nth === 30) io.interrupt();
    response.end();
  });
  const { code, out } = await send([endpoint.url.href, '-n', '100', '--concurrency', '1'], io);
  expect([code, out]).toEqual([130, expect.stringContaining('30 of 30 delivered, 70 not sent')]);
});

test('after ten failures the others are counted', async () => {
  const endpoint = await startEndpoint(answers(500));
  const { out } = await send([endpoint.url.href, '-n', '25', '--concurrency', '1']);
  expect(out.match(/✗/g)).toHaveLength(10);
  expect(out).toContain('… and 15 more attempts that failed');
});

test('a scenario of which the endpoint gets nothing is refused, unless --force', async () => {
  const endpoint = await startEndpoint(answers(200));
  const io = project();
  const config = {
    endpoints: { only: { url: endpoint.url.href, secret: 'env:MO_SECRET', events: ['call_transferred'] } },
  };
  writeFileSync(join(io.cwd, 'mo-notify.config.json'), JSON.stringify(config));
  const { code, err } = await send(['only', '--scenario', 'missed', '--speed', 'max'], io);
  expect([code, err]).toEqual([2, expect.stringContaining("'only' gets no event of the scenario 'missed'")]);
  const forced = testIo({ cwd: io.cwd, env: { MO_SECRET: SECRET } });
  expect((await send(['only', '--scenario', 'missed', '--speed', 'max', '--force'], forced)).code).toBe(0);
});

test('with --rate and --duration both, and -n, whichever is reached first ends it', async () => {
  const endpoint = await startEndpoint(answers(200));
  await send([endpoint.url.href, '-n', '100', '--rate', '50/s', '--duration', '100ms', '-q']);
  expect(endpoint.requests).toHaveLength(5);
});
