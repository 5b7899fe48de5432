// Fires rightly signed, distinct deliveries at a receiver over keep-alive connections: `node load.js PORT COUNT
// CONNECTIONS`. Requests are made beforehand, so that the load costs less than what it measures. Prints one JSON line.
// Every event is of a call of its own, or with BENCH_CALLS calls live at once: each rings, is answered, and ends. BENCH_HOST
// is what `Host` says.
import { createHmac } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';

const [port, count, connections] = process.argv.slice(2, 5).map(Number);
const secret = process.env.MO_SECRET ?? 'bench-secret';
const BLOCK = 20_000;
const live = Number(process.env.BENCH_CALLS ?? 0);
const path = process.env.BENCH_PATH ?? '/notify';
const host = process.env.BENCH_HOST ?? `127.0.0.1:${port}`;
/** The request's own time, per request, where it is asked for. */
const times = process.env.BENCH_TIMES === undefined ? null : [];
const LIFE = ['call_initiated', 'call_connected', 'call_disconnected'];

const run = Date.now().toString(36).toUpperCase();
const requests = new Array(BLOCK);
let made = 0;
/** Requests are made a block ahead of sending, so that a run of any length takes the same memory. */
function request() {
  if (made % BLOCK === 0) {
    for (let i = 0; i < BLOCK; i++) requests[i] = delivery(made + i);
  }
  return requests[made++ % BLOCK];
}

function delivery(i) {
  const now = new Date().toISOString();
  // One call begins, one that began a while ago is answered, and one that began longer ago ends.
  const [event, call] =
    live === 0 ? ['call_connected', i] : [LIFE[i % 3], Math.floor(i / 3) - (i % 3) * (live / 2)];
  const body = JSON.stringify({
    event,
    call_id: `MO${123_456_789 + call}`,
    caller_number: '+919876543210',
    receiver_number: '+911234567890',
    direction: 'inbound',
    timestamp: now,
    duration_seconds: 0,
    metadata: { queue: 'Sales', agent_id: 'ag_72', recording_url: null },
  });
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const id =
    process.env.BENCH_IDS === 'random'
      ? createHmac('sha256', run).update(String(i)).digest('hex').slice(0, 26)
      : `01M${run}${String(1e9 + i)}ABCDE`;
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n` +
      `User-Agent: mo-notify/bench\r\nX-MO-Event-Id: ev_${id}\r\nX-MO-Signature: sha256=${signature}\r\n` +
      `X-MO-Delivery-Attempt: 1\r\nX-MO-Sent-At: ${now}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

request();
made = 0;
let sent = 0;
let done = 0;
let refused = 0;
const began = process.hrtime.bigint();
for (let c = 0; c < connections; c++) {
  const socket =
    process.env.BENCH_TLS === undefined
      ? net.connect(port, '127.0.0.1')
      : tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.setNoDelay(true);
  let sentAt = 0;
  const next = () => {
    if (times !== null) sentAt = performance.now();
    if (sent++ < count) socket.write(request());
    else socket.end();
  };
  socket.on(process.env.BENCH_TLS === undefined ? 'connect' : 'secureConnect', next);
  socket.on('data', (data) => {
    // The rest of an answer that came in pieces.
    if (data.latin1Slice(0, 5) !== 'HTTP/') return;
    if (data.latin1Slice(9, 12) !== '200') refused += 1;
    done += 1;
    times?.push(performance.now() - sentAt);
    if (done === count) {
      const seconds = Number(process.hrtime.bigint() - began) / 1e9;
      console.log(
        JSON.stringify({ requests: count, refused, seconds, rate: count / seconds, ...quantiles() }),
      );
    }
    next();
  });
  socket.on('error', (error) => {
    console.error(error.message);
    process.exit(1);
  });
}

function quantiles() {
  if (times === null) return {};
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))];
  return { p50: at(0.5), p99: at(0.99) };
}
