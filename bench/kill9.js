// Kills a receiver under load and looks for what it had acknowledged: `node bench/kill9.js [rounds=20]`. Each round
// starts `listen` on the same store, fires rightly signed, distinct deliveries over 64 keep-alive connections, sends
// SIGKILL at a random moment, and reopens the store: every delivery answered 2xx must be there exactly once, byte for
// byte, and the file must be sound. Ends with 1 on a loss.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';

const CONNECTIONS = 64;
const SECRET = 'bench-secret';
/** SIGKILL comes this long after the first acknowledgement, ms. */
const EARLIEST = 20;
const LATEST = 700;

const rounds = Number(process.argv[2] ?? 20);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error('usage: node bench/kill9.js [rounds=20]');
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'mo-notify-kill9-'));
const path = join(folder, 'deliveries.db');
/** What was ever acknowledged, by its number. */
const acknowledged = new Set();
let sent = 0;
let lost = 0;
try {
  for (let round = 1; round <= rounds; round++) {
    const acked = await killedRun();
    for (const number of acked) acknowledged.add(number);
    const { present, faults, sound } = look();
    lost += faults;
    if (sound !== 'ok') lost += 1;
    console.log(
      `round ${String(round).padStart(2)}: ${acked.length} acknowledged, ${present} present in all, ${faults} lost, integrity ${sound}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${rounds} rounds, ${acknowledged.size} acknowledged, ${lost} lost`);
process.exitCode = lost === 0 && acknowledged.size > 0 ? 0 : 1;

/** One life of a receiver under load; answers with the numbers of the deliveries it acknowledged. */
async function killedRun() {
  const bin = join(import.meta.dirname, '../bin/mo-notify.js');
  const args = [bin, 'listen', '--port', '0', '--json', '--quiet', '--store', path];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, MO_SECRET: SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const dead = once(child, 'exit');
  const port = await readyPort(child);
  const acked = [];
  let timer;
  const onAck = (number) => {
    acked.push(number);
    timer ??= setTimeout(() => child.kill('SIGKILL'), EARLIEST + Math.random() * (LATEST - EARLIEST));
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, () => fire(port, onAck)));
  clearTimeout(timer);
  child.kill('SIGKILL');
  const [, signal] = await dead;
  if (signal !== 'SIGKILL') throw new Error(`the receiver ended by itself (${signal})`);
  return acked;
}

function readyPort(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      if (text === null) return;
      text += chunk;
      const match = /"type":"ready","url":"[^"]*:(\d+)"/.exec(text);
      if (match === null) return;
      text = null;
      resolve(Number(match[1]));
    });
    child.once('exit', (code) => reject(new Error(`the receiver ended with ${code} before it was ready`)));
  });
}

/** Sends one delivery after another over one connection, until that breaks. */
function fire(port, onAck) {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    let current;
    let answer = '';
    const next = () => {
      current = sent++;
      answer = '';
      socket.write(request(current, port));
    };
    socket.on('connect', next);
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      const head = answer.indexOf('\r\n\r\n');
      const length = /content-length: (\d+)/i.exec(answer)?.[1];
      if (head < 0 || answer.length < head + 4 + Number(length)) return;
      if (/^HTTP\/1\.1 2\d\d /.test(answer)) onAck(current);
      next();
    });
    socket.on('error', () => {});
    socket.on('close', resolve);
  });
}

function request(number, port) {
  const body = bodyOf(number);
  const signature = createHmac('sha256', SECRET).update(body).digest('hex');
  return (
    `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
    `X-MO-Event-Id: ev_${number}\r\nX-MO-Signature: sha256=${signature}\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

function bodyOf(number) {
  return `{"event":"call_connected","call_id":"MO${number}","timestamp":"2025-07-21T12:45:00Z"}`;
}

/** Reopens the store: how many deliveries it has, how many it lacks, has twice or has altered, and if it is sound. */
function look() {
  const db = new Database(path);
  try {
    const rows = db.prepare('SELECT event_id, body FROM receipts').raw().all();
    const sound = db.prepare('PRAGMA integrity_check').raw().all()[0][0];
    const seen = new Map();
    for (const [id, body] of rows) {
      const number = Number(id.slice(3));
      const whole = Buffer.from(body).toString() === bodyOf(number);
      seen.set(number, (seen.get(number) ?? 0) + (whole ? 1 : Number.NaN));
    }
    let faults = 0;
    for (const number of acknowledged) if (seen.get(number) !== 1) faults += 1;
    for (const count of seen.values()) if (Number.isNaN(count)) faults += 1;
    return { present: seen.size, faults, sound };
  } finally {
    db.close();
  }
}
