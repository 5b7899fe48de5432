// How fast a sender is, by the endpoint's own count.
import { join } from 'node:path';
import { output, ready, start } from './pinned.js';

/** Requests a second between the first and the last; endpoint on one core, the command that `args` makes on the other. */
export async function endpointRate(cwd, args) {
  const endpoint = start(0, [process.execPath, join(import.meta.dirname, 'endpoint.js')]);
  try {
    const command = args(`${await ready(endpoint)}/`);
    const { code } = await output(1, command, {
      env: { MO_SECRET: 'bench-secret' },
      cwd,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}`);
    const counted = lastLine(endpoint);
    endpoint.kill('SIGTERM');
    return JSON.parse(await counted).rate;
  } finally {
    endpoint.kill('SIGKILL');
  }
}

/** What a process prints until it ends. */
function lastLine(child) {
  return new Promise((resolve) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.once('close', () => resolve(text.trim().split('\n').at(-1)));
  });
}
