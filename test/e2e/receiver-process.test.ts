import { expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { delivery, eventBody, SECRET } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { eventually } from '../helpers/eventually.ts';
import { openWire, post, request } from '../helpers/raw-http.ts';
import { BIN, type Ended, type Running, spawnCli, start, tempFolder } from '../helpers/spawn-cli.ts';
import { jsonLines, testIo } from '../helpers/test-io.ts';

const env = { MO_SECRET: SECRET };

interface Listening extends Running {
  port: number;
  cwd: string;
  /** Sends the signal, if any; resolves once the process has ended. */
  end(signal?: NodeJS.Signals): Promise<Ended>;
}

/** `listen --json` as a process of its own; killed when the test ends. */
async function spawnListen(args: string[], { cwd = tempFolder(), prefix = '' } = {}): Promise<Listening> {
  const argv = [process.execPath, BIN, 'listen', '--port', '0', '--json', ...args];
  const running = start('sh', ['-c', `${prefix} exec "$0" "$@"`, ...argv], { env, cwd });
  onTestFinished(() => void running.child.kill('SIGKILL'));
  const [, port] = await running.waitFor(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/);
  return {
    ...running,
    port: Number(port),
    cwd,
    end(signal) {
      if (signal !== undefined) running.child.kill(signal);
      return running.ended;
    },
  };
}

function lines(out: string): Record<string, unknown>[] {
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Resolves once nobody can connect any more. */
async function refusesConnections(port: number): Promise<void> {
  await eventually(async () => {
    const wire = await openWire(port).catch((error: NodeJS.ErrnoException) => error.code);
    if (typeof wire === 'object') wire.socket.destroy();
    expect(wire).toBe('ECONNREFUSED');
  });
}

async function totals(cwd: string): Promise<unknown> {
  const io = testIo({ cwd });
  await run(['report', '--json'], io);
  return jsonLines(io)[0]?.totals;
}

test('C7 out of file descriptors: what is too much is refused, the process lives and recovers', async () => {
  const listen = await spawnListen([], { prefix: 'ulimit -n 64;' });
  const wires = await Promise.all(Array.from({ length: 120 }, () => openWire(listen.port)));
  let refused = 0;
  for (const wire of wires) {
    wire.write('POST / HTTP/1.1\r\n');
    void wire.ended.then(() => {
      refused += 1;
    });
  }
  await eventually(() => expect(refused).toBeGreaterThan(50));
  expect(refused).toBeLessThan(120);
  expect(listen.child.exitCode).toBeNull();
  for (const { socket } of wires) socket.destroy();
  await eventually(async () => expect((await post(listen.port, delivery())).status).toBe(200));
  const { code, out, err } = await listen.end('SIGTERM');
  expect(code).toBe(130);
  expect(lines(out).at(-1)).toMatchObject({ type: 'summary', events: 1 });
  expect(err).toBe('');
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  'C9 %s with a request in flight: no new connection, the answer still comes, it is recorded, exit 130',
  async (signal) => {
    let release = () => {};
    const app = await startEndpoint((response) => {
      release = () => response.writeHead(202).end('late');
    });
    const listen = await spawnListen([app.url.href]);
    const wire = await openWire(listen.port);
    wire.write(request(delivery()));
    await app.arrived(1);
    const ended = listen.end(signal);
    await refusesConnections(listen.port);
    release();
    expect((await wire.waitFor(/^HTTP\/1\.1 (\d+)[\s\S]*late/))[1]).toBe('202');
    const { code, out, err } = await ended;
    expect([code, err]).toEqual([130, '']);
    expect(lines(out).slice(1)).toMatchObject([
      { type: 'receipt', status: 202, forward: { status: 202 } },
      { type: 'summary', received: 1 },
    ]);
    expect(await totals(listen.cwd)).toMatchObject({ receipts: 1 });
    wire.socket.destroy();
  },
);

test('C9 a second signal ends it at once, whatever is in flight', async () => {
  const app = await startEndpoint(() => {});
  const listen = await spawnListen([app.url.href]);
  const wire = await openWire(listen.port);
  wire.write(request(delivery()));
  await app.arrived(1);
  listen.child.kill('SIGINT');
  await refusesConnections(listen.port);
  const { code, out } = await listen.end('SIGINT');
  expect(code).toBe(130);
  // Which it would say once the app's time was up.
  expect(out).not.toContain('"type":"summary"');
  wire.socket.destroy();
});

test('C9 neither an app that never answers nor a command that never ends holds it for ever', async () => {
  const app = await startEndpoint(() => {});
  const listen = await spawnListen([
    app.url.href,
    '--events',
    'missed',
    '--exec',
    'echo up >&2; exec sleep 100000',
  ]);
  const running = new Promise((resolve) => listen.child.stderr?.once('data', resolve));
  expect((await post(listen.port, delivery())).status).toBe(200);
  await running;
  const wire = await openWire(listen.port);
  wire.write(request(delivery({ id: 'ev_2', body: eventBody({ event: 'call_missed' }) })));
  await app.arrived(1);
  const { code, out } = await listen.end('SIGTERM');
  expect(code).toBe(130);
  expect(lines(out).at(-1)).toMatchObject({ type: 'summary', received: 2 });
  wire.socket.destroy();
});

test('--ack first: what was acknowledged survives kill -9 and is handed on by the next run, and only by that', async () => {
  const deaf = await startEndpoint(() => {});
  const first = await spawnListen([deaf.url.href, '--ack', 'first']);
  const sent = delivery({ headers: ['X-A', '1'] });
  expect((await post(first.port, sent)).status).toBe(200);
  await deaf.arrived(1);
  await first.end('SIGKILL');

  const app = await startEndpoint(answers(200));
  const second = await spawnListen([app.url.href, '--ack', 'first'], { cwd: first.cwd });
  await app.arrived(1);
  expect(app.requests[0]?.body.equals(sent.body)).toBe(true);
  expect(app.requests[0]?.header('x-a')).toBe('1');
  expect((await post(second.port, sent)).headers['x-mo-duplicate']).toBe('true');
  expect((await second.end('SIGTERM')).err).toContain(
    'Forwarded 1 delivery that another run had acknowledged and not forwarded.',
  );

  const third = await spawnListen([app.url.href, '--ack', 'first'], { cwd: first.cwd });
  expect((await third.end('SIGTERM')).err).toBe('');
  expect(app.requests).toHaveLength(1);
});

test('G20 a second run on the same store leaves to the first what that has at its app', async () => {
  const app = await startEndpoint(() => {});
  const first = await spawnListen([app.url.href, '--ack', 'first']);
  await post(first.port, delivery());
  await app.arrived(1);
  const second = await spawnListen([app.url.href, '--ack', 'first'], { cwd: first.cwd });
  // What it stores comes after its look for what others left.
  await post(second.port, delivery({ id: 'ev_2', body: eventBody({ call_id: 'MO2' }) }));
  await app.arrived(2);
  expect(app.requests.map(({ header }) => header('x-mo-event-id'))).toEqual(['ev_1', 'ev_2']);
  // A run that is gone leaves it to the next at once.
  await first.end('SIGKILL');
  await spawnListen([app.url.href, '--ack', 'first'], { cwd: first.cwd });
  await app.arrived(3);
  expect(app.requests[2]?.header('x-mo-event-id')).toBe('ev_1');
});

test('C6 a port that is taken ends the process at once, --for or not', async () => {
  const app = await startEndpoint(answers(200));
  const { code, out, err } = await spawnCli(['listen', '--port', String(app.port), '--for', '60s'], { env });
  expect([code, out]).toEqual([3, '']);
  expect(err).toMatch(/^mo-notify: Port \d+ on 127\.0\.0\.1 is in use.*\n$/);
});

test('--exec does not write into the --json stream', async () => {
  const listen = await spawnListen(['--exec', 'echo noise', '--max-events', '1']);
  await post(listen.port, delivery());
  const { code, out, err } = await listen.end();
  expect(code).toBe(0);
  expect(lines(out).map(({ type }) => type)).toEqual(['ready', 'receipt', 'summary']);
  expect(err).toBe('noise\n');
});
