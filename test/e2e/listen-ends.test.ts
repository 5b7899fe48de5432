import { afterEach, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { delivery, SECRET } from '../helpers/delivery.ts';
import { startEndpoint } from '../helpers/endpoint.ts';
import { openWire, request } from '../helpers/raw-http.ts';
import { startListen, testIo } from '../helpers/test-io.ts';

const GRACE_MS = 5000;
const env = { MO_SECRET: SECRET };

afterEach(() => void vi.restoreAllMocks());

/** From now on the time that listen leaves for what is under way never ends: a run that needs it does not end either. */
function endlessGrace(): void {
  const { setTimeout } = globalThis;
  const patient = (work: () => void, ms?: number) =>
    setTimeout(work, ms === undefined || ms < GRACE_MS ? ms : 2 ** 31 - 1);
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(patient as typeof setTimeout);
}

test.each([
  ['--max-events 1', ['--max-events', '1'], 0],
  ['at Ctrl-C', [], 130],
])(
  'C9 listen %s ends once it has answered, though the sender keeps its connection open',
  async (_, flags, code) => {
    const listen = await startListen(flags, { env });
    const wire = await openWire(listen.port);
    endlessGrace();
    wire.write(request(delivery()));
    await wire.waitFor(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok/);
    expect(await (code === 0 ? listen.ended : listen.stop())).toBe(code);
    expect(listen.io.out()).toContain('"type":"summary"');
    wire.socket.destroy();
  },
);

test('C9 listen ends once it has answered what is under way at Ctrl-C', async () => {
  let release = () => {};
  const app = await startEndpoint((response) => {
    release = () => response.writeHead(202).end('late');
  });
  const listen = await startListen([app.url.href], { env });
  const wire = await openWire(listen.port);
  endlessGrace();
  wire.write(request(delivery()));
  await app.arrived(1);
  const ended = listen.stop();
  release();
  await wire.waitFor(/^HTTP\/1\.1 202 [\s\S]*late/);
  expect(await ended).toBe(130);
  wire.socket.destroy();
});

test('G18 listen --for ends when its time is up, though the clock is set back by an hour at every look', async () => {
  const io = testIo({ env });
  let wall = Date.now();
  io.now = () => {
    wall -= 3_600_000;
    return wall;
  };
  expect(await run(['listen', '--port', '0', '--no-dashboard', '--for', '50ms'], io)).toBe(0);
});
