// One loud channel among 200: deliveries at a steady rate to 199 channels, first alone, then while 10 MB/s of large bodies
// go through another one; what matters is how much longer the others wait for their answers, at the 99th percentile. In
// both modes. Relay on one core; publishers and listeners (bare ones, which only answer) on the other.
// `node bench/tunnel-channels.js`; ROUNDS, SECONDS.
import { Agent, request } from 'node:http';
import { WebSocket } from 'ws';
import { ratios, spread, verdict } from './figures.js';
import { output, ready, start, stop } from './pinned.js';
import { inFolder, makeChannels, startRelay } from './tunnel-sides.js';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 10);
const CHANNELS = 200;
const RATE = 400;
const LOUD_BODY = 1_000_000;
const LOUD_RATE = 10;
const NICE = ['nice', '-n', '19'];

export async function tunnelChannels() {
  console.log(
    `\nChannels: ${RATE} deliveries/s to ${CHANNELS - 1} channels for ${SECONDS} s, without and with ${LOUD_RATE} × ${LOUD_BODY / 1e6} MB/s on another, ${ROUNDS} rounds`,
  );
  const met = [];
  for (const ack of ['app', 'relay']) {
    const quiet = [];
    const loud = [];
    await inFolder(async (folder, keep) => {
      const channels = makeChannels(folder, CHANNELS, ack);
      const relay = keep(startRelay(folder, { core: 0 }));
      const { port } = new URL(await ready(relay));
      const [first, ...others] = channels;
      const run = async () => JSON.parse((await output(1, child('publish', port, others))).text).p99;
      keep(await listening(1, port, others));
      // The loud one's own ends are other machines: what they cost is not to be counted.
      keep(await listening(1, port, [first], NICE));
      await run();
      for (let round = 0; round < ROUNDS; round++) {
        quiet.push(await run());
        const noise = start(1, [...NICE, ...child('shout', port, [first])]);
        loud.push(await run());
        await stop(noise, 'SIGKILL');
      }
    });
    const mode = ack === 'app' ? 'pass-through' : 'store-and-forward';
    console.log(`      ${mode}: p99 ${spread(quiet)} ms alone, ${spread(loud)} ms beside the loud one`);
    met.push(
      verdict(`${mode}: p99 beside a loud channel / alone`, ratios(loud, quiet), '≤ 2', (r) => r <= 2),
    );
  }
  return met.every(Boolean);
}

const child = (part, port, channels) => [
  process.execPath,
  import.meta.filename,
  part,
  String(port),
  JSON.stringify(channels),
];

async function listening(core, port, channels, before = []) {
  const process = start(core, [...before, ...child('listen', port, channels)]);
  await new Promise((resolve) => process.stdout.once('data', resolve));
  return process;
}

/** Listeners that answer everything at once. */
function listen(port, channels) {
  let open = 0;
  for (const { id, token } of channels) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${id}`, 'mo-notify.tunnel.v1', {
      headers: { Authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    socket.on('message', (data, binary) => {
      if (!binary) {
        if (JSON.parse(data).type !== 'attached') return;
        socket.send('{"type":"open","open":true}');
        open += 1;
        if (open === channels.length) console.log('open');
        return;
      }
      for (let at = 0; at < data.length; at += 9 + data.readUInt32BE(at + 5)) {
        // answer (2), the same number, 4 bytes more: status 200, no headers, no body
        const answer = Buffer.alloc(13);
        answer[0] = 2;
        data.copy(answer, 1, at + 1, at + 5);
        answer.writeUInt32BE(4, 5);
        answer.writeUInt16BE(200, 9);
        socket.send(answer);
      }
    });
    socket.on('close', () => process.exit(1));
  }
}

/** Deliveries at a steady rate, in turn to each channel; the time counts from when one was due. */
async function publish(port, channels) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const body = Buffer.from(`{"event":"call_connected","note":"${'x'.repeat(300)}"}`);
  const times = [];
  const began = performance.now();
  const all = [];
  for (let n = 0; n < RATE * SECONDS; n++) {
    const due = began + (n * 1000) / RATE;
    if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    all.push(
      post(agent, port, channels[n % channels.length].id, body).then((status) => {
        if (status !== 200) throw new Error(`answered ${status}`);
        times.push(performance.now() - due);
      }),
    );
  }
  await Promise.all(all);
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({ p99: times[Math.floor(times.length * 0.99)] }));
  agent.destroy();
}

async function shout(port, [{ id }]) {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const body = Buffer.alloc(LOUD_BODY, 'x');
  setInterval(() => void post(agent, port, id, body), 1000 / LOUD_RATE);
}

function post(agent, port, id, body) {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        agent,
        port,
        host: '127.0.0.1',
        path: `/${id}`,
        method: 'POST',
        headers: { 'Content-Length': body.length },
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const [part, port, channels] = process.argv.slice(2);
if (process.argv[1] === import.meta.filename) {
  const parts = { listen, publish, shout };
  if (part === undefined) process.exitCode = (await tunnelChannels()) ? 0 : 1;
  else await parts[part](port, JSON.parse(channels));
}
