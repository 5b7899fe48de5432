// The fastest endpoint that still counts: answers 200 to whole requests on a bare socket. When it is stopped it prints
// how many there were and how many a second between the first and the last. `node endpoint.js [stall]`: with `stall`
// it answers nothing for two seconds, five seconds after the first request.
import net from 'node:net';

const OK = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
const STALL = process.argv[2] === 'stall' ? { afterMs: 5000, forMs: 2000 } : null;
let count = 0;
let first = 0;
let last = 0;

const server = net.createServer((socket) => {
  socket.setNoDelay(true);
  let held = null;
  socket.on('data', (data) => {
    held = held === null ? data : Buffer.concat([held, data]);
    for (let length = whole(held); length > 0; length = whole(held)) {
      held = held.length === length ? null : held.subarray(length);
      answer(socket);
      if (held === null) return;
    }
  });
  socket.on('error', () => {});
});

/** The length of the first whole request in these bytes; 0 while it is incomplete. */
function whole(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.latin1Slice(0, end));
  const total = end + 4 + Number(length?.[1] ?? 0);
  return bytes.length >= total ? total : 0;
}

function answer(socket) {
  last = performance.now();
  if (count++ === 0) first = last;
  const since = last - first;
  if (STALL !== null && since >= STALL.afterMs && since < STALL.afterMs + STALL.forMs) {
    setTimeout(() => socket.write(OK), STALL.afterMs + STALL.forMs - since);
  } else socket.write(OK);
}

server.listen(0, '127.0.0.1', () => console.log(`Ready http://127.0.0.1:${server.address().port}`));
process.on('SIGTERM', () => {
  const seconds = (last - first) / 1000;
  console.log(JSON.stringify({ count, seconds, rate: (count - 1) / seconds }));
  process.exit(0);
});
