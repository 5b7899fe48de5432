import { writeFileSync } from 'node:fs';
import net, { type Socket, type TcpSocketConnectOpts } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { startCommand } from '../helpers/dashboard-command.ts';
import { enter } from '../helpers/dashboard-server.ts';
import { delivery, SECRET } from '../helpers/delivery.ts';
import { answers, type Endpoint, startEndpoint } from '../helpers/endpoint.ts';
import { post } from '../helpers/raw-http.ts';
import { tempFolder } from '../helpers/spawn-cli.ts';
import { jsonLines, startListen, testIo } from '../helpers/test-io.ts';

const PUBLIC = '93.184.215.14';
const WORDS = /93\.184\.215\.14 is a public address.*--allow-http permits it/;
const env = { MO_SECRET: SECRET };

/** Connections to the public address end at this machine. */
beforeEach(() => {
  const connect = net.connect as (options: TcpSocketConnectOpts) => Socket;
  vi.spyOn(net, 'connect').mockImplementation(((options: TcpSocketConnectOpts) =>
    connect({
      ...options,
      host: options.host === PUBLIC ? '127.0.0.1' : options.host,
    })) as typeof net.connect);
});
afterEach(() => vi.restoreAllMocks());

const urlOf = ({ port }: Endpoint) => `http://${PUBLIC}:${port}/notify`;

/** A folder whose config has the endpoint as `crm`, and a log with one delivery that was received. */
async function world(endpoint: Endpoint, settings: object = {}): Promise<string> {
  const cwd = tempFolder();
  const crm = { url: urlOf(endpoint), secret: 'env:MO_SECRET', ...settings };
  writeFileSync(join(cwd, 'mo-notify.config.json'), JSON.stringify({ endpoints: { crm } }));
  const listen = await startListen([], { cwd, env });
  await post(listen.port, delivery());
  await listen.stop();
  return cwd;
}

/** The ways to permit it, and to a target by which. */
const WAYS: [string, (endpoint: Endpoint) => string, string[], object, boolean][] = [
  ['a URL', urlOf, [], {}, false],
  ['a URL with --allow-http', urlOf, ['--allow-http'], {}, true],
  ['a name', () => 'crm', [], {}, false],
  ['a name with --allow-http', () => 'crm', ['--allow-http'], {}, true],
  ['a name with allow_http in the config', () => 'crm', [], { allow_http: true }, true],
];

describe.each(WAYS)('plain http to a public address by %s', (_, target, flags, settings, permitted) => {
  test.each([
    ['send-test', (to: string) => ['send-test', to]],
    ['replay', (to: string) => ['replay', '--to', to]],
  ])('%s', async (_command, args) => {
    const endpoint = await startEndpoint(answers(200));
    const io = testIo({ cwd: await world(endpoint, settings), env });
    expect(await run([...args(target(endpoint)), '--json', ...flags], io)).toBe(permitted ? 0 : 1);
    const outcome = permitted
      ? { outcome: 'delivered', error: null }
      : { outcome: 'blocked', status: null, final: true, error: expect.stringMatching(WORDS) };
    expect(jsonLines(io).filter(({ kind }) => kind === 'attempt')).toMatchObject([outcome]);
    expect(endpoint.connections()).toBe(permitted ? 1 : 0);
  });

  test('listen', async () => {
    const endpoint = await startEndpoint(answers(200));
    const cwd = await world(endpoint, settings);
    const listen = await startListen([target(endpoint), ...flags], { cwd, env });
    const { status } = await post(listen.port, delivery({ id: 'ev_2', body: '{"event":"call_missed"}' }));
    await listen.stop();
    expect([status, endpoint.connections()]).toEqual(permitted ? [200, 1] : [502, 0]);
    const [receipt] = jsonLines(listen.io).filter(({ type }) => type === 'receipt');
    expect(receipt).toMatchObject({
      forward: permitted ? { status: 200 } : { status: null, error: expect.stringMatching(WORDS) },
    });
  });

  test('dashboard', async () => {
    const endpoint = await startEndpoint(answers(200));
    const cwd = await world(endpoint, settings);
    const { link } = await startCommand([target(endpoint), ...flags], { cwd, env });
    const resent = (await (await enter(link)).post('/api/deliveries/receipt/1/resend')).json();
    expect(resent).toMatchObject(permitted ? { status: 200 } : { error: expect.stringMatching(WORDS) });
    expect(endpoint.connections()).toBe(permitted ? 1 : 0);
  });
});

test('a probe of a public URL without TLS is blocked, too', async () => {
  const endpoint = await startEndpoint(answers(404));
  const io = testIo({ cwd: tempFolder(), env });
  expect(await run(['listen', '--port', '0', '--public-url', urlOf(endpoint)], io)).toBe(3);
  expect(io.err()).toMatch(WORDS);
  expect(endpoint.connections()).toBe(0);
});
