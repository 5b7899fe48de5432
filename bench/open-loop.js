// Open loop: at 1000 a second for 20 s the achieved rate is within 0.5 %, and an endpoint that stalls once for 2 s shows
// in p99, because latency counts from when a send was due.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verdict } from './figures.js';
import { output, ready, start } from './pinned.js';

const RATE = 1000;
const SECONDS = 20;
const bin = join(import.meta.dirname, '../bin/mo-notify.js');

export async function openLoop() {
  console.log(`\nOpen loop: ${RATE} a second for ${SECONDS} s`);
  const steady = await measure([]);
  const stalled = await measure(['stall']);
  return [
    verdict('achieved rate / asked rate, steady endpoint', [steady.rate / RATE], '0.995–1.005', near, 4),
    verdict('p99, steady endpoint, ms', [steady.p99], null),
    verdict(
      'achieved rate / asked rate, endpoint stalls for 2 s',
      [stalled.rate / RATE],
      '0.995–1.005',
      near,
      4,
    ),
    verdict('p99 with the 2 s stall, ms', [stalled.p99], '≥ 1500', (ms) => ms >= 1500, 0),
  ].every(Boolean);
}

function near(ratio) {
  return ratio >= 0.995 && ratio <= 1.005;
}

async function measure(mode) {
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-bench-'));
  const endpoint = start(0, [process.execPath, join(import.meta.dirname, 'endpoint.js'), ...mode]);
  try {
    const url = await ready(endpoint);
    const args = [
      process.execPath,
      bin,
      'send-test',
      `${url}/`,
      '--rate',
      `${RATE}/s`,
      '--duration',
      `${SECONDS}s`,
      '--json',
      '--store',
      `sqlite:${join(folder, 'bench.db')}`,
    ];
    const { text, code } = await output(1, args, { env: { MO_SECRET: 'bench-secret' }, cwd: folder });
    if (code !== 0) throw new Error(`send-test ended with ${code}`);
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const { latency_ms: latency } = lines.pop();
    // From when the first was due to when the last was sent: what the run achieved, start-up and stalls included.
    const first = Math.min(...lines.map((attempt) => Date.parse(attempt.due_at)));
    const last = Math.max(...lines.map((attempt) => Date.parse(attempt.sent_at)));
    return { rate: ((lines.length - 1) / (last - first)) * 1000, p99: latency.p99 };
  } finally {
    endpoint.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) process.exitCode = (await openLoop()) ? 0 : 1;
