import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { delivery, SECRET } from '../helpers/delivery.ts';
import { type Answer, answers, deadPort, startEndpoint } from '../helpers/endpoint.ts';
import { lackReason, lacks, postThrough, startProxy, TOOL_PATH } from '../helpers/proxy-server.ts';
import { post } from '../helpers/raw-http.ts';
import { sendTest, signatureResult } from '../helpers/send-test.ts';
import { BIN, ROOT, type Running, start, tempFolder } from '../helpers/spawn-cli.ts';
import { startListen, testIo } from '../helpers/test-io.ts';

const env = { MO_SECRET: SECRET };

/** Runs in a folder with both outputs as one; it ends with the test. */
function startIn(cwd: string, command: string, args: string[], more: Record<string, string> = {}): Running {
  const script = 'exec "$(command -v "$0")" "$@" 2>&1';
  const running = start('sh', ['-c', script, command, ...args], { cwd, env: { PATH: TOOL_PATH, ...more } });
  onTestFinished(async () => {
    running.child.kill('SIGTERM');
    await running.ended;
  });
  return running;
}

/** A real `ssh -R` through a real sshd, both on this machine; answers with the port that leads to the other one. */
async function sshForward(to: number): Promise<number> {
  const cwd = tempFolder();
  for (const key of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(cwd, key)]);
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const port = await deadPort();
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${cwd}/host`,
    `AuthorizedKeysFile ${cwd}/user.pub`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
  ];
  writeFileSync(join(cwd, 'sshd_config'), `${config.join('\n')}\n`);
  await startIn(cwd, 'sshd', ['-D', '-e', '-f', join(cwd, 'sshd_config')]).waitFor(/Server listening/);
  const options = [
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'ExitOnForwardFailure=yes',
  ].flatMap((option) => ['-o', option]);
  const way = ['-N', '-R', `127.0.0.1:0:127.0.0.1:${to}`, '-p', String(port), '-i', join(cwd, 'user')];
  const host = `${userInfo().username}@127.0.0.1`;
  const ssh = startIn(cwd, 'ssh', ['-F', 'none', ...options, ...way, host]);
  const [, forwarded] = await ssh.waitFor(/Allocated port (\d+) for remote forward/);
  return Number(forwarded);
}

const ok: Answer = (response) => response.end('the app says so');

describe.skipIf(lacks('sshd'))(`ssh -R${lackReason('sshd')}`, () => {
  test('proved, and a signed delivery goes through', async () => {
    const app = await startEndpoint(ok);
    // The tunnel is told the listener's port, and the listener the tunnel's.
    const port = await deadPort();
    const url = `http://127.0.0.1:${await sshForward(port)}/`;
    const argv = [String(app.port), '--port', String(port), '--no-dashboard', '--public-url', url];
    const listen = await startListen(argv, { env });
    onTestFinished(async () => void (await listen.stop()));
    expect(listen.io.err()).toContain(`Sending a probe to ${url}`);
    expect(listen.io.out()).toContain(`"tunnel":"${url}"`);
    expect((await sendTest(url, ['--event', 'connected'])).code).toBe(0);
    const [seen] = app.requests;
    expect(app.requests).toHaveLength(1);
    expect(seen && signatureResult(seen)).toBe('valid');
    await listen.io.waitFor(/"type":"receipt".*"signature":"valid"/);
  });

  test.skipIf(lacks('nginx'))(`with nginx and TLS on the host${lackReason('nginx')}`, async () => {
    const app = await startEndpoint(ok);
    const port = await deadPort();
    const nginx = await startProxy('nginx', await sshForward(port));
    const publicUrl = `${nginx.url}/notify`;
    const argv = ['listen', String(app.port), '--port', String(port), '--no-dashboard', '--json'];
    const more = { ...env, NODE_EXTRA_CA_CERTS: join(ROOT, 'fixtures/tls/ca.pem') };
    const listen = startIn(tempFolder(), process.execPath, [BIN, ...argv, '--public-url', publicUrl], more);
    await listen.waitFor(/"type":"ready"/);
    const sent = delivery({ body: '{"event":"call_connected", "call_id":"\\u00e9\\/é"}\r\n' });
    expect(await postThrough(publicUrl, sent)).toMatchObject({ status: 200, body: 'the app says so' });
    expect(app.requests[0]?.body).toEqual(sent.body);
    expect(app.requests[0] && signatureResult(app.requests[0])).toBe('valid');
    expect(app.requests[0]?.header('X-Forwarded-For')).toBe('127.0.0.2');
  });
});

describe('what the probe says', () => {
  const page = readFileSync(join(ROOT, 'docs/tunnels.md'), 'utf8');
  const html = (text: string) => `<!doctype html><html><body>${text}</body></html>`;

  /** `listen --public-url` on this port with this answer at the public URL: what it says as it gives up. */
  async function complaint(answer: Answer, port: number): Promise<string> {
    const { url } = await startEndpoint(answer);
    const io = testIo({ env });
    const code = await run(
      ['listen', '--port', String(port), '--no-dashboard', '--public-url', url.href],
      io,
    );
    expect(code).toBe(3);
    return io.err();
  }

  test.each([
    ['ngrok answers in its place', [200, {}, html('You are about to visit: … served by ngrok')]],
    ["localtunnel's reminder page answers in its place", [401, {}, html('loca.lt: tunnel password')]],
    ['Cloudflare answers in its place', [403, {}, html('Cloudflare: checking your browser')]],
    ['a web page answers in its place', [200, {}, html('welcome')]],
    ['a redirect to', [301, { Location: 'https://elsewhere.example/' }]],
    ['something else answers there', [200, {}, 'hello']],
  ] as const)('%s', async (words, [status, headers, body = '']) => {
    expect(await complaint(answers([status, headers, body]), 0)).toContain(words);
    expect(page).toContain(words);
  });

  /** A tunnel that leaves a header out, or changes the body of what goes through it. */
  const meddler =
    (port: number, without: RegExp, change: (body: string) => string): Answer =>
    async (response, { headers, body }) => {
      const kept = headers.flatMap((name, at) =>
        at % 2 === 1 || without.test(name) || /^(?:host|connection|content-length)$/i.test(name)
          ? []
          : [name, headers[at + 1] as string],
      );
      const answer = await post(port, { headers: kept, body: Buffer.from(change(body.toString())) });
      response.writeHead(answer.status).end(answer.body);
    };

  test.each([
    ['do not arrive as sent', /^x-mo-(?:sent-at|signature)$/i, (body: string) => body],
    ['the body arrives changed', /^$/, (body: string) => JSON.stringify(JSON.parse(body))],
  ] as const)('%s', async (words, without, change) => {
    const port = await deadPort();
    expect(await complaint(meddler(port, without, change), port)).toContain(words);
    expect(page).toContain(words);
  });

  test('nothing with --no-probe', async () => {
    const url = `http://127.0.0.1:${await deadPort()}/`;
    const listen = await startListen(['--no-dashboard', '--no-probe', '--public-url', url], { env });
    expect(listen.io.err()).not.toContain('Sending a probe');
    expect(await listen.stop()).toBe(130);
  });
});
