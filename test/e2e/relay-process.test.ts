import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SECRET } from '../helpers/delivery.ts';
import { startEndpoint } from '../helpers/endpoint.ts';
import { eventually } from '../helpers/eventually.ts';
import { exchange, openWire, request } from '../helpers/raw-http.ts';
import { channelAt, channelCommand, linesOf, nth, receiptsOf } from '../helpers/relay.ts';
import { onDisk } from '../helpers/relay-db.ts';
import { BIN, ROOT, type Running, spawnCli, start, tempFolder } from '../helpers/spawn-cli.ts';

const pem = (name: string) => join(ROOT, `fixtures/tls/${name}.pem`);

/** A process of its own; killed when the test ends. */
function spawned(args: string[], cwd: string, env: Record<string, string> = {}): Running {
  const running = start(process.execPath, [BIN, ...args], { cwd, env });
  onTestFinished(() => void running.child.kill('SIGKILL'));
  return running;
}

async function spawnRelay(cwd: string, args: string[] = []) {
  const running = spawned(['relay', '--json', '--port', '0', ...args], cwd);
  const [, url] = await running.waitFor(/"type":"ready","url":"([^"]+)"/);
  return { ...running, url: url as string, port: Number(new URL(url as string).port) };
}

async function makeChannel(cwd: string, args: string[] = []) {
  const { io } = await channelCommand(cwd, ['create', 'dev', '--json', ...args]);
  const { tunnel_url, token } = JSON.parse(io.out());
  return { name: 'dev', id: new URL(tunnel_url).pathname.slice(1), token };
}

test('a relay with a certificate of its own: proved and carried over TLS, plain http gets a hint', async () => {
  const cwd = tempFolder();
  const about = await makeChannel(cwd);
  const relay = await spawnRelay(cwd, ['--tls-cert', pem('valid'), '--tls-key', pem('key')]);
  expect(relay.url).toMatch(/^https:/);
  const tunnel = `wss://localhost:${relay.port}/${about.id}`;
  const trust = { NODE_EXTRA_CA_CERTS: pem('ca') };
  const listen = spawned(
    ['listen', '--port', '0', '--json', '--no-dashboard', '--with-bodies', '--tunnel', tunnel],
    tempFolder(),
    { ...trust, MO_SECRET: SECRET, MO_TUNNEL_TOKEN: about.token },
  );
  const distrustful = spawned(['listen', '--port', '0', '--no-dashboard', '--tunnel', tunnel], tempFolder(), {
    MO_SECRET: SECRET,
    MO_TUNNEL_TOKEN: about.token,
  });
  await listen.waitFor(/"type":"ready".*"tunnel":"https:\/\/localhost:/);
  const send = spawned(['send-test', `https://localhost:${relay.port}/${about.id}`, '--json'], tempFolder(), {
    ...trust,
    MO_SECRET: SECRET,
  });
  expect(await send.ended).toMatchObject({ code: 0, out: expect.stringContaining('"status":200') });
  await listen.waitFor(/"signature":"valid".*X-Forwarded-Proto","https"/);
  await exchange(relay.port, `POST /${about.id} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
  await relay.waitFor(/"type":"fault","kind":"bad_request","detail":"plain http came to this https port/);
  const { code, err } = await distrustful.ended;
  expect([code, err]).toEqual([3, expect.stringMatching(/no link to localhost:\d+: .*certificate/)]);
});

test('SIGTERM with a delivery at the app: no new one, its answer still comes, the listener is told, exit 130', async () => {
  const cwd = tempFolder();
  const about = await makeChannel(cwd);
  const relay = await spawnRelay(cwd);
  const channel = channelAt(relay.port, about);
  let release = () => {};
  const app = await startEndpoint((response) => {
    release = () => response.writeHead(202).end('late');
  });
  const listen = await channel.listen([app.url.href]);
  // A connection that is kept alive must not keep the process.
  const wire = await openWire(relay.port);
  wire.write(request(nth(0), `/${about.id}`));
  await app.arrived(1);
  relay.child.kill('SIGTERM');
  await eventually(() => expect(openWire(relay.port)).rejects.toThrow('ECONNREFUSED'));
  release();
  expect((await wire.waitFor(/^HTTP\/1\.1 (\d+)[\s\S]*late/))[1]).toBe('202');
  await listen.io.waitFor(/"state":"lost","reason":"the relay is restarting"/);
  const { code, out, err } = await relay.ended;
  expect([code, err]).toEqual([130, '']);
  expect(out.trim().split('\n').at(-1)).toMatch(/"type":"summary","passed":1,/);
  wire.socket.destroy();
});

test('SIGKILL and a new relay on its store: whatever was answered 200 is handed on, in order', async () => {
  const cwd = tempFolder();
  const about = await makeChannel(cwd, ['--ack', 'relay']);
  const relay = await spawnRelay(cwd);
  const channel = channelAt(relay.port, about);
  let answered = 0;
  // Killed while deliveries come in.
  for (let n = 0; n < 30; n++) {
    if (n === 20) relay.child.kill('SIGKILL');
    const answer = await channel.publish(nth(n)).catch(() => null);
    if (answer?.status !== 200) break;
    answered = n + 1;
  }
  await relay.ended;
  expect(answered).toBeGreaterThanOrEqual(20);
  const again = await spawnRelay(cwd);
  const listen = await channelAt(again.port, about).listen();
  const receipts = await receiptsOf(listen, answered);
  const ids = receipts.map(({ event_id }) => event_id);
  expect(ids.slice(0, answered)).toEqual(Array.from({ length: answered }, (_, n) => `ev_${n}`));
  await eventually(() => expect(onDisk(cwd)).toEqual([]));
  expect(linesOf(listen.io, 'receipt').every(({ duplicate }) => duplicate === null)).toBe(true);
});

test('a port that is taken ends the relay with 3, and names it', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const { code, err } = await spawnCli(['relay', '--port', String(port)]);
  taken.close();
  expect([code, err]).toEqual([3, expect.stringContaining(`Port ${port} on 127.0.0.1 is in use`)]);
});
