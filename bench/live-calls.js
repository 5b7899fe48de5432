// Calls as they go on in a busy place: `node live-calls.js PORT CALLS RATE SECONDS`. First so many calls ring; then, at a
// rate, calls begin, are answered and end, so that their number stays. Prints a line when they ring, and one at the end.
import { createHmac } from 'node:crypto';
import net from 'node:net';

const [port, calls, rate, seconds] = process.argv.slice(2).map(Number);
const secret = process.env.MO_SECRET ?? 'bench-secret';
const CONNECTIONS = 16;
const TICK_MS = 10;

const run = Date.now().toString(36).toUpperCase();
const live = [];
let made = 0;
let sent = 0;
let refused = 0;

const idle = [];
const queue = [];
for (let i = 0; i < CONNECTIONS; i++) idle.push(connect());

function connect() {
  const socket = net.connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  socket.on('data', (data) => {
    if (data.latin1Slice(9, 12) !== '200') refused += 1;
    socket.done?.();
    const next = queue.shift();
    if (next === undefined) idle.push(socket);
    else start(socket, next);
  });
  return socket;
}

function start(socket, { bytes, resolve }) {
  socket.done = resolve;
  socket.write(bytes);
}

function send(event, call) {
  const body = JSON.stringify({
    event,
    call_id: call.id,
    caller_number: `+9198${call.number}`,
    receiver_number: '+911234567890',
    direction: call.number % 3 === 0 ? 'outbound' : 'inbound',
    timestamp: new Date().toISOString(),
    duration_seconds: event === 'call_disconnected' ? 42 : 0,
    metadata: {
      queue: ['Sales', 'Support', 'Billing'][call.number % 3],
      agent_id: `ag_${call.number % 40}`,
      recording_url: null,
    },
  });
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const bytes = Buffer.from(
    `POST /notify HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nX-MO-Event-Id: ev_${run}${String(sent++).padStart(9, '0')}\r\n` +
      `X-MO-Signature: sha256=${signature}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return new Promise((resolve) => {
    const socket = idle.pop();
    if (socket === undefined) queue.push({ bytes, resolve });
    else start(socket, { bytes, resolve });
  });
}

function begin() {
  const call = { id: `MO${run}${made}`, number: 10_000_000 + made, answered: false };
  made += 1;
  live.push(call);
  return send('call_initiated', call);
}

/** A call that rings is answered, one that was answered ends, and another begins. */
function goOn() {
  const call = live[Math.floor(Math.random() * live.length)];
  if (!call.answered) {
    call.answered = true;
    return send('call_connected', call);
  }
  live.splice(live.indexOf(call), 1);
  void begin();
  return send('call_disconnected', call);
}

await Promise.all(Array.from({ length: calls }, begin));
console.log('ringing');
await new Promise((resolve) => process.stdin.once('data', resolve));
const began = performance.now();
const before = sent;
await new Promise((resolve) => {
  const timer = setInterval(() => {
    const due = Math.min(seconds * rate, ((performance.now() - began) / 1000) * rate);
    while (sent - before < due) void goOn();
    if (due < seconds * rate) return;
    clearInterval(timer);
    resolve();
  }, TICK_MS);
});
console.log(JSON.stringify({ sent: sent - before, refused, seconds: (performance.now() - began) / 1000 }));
process.exit(0);
