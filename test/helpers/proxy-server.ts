import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { deadPort, tlsFixture } from './endpoint.ts';
import { ROOT, type Running, start, tempFolder } from './spawn-cli.ts';

/** Where servers are that Debian keeps out of a user's way. */
export const TOOL_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

/** Whether to skip what needs this program. In CI nothing is skipped: there the start fails and says why. */
export function lacks(tool: string): boolean {
  const there = spawnSync('sh', ['-c', `command -v ${tool}`], { env: { PATH: TOOL_PATH } }).status === 0;
  return !there && (process.env.CI === undefined || process.env.CI === '');
}

/** For the name of a suite that needs it, so that it says why it was skipped. */
export const lackReason = (tool: string) => (lacks(tool) ? ` (skipped: no ${tool} here)` : '');

export type ProxyKind = 'nginx' | 'caddy';

/** What stands in the placeholders of fixtures/proxies, by name. */
export type Places = Record<string, string>;

/** A configuration of fixtures/proxies with its placeholders filled in. */
export function proxyConfig(kind: ProxyKind, places: Places): string {
  const file = kind === 'nginx' ? 'nginx.conf' : 'Caddyfile';
  const template = readFileSync(join(ROOT, 'fixtures/proxies', file), 'utf8');
  return template.replaceAll(/\{\{([A-Z]+)\}\}/g, (_, name: string) => {
    const value = places[name];
    if (value === undefined) throw new Error(`nothing for {{${name}}} of ${file}`);
    return value;
  });
}

/** A change of the configuration; it must change something. */
export type Change = (config: string) => string;

/** Changes what matches, which must be there. */
export function swap(pattern: RegExp, replacement: string): Change {
  return (config) => {
    if (!pattern.test(config)) throw new Error(`no ${pattern} in ${config}`);
    return config.replace(pattern, replacement);
  };
}

export interface ProxyServer {
  port: number;
  /** How it is called from outside: https, with the certificate of fixtures/tls. */
  url: string;
  /** Takes the configuration anew, changed like this, without a restart. */
  reload(change?: Change): Promise<void>;
  stop(): Promise<void>;
  /** Once more, on the same port. */
  start(): Promise<void>;
}

/** A real nginx or Caddy on a free port of 127.0.0.1, before a relay; it ends with the test. */
export async function startProxy(
  kind: ProxyKind,
  relayPort: number,
  change: Change = (config) => config,
): Promise<ProxyServer> {
  const cwd = tempFolder();
  const server = kind === 'nginx' ? nginx(cwd) : caddy(cwd);
  const write = (port: number, changed: Change) => {
    const listen = { LISTEN: `127.0.0.1:${port}`, NAME: 'localhost', SITE: `https://localhost:${port}` };
    const [certificate, key] = ['valid', 'key'].map((name) => join(ROOT, `fixtures/tls/${name}.pem`));
    const here = `\tbind 127.0.0.1\n\ttls ${certificate} ${key}\n`;
    const own = { CERTIFICATE: certificate as string, KEY: key as string, HERE: here };
    const config = proxyConfig(kind, { ...listen, ...own, RELAY: `127.0.0.1:${relayPort}` });
    writeFileSync(join(cwd, 'site.conf'), changed(config));
  };
  let running: Running | null = null;
  const stop = async () => {
    running?.child.kill('SIGTERM');
    await running?.ended;
    running = null;
  };
  onTestFinished(stop);
  const launch = async () => {
    running = start('sh', ['-c', 'exec "$0" "$@" 2>&1', ...server.command], {
      cwd,
      env: { PATH: TOOL_PATH },
    });
    await running.waitFor(server.ready(1));
  };
  const port = await deadPort();
  write(port, change);
  await launch();
  let loads = 1;
  return {
    port,
    url: `https://localhost:${port}`,
    stop,
    async start() {
      loads = 1;
      await launch();
    },
    async reload(changed = (config) => config) {
      write(port, changed);
      loads += 1;
      await server.reload(running as Running);
      await (running as Running).waitFor(server.ready(loads));
    },
  };
}

interface Server {
  command: string[];
  /** What it has printed once it has taken this many configurations. */
  ready(loads: number): RegExp;
  reload(running: Running): Promise<void>;
}

function nginx(cwd: string): Server {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const user = process.getuid?.() === 0 ? 'user root; ' : '';
  const main = `${user}daemon off; pid ${cwd}/pid; error_log stderr notice; worker_processes 1;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${cwd}/${name};`).join(' ')}
  include ${cwd}/site.conf;
}
`;
  writeFileSync(join(cwd, 'nginx.conf'), main);
  return {
    command: ['nginx', '-e', 'stderr', '-p', cwd, '-c', join(cwd, 'nginx.conf')],
    // The workers of before accept nothing more once they say that they are on their way out.
    ready: (loads) =>
      new RegExp(
        `(?:start worker process \\d[\\s\\S]*){${loads}}(?:gracefully shutting down[\\s\\S]*){${loads - 1}}`,
      ),
    reload: async ({ child }) => void child.kill('SIGHUP'),
  };
}

function caddy(cwd: string): Server {
  const admin = `unix/${cwd}/admin`;
  const main = `{
	admin ${admin}
	auto_https disable_redirects
	skip_install_trust
	servers {
		protocols h1 h2
	}
}
import ${cwd}/site.conf
`;
  const config = join(cwd, 'Caddyfile');
  writeFileSync(config, main);
  const from = ['--config', config, '--adapter', 'caddyfile'];
  return {
    command: ['caddy', 'run', ...from],
    ready: () => /serving initial configuration/,
    async reload() {
      const args = ['reload', ...from, '--address', admin, '--force'];
      const { code, err } = await start('caddy', args, { cwd, env: { PATH: TOOL_PATH } }).ended;
      if (code !== 0) throw new Error(`caddy reload: ${err}`);
    },
  };
}

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Posts through a proxy, from 127.0.0.2, so that the proxy's own address cannot be mistaken for the client's. */
export function postThrough(
  url: string,
  { headers, body }: { headers: string[]; body: Uint8Array },
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: 'POST',
      ca: tlsFixture('ca'),
      family: 4,
      localAddress: '127.0.0.2',
      agent: false,
      headers: ['Host', new URL(url).host, 'Content-Length', String(body.length), ...headers],
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.end(body);
  });
}
