// All the figures, one after the other: `npm run bench`. On a shared machine only the ratios mean something.
import { cpus } from 'node:os';
import { dashboard } from './dashboard.js';
import { install } from './install.js';
import { memory } from './memory.js';
import { openLoop } from './open-loop.js';
import { receiver } from './receiver.js';
import { replay } from './replay.js';
import { report } from './report.js';
import { sender } from './sender.js';
import { startup } from './startup.js';
import { tunnel } from './tunnel.js';
import { tunnelChannels } from './tunnel-channels.js';

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`);
const met = [
  install(),
  await startup(),
  await receiver(),
  await sender(),
  await openLoop(),
  await replay(),
  await report(),
  await dashboard(),
  await tunnel(),
  await tunnelChannels(),
  await memory(),
];
console.log(`\n${met.filter(Boolean).length} of ${met.length} groups meet their figures`);
process.exitCode = met.every(Boolean) ? 0 : 1;
