// The built program under whichever Node runs this file: `npx -y node@22 test/matrix/smoke.js`. Plain JavaScript with no
// dependency. A line a check, `pass NAME` or `fail NAME: why`; exit code 1 where one fails.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '../..');
const bin = join(root, 'bin/mo-notify.js');
const cwd = mkdtempSync(join(tmpdir(), 'mo-notify-smoke-'));
const env = { PATH: process.env.PATH, MO_SECRET: 'a secret' };
const LIMIT_MS = 60_000;

const checks = {
  async version() {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.deepEqual(await run('--version'), { code: 0, out: `${version}\n`, err: '' });
  },

  async demo() {
    const { code, out, err } = await run('demo', '--json');
    assert.equal(code, 0, err);
    assert.equal(JSON.parse(out).ok, true);
    assert.equal(err, '');
  },

  async 'send and receive'() {
    const listen = start('listen', '--port', '0', '--json', '--max-events', '3');
    const ready = JSON.parse(await listen.firstLine);
    const sent = await run('send-test', ready.url, '--scenario', 'answered', '--speed', 'max', '--json');
    assert.equal(sent.code, 0, sent.err);
    const { code, out, err } = await listen.ended;
    assert.equal(code, 0, err);
    const receipts = lines(out).filter(({ type }) => type === 'receipt');
    assert.deepEqual(
      receipts.map(({ event, signature, status }) => [event, signature, status]).sort(),
      ['call_connected', 'call_disconnected', 'call_initiated'].map((event) => [event, 'valid', 200]),
    );
    const report = await run('report', '--json');
    assert.equal(report.code, 0, report.err);
    assert.equal(JSON.parse(report.out).totals.receipts, 3);
    assert.equal(JSON.parse(report.out).totals.attempts, 3);
  },

  async 'through a relay'() {
    const made = await run('relay', 'channel', 'create', 'dev', '--ack', 'relay', '--json');
    const { publish_url: path, token } = JSON.parse(made.out);
    const relay = start('relay', '--port', '0', '--json', '--for', '20s');
    const channel = `${JSON.parse(await relay.firstLine).url}/${path.split('/').at(-1)}`;
    // It waits for its listener.
    assert.equal((await run('send-test', channel, '--json', '--no-record')).code, 0);
    env.MO_TUNNEL_TOKEN = token;
    const tunnel = [
      '--tunnel',
      channel.replace('http', 'ws'),
      '--max-events',
      '1',
      '--store',
      'tunnelled.db',
    ];
    const { code, out, err } = await start('listen', '--port', '0', '--json', ...tunnel).ended;
    assert.equal(code, 0, err);
    assert.equal(lines(out).find(({ type }) => type === 'ready').tunnel, channel);
    assert.equal(lines(out).find(({ type }) => type === 'receipt').signature, 'valid');
    relay.stop();
    assert.equal((await relay.ended).code, 130);
  },

  async dashboard() {
    const listen = start('listen', '--port', '0', '--json', '--store', 'seen.db', '--max-events', '1');
    const { url, dashboard } = JSON.parse(await listen.firstLine);
    const { origin, hash } = new URL(dashboard);
    assert.match(await (await fetch(origin)).text(), /app\.js/);
    assert.equal((await fetch(`${origin}/api/kpis`)).status, 401);
    const headers = { Authorization: `Bearer ${hash.slice('#token='.length)}` };
    const entered = await fetch(`${origin}/session`, { method: 'POST', headers });
    const Cookie = entered.headers.get('set-cookie').split(';', 1)[0];
    const stream = (await fetch(`${origin}/api/feed`, { headers: { Cookie } })).body.getReader();
    assert.match(Buffer.from((await stream.read()).value).toString(), /^id: \d+\nevent: snapshot\n/);
    assert.equal((await run('send-test', url, '--json', '--no-record')).code, 0);
    assert.match(Buffer.from((await stream.read()).value).toString(), /"status":"Connected"/);
    await stream.cancel();
    assert.equal((await listen.ended).code, 0);
  },

  async 'export, import, the same report'() {
    const file = join(cwd, 'deliveries.ndjson');
    const other = ['--store', join(cwd, 'other.db')];
    const exported = await run('logs', 'export', '--with-bodies', '--show-numbers', '-o', file);
    assert.equal(exported.code, 0, exported.err);
    const imported = await run('logs', 'import', file, ...other);
    assert.equal(imported.code, 0, imported.err);
    const { out } = await run('report', '--json');
    assert.equal((await run('report', '--json', ...other)).out, out);
    assert.equal((await run('report', file, '--json')).out, out);
  },

  async replay() {
    const listen = start('listen', '--port', '0', '--json', '--max-events', '3');
    const ready = JSON.parse(await listen.firstLine);
    const { code, out, err } = await run('replay', '--to', ready.url, '--json');
    assert.equal(code, 0, err);
    assert.equal(lines(out).at(-1).delivered, 3);
    const receipts = lines((await listen.ended).out).filter(({ type }) => type === 'receipt');
    assert.deepEqual(
      receipts.map(({ duplicate }) => duplicate),
      ['duplicate', 'duplicate', 'duplicate'],
    );
  },

  async 'endpoints, formats and completion'() {
    const added = await run('endpoints', 'add', 'prod', 'https://example.com/notify', '--json');
    assert.equal(added.code, 0, added.err);
    assert.equal(JSON.parse((await run('endpoints', 'list', '--json')).out)[0].name, 'prod');
    for (const format of ['table', 'markdown', 'junit', 'html', 'prometheus', 'csv'])
      assert.match((await run('report', '--format', format, '--calls')).out, /\S/);
    assert.match((await run('support-bundle')).out, /mo-notify support bundle/);
    const candidates = await run('completion', '__complete', '_send-test', '_p');
    assert.match(candidates.out, /^prod\t/);
  },

  async 'the library'() {
    const { signPayload, verifySignature } = await import('mo-notify');
    const secret = "It's a Secret to Everybody";
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    assert.equal(signPayload('Hello, World!', secret), signature);
    const secrets = [{ name: 'mine', value: secret }];
    assert.equal(verifySignature(Buffer.from('Hello, World!'), signature, secrets).result, 'valid');
    assert.equal(verifySignature(Buffer.from('Hello'), signature, secrets).result, 'mismatch');
  },
};

for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`pass node ${process.versions.node}: ${name}`);
  } catch (error) {
    console.log(`fail node ${process.versions.node}: ${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
rmSync(cwd, { recursive: true, force: true });

function start(...args) {
  const child = spawn(process.execPath, [bin, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  let out = '';
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const ended = new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, out, err });
    });
  });
  const firstLine = new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      out += chunk;
      if (out.includes('\n')) resolve(out.slice(0, out.indexOf('\n')));
    });
    ended.then(() => reject(new Error(`it printed no line: ${err}`)));
  });
  firstLine.catch(() => {});
  return { firstLine, ended, stop: () => child.kill('SIGINT') };
}

function run(...args) {
  return start(...args).ended;
}

function lines(text) {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
