// Chaos on a tunnel: `node bench/tunnel-chaos.js [deliveries=20000] [rate=500] [faults=10]`. Deliveries are published to a
// store-and-forward channel at a steady rate while relay and listener are killed with SIGKILL and the link between them is
// cut, each at least so many times, at random moments. In the end every delivery that was answered 2xx must have reached
// the app at least once with its own bytes, and what came to the listener again must be marked. Ends with 1 otherwise.
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import Database from 'libsql';
import { ready } from './pinned.js';
import { inFolder, makeChannel, SECRET, startListener, startRelay } from './tunnel-sides.js';

const [count = 20_000, rate = 500, faults = 10] = process.argv.slice(2).map(Number);
/** What the platform would do with a failure, in short. */
const PAUSES_MS = [1000, 2000, 4000];
const SETTLE_MS = 180_000;
/** One in fifty has a body of so many times 44 bytes, which a relay keeps in a file. */
const LARGE = 4000;

const acked = new Set();
const seen = new Map();
let corrupted = 0;

const bodyOf = (n) =>
  `{"event":"call_connected","call_id":"MO${n}","timestamp":"${new Date(1.8e12 + n).toISOString()}","note":"${createHash(
    'sha256',
  )
    .update(String(n))
    .digest('base64')
    .repeat(n % 50 === 49 ? LARGE : 1 + (n % 20))}"}`;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The app: knows each delivery's bytes by its number. */
function startApp() {
  const app = createServer((incoming, response) => {
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', () => {
      const n = Number(incoming.headers['x-mo-event-id']?.slice(3));
      if (Buffer.concat(chunks).toString() === bodyOf(n)) seen.set(n, (seen.get(n) ?? 0) + 1);
      else corrupted += 1;
      response.end('ok');
    });
  });
  return listening(app);
}

async function listening(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: server.address().port };
}

/** The link's way: cut at will. */
async function startCutter(target) {
  const pairs = new Set();
  const { server, port } = await listening(
    createTcpServer((client) => {
      const relay = connect(target, '127.0.0.1');
      const pair = [client, relay];
      pairs.add(pair);
      for (const [one, other] of [pair, [relay, client]]) {
        one.on('error', () => {});
        one.pipe(other);
        one.on('close', () => {
          pairs.delete(pair);
          other.destroy();
        });
      }
    }),
  );
  return {
    port,
    server,
    cut: () => {
      for (const [client, relay] of pairs) {
        client.resetAndDestroy();
        relay.destroy();
      }
    },
  };
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Resolves to the status; null where there was no answer. */
function post(port, path, n) {
  const body = bodyOf(n);
  const signature = createHmac('sha256', SECRET).update(body).digest('hex');
  const headers = {
    'Content-Type': 'application/json',
    'X-MO-Event-Id': `ev_${n}`,
    'X-MO-Signature': `sha256=${signature}`,
    'Content-Length': Buffer.byteLength(body),
  };
  return new Promise((resolve) => {
    const outgoing = request({
      agent,
      port,
      host: '127.0.0.1',
      path,
      method: 'POST',
      headers,
      timeout: 10_000,
    });
    outgoing.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
      response.on('error', () => resolve(null));
    });
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.on('error', () => resolve(null));
    outgoing.end(body);
  });
}

async function publish(port, path, n) {
  for (const pause of [...PAUSES_MS, null]) {
    const status = await post(port, path, n);
    if (status !== null && status >= 200 && status < 300) return acked.add(n);
    if (pause === null) return;
    await sleep(pause * (0.8 + 0.4 * Math.random()));
  }
}

/** Something that is killed and started again. */
function mortal(begin) {
  let child = null;
  const life = {
    kills: 0,
    start: async () => {
      child = begin();
      await ready(child);
    },
    kill: async () => {
      const dead = once(child, 'exit');
      child.kill('SIGKILL');
      await dead;
      life.kills += 1;
      await life.start();
    },
  };
  return life;
}

const shuffled = (list) =>
  list
    .map((item) => [Math.random(), item])
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);

await inFolder(async (folder, keep) => {
  const app = await startApp();
  const { id, token } = makeChannel(folder, 'chaos', 'relay');
  let relayPort = 0;
  const relay = mortal(() =>
    keep(startRelay(folder, { core: 0, port: relayPort, more: ['--heartbeat', '500ms'] })),
  );
  const first = keep(startRelay(folder, { core: 0 }));
  relayPort = Number(new URL(await ready(first)).port);
  first.kill('SIGKILL');
  await once(first, 'exit');
  await relay.start();
  const cutter = await startCutter(relayPort);
  const url = `ws://127.0.0.1:${cutter.port}/${id}`;
  const more = [String(app.port), '--no-probe'];
  const listener = mortal(() => keep(startListener(folder, { core: 1, url, token, more })));
  await listener.start();
  let cuts = 0;
  const cut = async () => {
    cuts += 1;
    cutter.cut();
  };

  const began = Date.now();
  const spanMs = (count / rate) * 1000;
  const chaos = (async () => {
    const plan = shuffled(Array.from({ length: faults }, () => [relay.kill, listener.kill, cut]).flat());
    const at = plan.map(() => Math.random() * spanMs).sort((a, b) => a - b);
    for (const [i, strike] of plan.entries()) {
      await sleep(Math.max(0, began + at[i] - Date.now()));
      await strike();
    }
  })();
  const publishing = [];
  for (let n = 0; n < count; n++) {
    const due = began + (n / rate) * 1000;
    if (due > Date.now()) await sleep(due - Date.now());
    publishing.push(publish(relayPort, `/${id}`, n));
  }
  await Promise.all([...publishing, chaos]);
  const missing = () => [...acked].filter((n) => !seen.has(n));
  const deadline = Date.now() + SETTLE_MS;
  while (missing().length > 0 && Date.now() < deadline) await sleep(200);
  const seconds = (Date.now() - began) / 1000;
  await sleep(1000);

  const { again, unmarked } = look(join(folder, 'listener.db'));
  const twice = [...seen.values()].filter((times) => times > 1).length;
  console.log(
    `${count} published at ${rate}/s, ${acked.size} answered 2xx; relay killed ${relay.kills}, listener killed ${listener.kills}, link cut ${cuts} times`,
  );
  console.log(
    `${seen.size} reached the app after ${seconds.toFixed(0)} s, ${missing().length} lost, ${corrupted} corrupted; the listener had ${again} again, ${unmarked} of them unmarked; the app had ${twice} more than once`,
  );
  const held = missing().length === 0 && corrupted === 0 && unmarked === 0 && acked.size > count / 2;
  const struck = relay.kills >= faults && listener.kills >= faults && cuts >= faults;
  process.exitCode = held && struck ? 0 : 1;
  agent.destroy();
  app.server.closeAllConnections();
  app.server.close();
  cutter.cut();
  cutter.server.close();
});

/** How many receipts repeat an earlier one, and how many of those do not say so. */
function look(path) {
  const db = new Database(path);
  try {
    const rows = db.prepare('SELECT event_id, duplicate, flags FROM receipts ORDER BY seq').raw().all();
    const known = new Set();
    let again = 0;
    let unmarked = 0;
    for (const [id, duplicate, flags] of rows) {
      if (known.has(id)) {
        again += 1;
        if (duplicate !== 'duplicate' && !String(flags).includes('redelivery')) unmarked += 1;
      }
      known.add(id);
    }
    return { again, unmarked };
  } finally {
    db.close();
  }
}
