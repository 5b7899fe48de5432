// HMAC-SHA256 of a delivery's body: node:crypto's createHmac against the two one-shot digests of src/core/hmac.ts, in turn.
import { createHmac } from 'node:crypto';
import { signPayload } from '../dist/index.js';
import { ratios, spread, verdict } from './figures.js';

const ROUNDS = Number(process.env.ROUNDS ?? 10);
const COUNT = 100_000;
const body = Buffer.alloc(270, 'a delivery ');
const sides = {
  createHmac: () => `sha256=${createHmac('sha256', 'bench-secret').update(body).digest('hex')}`,
  signPayload: () => signPayload(body, 'bench-secret'),
};

export function hmac() {
  console.log(`\nHMAC: ${COUNT} of 270 bytes a round, ${ROUNDS} rounds`);
  const times = { createHmac: [], signPayload: [] };
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, work] of Object.entries(sides)) {
      const before = process.cpuUsage();
      for (let i = 0; i < COUNT; i++) work();
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) times[name].push((user + system) / COUNT);
    }
  }
  for (const name of Object.keys(sides))
    console.log(`      ${name.padEnd(12)} ${spread(times[name])} µs CPU`);
  return verdict('signPayload / createHmac', ratios(times.signPayload, times.createHmac), null);
}

if (process.argv[1] === import.meta.filename) hmac();
