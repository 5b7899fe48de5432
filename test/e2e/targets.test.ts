import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { startCommand } from '../helpers/dashboard-command.ts';
import { enter } from '../helpers/dashboard-server.ts';
import { delivery, eventBody, SECRET } from '../helpers/delivery.ts';
import { answers, type Endpoint, startEndpoint } from '../helpers/endpoint.ts';
import { post } from '../helpers/raw-http.ts';
import { tempFolder } from '../helpers/spawn-cli.ts';
import { startListen, testIo } from '../helpers/test-io.ts';

const env = { MO_SECRET: SECRET, KEY: 'hunter2 & co' };

/** The forms of a target, each for the place `/notify?key=…` of an endpoint. */
const FORMS: Record<string, (endpoint: Endpoint) => string> = {
  'a name': () => 'crm',
  'a URL': ({ url }) => `${url.href}?key=env:KEY`,
  'a port with a path': ({ port }) => `${port}/notify?key=env:KEY`,
  'a colon, a port and a path': ({ port }) => `:${port}/notify?key=env:KEY`,
  'a local host with a port and a path': ({ port }) => `127.0.0.1:${port}/notify?key=env:KEY`,
};

/** A folder whose config knows the endpoint as `crm`, and a log with one delivery that came. */
async function world(endpoint: Endpoint): Promise<string> {
  const cwd = tempFolder();
  const crm = { url: `${endpoint.url.href}?key=env:KEY`, secret: 'env:MO_SECRET' };
  writeFileSync(join(cwd, 'mo-notify.config.json'), JSON.stringify({ endpoints: { crm } }));
  const listen = await startListen([], { cwd, env });
  expect((await post(listen.port, delivery())).status).toBe(200);
  await listen.stop();
  return cwd;
}

describe.each(Object.entries(FORMS))('%s as target', (_, form) => {
  const path = '/notify?key=hunter2%20%26%20co';

  test.each([
    ['send-test', (target: string) => ['send-test', target]],
    ['replay --to', (target: string) => ['replay', '--to', target]],
  ])('of %s', async (_name, args) => {
    const endpoint = await startEndpoint(answers(200));
    const io = testIo({ cwd: await world(endpoint), env });
    expect([await run(args(form(endpoint)), io), io.err()]).toEqual([0, expect.any(String)]);
    expect(endpoint.requests.map((request) => request.path)).toEqual([path]);
  });

  test.each([
    ['[forward-to]', (target: string) => [target]],
    ['--forward-to', (target: string) => ['--forward-to', target]],
  ])('of listen %s', async (_name, args) => {
    const endpoint = await startEndpoint(answers(200));
    const listen = await startListen(args(form(endpoint)), { cwd: await world(endpoint), env });
    await post(listen.port, delivery({ id: 'ev_2', body: eventBody({ call_id: 'MO2' }) }));
    await listen.stop();
    expect(endpoint.requests.map((request) => request.path)).toEqual([path]);
  });

  test('of dashboard [resend-to]', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { link } = await startCommand([form(endpoint)], { cwd: await world(endpoint), env });
    const page = await enter(link);
    const answer = await page.ask('/api/deliveries/receipt/1/resend', { method: 'POST' });
    expect(answer.status).toBe(200);
    expect(endpoint.requests.map((request) => request.path)).toEqual([path]);
  });

  test('of sign --curl', async () => {
    const endpoint = await startEndpoint(answers(200));
    const io = testIo({ cwd: await world(endpoint), env, stdin: '{}' });
    expect(await run(['sign', '--body', '-', '--curl', form(endpoint)], io)).toBe(0);
    expect(io.out()).toContain(`POST 'http://127.0.0.1:${endpoint.port}/notify?key='"$KEY"''`);
  });
});

test.each([
  [['send-test', 'crn']],
  [['listen', 'crn']],
  [['listen', '--forward-to', 'crn']],
  [['dashboard', 'crn']],
  [['replay', '--to', 'crn']],
  [['sign', '--body', '-', '--curl', 'crn']],
])('%j: what is no target is answered with the forms and the nearest name', async (args) => {
  const cwd = tempFolder();
  const crm = { url: 'https://crm.example.com/', secret: 'env:MO_SECRET' };
  writeFileSync(join(cwd, 'mo-notify.config.json'), JSON.stringify({ endpoints: { crm } }));
  const io = testIo({ cwd, env, stdin: '{}' });
  expect(await run(args, io)).toBe(2);
  expect(io.err()).toContain(
    "'crn' is not a target. Did you mean 'crm'? A target is an endpoint's name (crm), a URL",
  );
});
