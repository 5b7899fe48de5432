// Start-up: whole processes against a bare `node -e 0`, in turn, each pinned to the same core.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ratios, spread, verdict } from './figures.js';
import { canPin, ready, start } from './pinned.js';

const ROUNDS = Number(process.env.ROUNDS ?? 20);
const bin = join(import.meta.dirname, '../bin/mo-notify.js');

export async function startup() {
  console.log(`\nStart-up: ${ROUNDS} rounds${canPin ? ', pinned to one core' : ''}; ratios to node -e 0`);
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-bench-'));
  const endpoint = start(0, [process.execPath, join(import.meta.dirname, 'endpoint.js')]);
  try {
    const body = join(folder, 'body.json');
    writeFileSync(body, '{"event":"call_connected"}');
    const signature = execFileSync(process.execPath, [bin, 'sign', '--body', body], { env: environment() })
      .toString()
      .trim();
    const sides = {
      'node -e 0': { args: ['-e', '0'] },
      '--version': { args: [bin, '--version'], limit: 1.3 },
      '--help': { args: [bin, '--help'], limit: 1.3 },
      sign: { args: [bin, 'sign', '--body', body], limit: 1.5 },
      verify: { args: [bin, 'verify', '--body', body, '--signature', signature], limit: 1.5 },
      'send-test --dry-run': { args: [bin, 'send-test', '--dry-run'], limit: 2 },
      'send-test -n 1': { args: [bin, 'send-test', await ready(endpoint), '-n', '1'], limit: 2.6 },
    };
    const times = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
    for (let round = -1; round < ROUNDS; round++) {
      for (const [name, { args }] of Object.entries(sides)) {
        const took = time(args, folder);
        if (round >= 0) times[name].push(took);
      }
    }
    console.log(`      node -e 0  ${spread(times['node -e 0'], 0)} ms`);
    return Object.entries(sides)
      .filter(([, { limit }]) => limit !== undefined)
      .map(([name, { limit }]) =>
        verdict(
          `mo-notify ${name} / node -e 0`,
          ratios(times[name], times['node -e 0']),
          `≤ ${limit}`,
          (r) => r <= limit,
        ),
      )
      .every(Boolean);
  } finally {
    endpoint.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function time(args, cwd) {
  const command = canPin ? ['taskset', '-c', '1', process.execPath, ...args] : [process.execPath, ...args];
  const began = performance.now();
  const { status, stderr } = spawnSync(command[0], command.slice(1), { cwd, env: environment() });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - began;
}

function environment() {
  return { ...process.env, MO_SECRET: 'bench-secret' };
}

if (process.argv[1] === import.meta.filename) process.exitCode = (await startup()) ? 0 : 1;
