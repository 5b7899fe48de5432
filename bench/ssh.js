// An `ssh -R` to this machine: Debian's openssh-server on a free port, with keys made for the run.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { start } from './pinned.js';
import { freePort, reachable } from './ports.js';

/** Resolves to the port that leads to `target`. */
export async function startSsh(folder, keep, target) {
  const key = join(folder, 'key');
  const hostKey = join(folder, 'host-key');
  for (const path of [key, hostKey])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  mkdirSync('/run/sshd', { recursive: true });
  const [port, forwarded] = [await freePort(), await freePort()];
  const config = join(folder, 'sshd_config');
  writeFileSync(
    config,
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${hostKey}\nPidFile none\nAuthorizedKeysFile ${key}.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n`,
  );
  keep(start(0, ['/usr/sbin/sshd', '-D', '-e', '-f', config], { stdio: 'ignore' }));
  await reachable(port);
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'ExitOnForwardFailure=yes',
  ];
  keep(
    start(
      1,
      [
        'ssh',
        '-N',
        '-R',
        `${forwarded}:127.0.0.1:${target}`,
        '-i',
        key,
        '-p',
        String(port),
        ...options.flatMap((option) => ['-o', option]),
        `${userInfo().username}@127.0.0.1`,
      ],
      { stdio: 'ignore' },
    ),
  );
  await reachable(forwarded);
  return forwarded;
}
