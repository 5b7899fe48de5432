import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { delivery, eventBody, SECRET } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { eventually } from '../helpers/eventually.ts';
import { exchange, parseAnswer, post } from '../helpers/raw-http.ts';
import { jsonLines, type RunningListen, startListen, testIo } from '../helpers/test-io.ts';

const env = { MO_SECRET: SECRET };
const missed = (id: string, fields = {}) =>
  delivery({ id, body: eventBody({ event: 'call_missed', call_id: id, ...fields }) });

/** The exit code of a `listen` that ends by itself. */
async function endedByItself(listen: RunningListen): Promise<number> {
  await listen.io.waitFor(/"type":"summary"/);
  return listen.stop();
}

/** Runs `listen` for as long as `work` takes; resolves to the receipts it printed. */
async function listening(args: string[], work: (port: number) => Promise<void>) {
  const listen = await startListen(args, { env });
  try {
    await work(listen.port);
  } finally {
    await listen.stop();
  }
  return jsonLines(listen.io).filter(({ type }) => type === 'receipt');
}

test('--max-events ends the run with 0 after that many new events; duplicates and refusals do not count', async () => {
  const listen = await startListen(['--max-events', '2'], { env });
  await post(listen.port, missed('ev_1'));
  await post(listen.port, missed('ev_1'));
  await post(listen.port, delivery({ id: 'ev_x', signature: null }));
  expect(listen.io.out()).not.toContain('"summary"');
  expect((await post(listen.port, missed('ev_2'))).status).toBe(200);
  expect(await endedByItself(listen)).toBe(0);
  expect(jsonLines(listen.io).at(-1)).toMatchObject({ type: 'summary', received: 4, events: 2 });
});

test('--for ends the run with 0 when its time is up', async () => {
  const listen = await startListen(['--for', '30ms'], { env });
  expect(await endedByItself(listen)).toBe(0);
});

test('--respond 500,500,200 rehearses the retries of a sender', async () => {
  const receipts = await listening(['--respond', '500,500,200'], async (port) => {
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await post(port, missed('ev_1'))).status);
    expect(statuses).toEqual([500, 500, 200, 200]);
  });
  expect(receipts.map(({ status, duplicate }) => [status, duplicate])).toEqual([
    [500, null],
    [500, null],
    [200, null],
    [200, 'duplicate'],
  ]);
});

test.each([
  ['alone', false],
  ['in front of an app', true],
])('--delay holds the answer back, %s', async (_, forwarded) => {
  const app = forwarded ? [(await startEndpoint(answers(200))).url.href] : [];
  await listening([...app, '--delay', '150ms'], async (port) => {
    const began = performance.now();
    expect((await post(port, missed('ev_1'))).status).toBe(200);
    expect(performance.now() - began).toBeGreaterThan(145);
  });
});

test('--delay does not outlast the run: Ctrl-C answers what is held back', async () => {
  const listen = await startListen(['--delay', '10m'], { env });
  const answer = post(listen.port, missed('ev_1'));
  await eventually(async () => {
    const io = testIo({ cwd: listen.io.cwd });
    await run(['report', '--json'], io);
    expect(jsonLines(io)).toMatchObject([{ totals: { receipts: 1 } }]);
  });
  const code = listen.stop();
  expect((await answer).status).toBe(200);
  expect(await code).toBe(130);
});

test('--events: the others are received and recorded, not handed on', async () => {
  const app = await startEndpoint(answers(200));
  const receipts = await listening([app.url.href, '-e', 'connected'], async (port) => {
    await post(port, missed('ev_1'));
    await post(port, delivery({ id: 'ev_2' }));
  });
  expect(receipts.map(({ event, status, forward }) => [event, status, forward !== null])).toEqual([
    ['call_missed', 200, false],
    ['call_connected', 200, true],
  ]);
  expect(app.requests).toHaveLength(1);
});

test.each([
  ['a warning', [], 200],
  ['with --strict a refusal', ['--strict'], 400],
  ['with --strict a refusal by --invalid-status', ['--strict', '--invalid-status', '401'], 401],
])('--max-age: an old event is %s', async (_, args, status) => {
  const old = missed('ev_1', { timestamp: new Date(Date.now() - 120_000).toISOString() });
  const fresh = missed('ev_2', { timestamp: new Date().toISOString() });
  const receipts = await listening(['--max-age', '1m', ...args], async (port) => {
    expect((await post(port, old)).status).toBe(status);
    expect((await post(port, fresh)).status).toBe(200);
  });
  expect(receipts.map(({ flags }) => (flags as string[]).includes('stale'))).toEqual([true, false]);
});

test('--strict, --no-verify, --invalid-status, --path, --max-body and --allow-host reach the receiver', async () => {
  await listening(
    ['--strict', '--path', '/in', '--max-body', '1KiB', '--invalid-status', '401'],
    async (port) => {
      expect((await post(port, delivery({ body: 'x' }), { path: '/in' })).status).toBe(422);
      expect((await post(port, delivery())).status).toBe(404);
      expect((await post(port, delivery({ body: ' '.repeat(1025) }), { path: '/in' })).status).toBe(413);
      expect((await post(port, delivery({ signature: null }), { path: '/in' })).status).toBe(401);
    },
  );
  const receipts = await listening(['--no-verify', '--allow-host', '127.0.0.1'], async (port) => {
    expect((await post(port, delivery({ signature: null }))).status).toBe(200);
    expect(parseAnswer(await exchange(port, 'POST / HTTP/1.1\r\nHost: evil.example\r\n\r\n')).status).toBe(
      403,
    );
  });
  expect(receipts).toMatchObject([{ signature: 'unchecked', secret: null }]);
});

test('A14, A15 conflicts and suspected replays are told apart in the stream and the summary', async () => {
  const listen = await startListen([], { env });
  await post(listen.port, missed('ev_1'));
  await post(listen.port, delivery({ id: 'ev_1' }));
  await post(listen.port, delivery({ id: 'ev_2' }));
  await listen.stop();
  const lines = jsonLines(listen.io);
  expect(lines.slice(1, 4).map(({ duplicate }) => duplicate)).toEqual([null, 'conflict', 'suspected_replay']);
  expect(lines.at(-1)).toMatchObject({ conflicts: 1, suspected: 1, duplicates: 0 });
});

test('--exec gets each new event once: its bytes, a minimal environment, and no secret', async () => {
  const command = 'cat > "body-$MO_EVENT_ID"; env > "env-$MO_EVENT_ID"; echo run >> runs';
  const listen = await startListen(['--exec', command], {
    env: { ...env, PATH: process.env.PATH ?? '', OTHER: 'x' },
  });
  const { cwd } = listen.io;
  const sent = delivery({
    id: 'ev_a',
    body: `\ufeff${eventBody()}\n`,
    headers: ['X-MO-Delivery-Attempt', '3'],
  });
  await post(listen.port, sent);
  await post(listen.port, sent);
  await post(listen.port, delivery({ id: 'ev_b', signature: null }));
  await listen.stop();
  expect(readFileSync(join(cwd, 'body-ev_a')).equals(sent.body)).toBe(true);
  const environment = readFileSync(join(cwd, 'env-ev_a'), 'utf8');
  expect(environment).toContain('MO_EVENT_ID=ev_a\n');
  expect(environment).toContain('MO_DELIVERY_ATTEMPT=3\n');
  expect(environment).not.toMatch(/MO_SECRET|OTHER|S3CR3T/);
  expect(readFileSync(join(cwd, 'runs'), 'utf8')).toBe('run\n');
  expect(existsSync(join(cwd, 'body-ev_b'))).toBe(false);
});

test('--exec: --strict withholds suspected replays from the command too, and a failing command is a warning', async () => {
  const listen = await startListen(['--strict', '--exec', 'echo run >> runs; exit 7'], {
    env: { ...env, PATH: process.env.PATH ?? '' },
  });
  await post(listen.port, missed('ev_1'));
  await post(listen.port, { ...missed('ev_1'), headers: missed('ev_1').headers.with(3, 'ev_2') });
  expect(await listen.stop()).toBe(130);
  expect(jsonLines(listen.io)[2]).toMatchObject({ duplicate: 'suspected_replay', status: 200 });
  expect(readFileSync(join(listen.io.cwd, 'runs'), 'utf8')).toBe('run\n');
  expect(listen.io.err()).toContain('--exec: the command ended with 7');
});

test('C6 a port that is taken: exit 3, naming it and how to find its holder, without a stack', async () => {
  const app = await startEndpoint(answers(200));
  const io = testIo({ env });
  expect(await run(['listen', '--port', String(app.port)], io)).toBe(3);
  expect(io.err()).toContain(`Port ${app.port} on 127.0.0.1 is in use`);
  expect(io.err()).toContain('--port 0');
  expect(io.err()).not.toMatch(/\n\s+at /);
});

test('C6 an address that is not ours: exit 3, naming it', async () => {
  const io = testIo({ env });
  expect(await run(['listen', '--port', '0', '--host', '203.0.113.1'], io)).toBe(3);
  expect(io.err()).toContain('The address 203.0.113.1 is not one of this machine');
});

test.each([
  ['::1', '::1'],
  ['::', '::1'],
  ['::', '127.0.0.1'],
])('C10 --host %s is served on %s, and the ready line has a URL that parses', async (host, client) => {
  const listen = await startListen(['--host', host], { env });
  expect(listen.url).toBe(`http://[${host}]:${listen.port}`);
  expect((await post(listen.port, delivery(), { host: client })).status).toBe(200);
  await listen.stop();
});

test.each([
  [['--port', '65536'], '65536'],
  [['--port', 'x'], 'x'],
  [['--path', 'notify'], "'notify'"],
  [['--respond', '99'], "'99'"],
  [['--respond', '500,,200'], "''"],
  [['--delay', '5'], "'5'"],
  [['--max-age', 'old'], "'old'"],
  [['--max-body', '0'], "'0'"],
  [['--events', 'mised'], "'mised'"],
  [['--for', '100d'], "'100d'"],
  [['--max-events', '0'], '0'],
  [['--ack', 'last'], 'last'],
  [['--invalid-status', '403'], '403'],
  [['ftp://127.0.0.1/'], "'ftp:'"],
  [['0'], "'0'"],
])('a bad value, %j: exit 2, and the message repeats it', async (args, value) => {
  const io = testIo({ env });
  expect(await run(['listen', '--port', '0', '--json', ...args], io)).toBe(2);
  expect(io.err()).toContain(value);
  expect(io.out()).toBe('');
});
