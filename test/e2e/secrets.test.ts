import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { signPayload } from '../../src/core/signature.ts';
import { FAULTS } from '../../src/sender/delivery.ts';
import { filesWith, leakForms } from '../helpers/find-text.ts';
import { BIN, start, tempFolder } from '../helpers/spawn-cli.ts';
import { type RunningListen, startListen, testIo } from '../helpers/test-io.ts';

const CANARY = 'S3CR3T-canary/"é';
const FORMS = leakForms(CANARY);
const BODY = '{"event":"call_connected","call_id":"MO1","timestamp":"2025-07-21T12:45:00Z"}';
const GOOD = signPayload(BODY, CANARY);
const BAD = signPayload(BODY, 'another');

const elsewhere = tempFolder();
const secretFile = join(elsewhere, 'secret');
writeFileSync(secretFile, `${CANARY}\n`, { mode: 0o600 });

/** The ways in which a secret may reach a command. */
const SOURCES = {
  'the default variable': { flags: [], env: { MO_SECRET: CANARY }, stdin: '' },
  'a named variable': { flags: ['--secret-env', 'TEAM'], env: { TEAM: CANARY }, stdin: '' },
  'a file': { flags: ['--secret-file', secretFile], env: {}, stdin: '' },
  'standard input': { flags: ['--secret-stdin'], env: {}, stdin: `${CANARY}\n` },
};

function expectNoLeak(text: string, what: string): void {
  for (const form of FORMS) expect(text.includes(form), `${what} gives the secret away`).toBe(false);
}

describe.each(Object.entries(SOURCES))('F17 with the secret from %s', (_, { flags, env, stdin }) => {
  let cwd: string;
  let listen: RunningListen;
  let bodyFile: string;

  beforeAll(async () => {
    cwd = tempFolder();
    bodyFile = join(elsewhere, 'body.json');
    writeFileSync(bodyFile, BODY);
    mkdirSync(join(cwd, 'folder'));
    listen = await startListen(['--verbose', ...flags], { cwd, env, stdin });
    return async () => {
      await listen.stop();
      expectNoLeak(listen.io.out() + listen.io.err(), 'listen --json');
    };
  });

  const commands: [string, (port: string) => string[], number][] = [
    ['sign', () => ['sign', '--body', bodyFile], 0],
    ['sign --headers', () => ['sign', '--body', bodyFile, '--headers', '-v'], 0],
    ['sign --json', () => ['sign', '--body', bodyFile, '--json'], 0],
    ['sign --curl', () => ['sign', '--body', bodyFile, '--curl', '3000'], 0],
    ['verify a good one', () => ['verify', '--body', bodyFile, '--signature', GOOD, '-v'], 0],
    ['verify a bad one', () => ['verify', '--body', bodyFile, '--signature', BAD, '-v'], 1],
    [
      'verify a malformed one',
      () => ['verify', '--body', bodyFile, '--signature', GOOD.slice(7), '--json'],
      1,
    ],
    ['send-test', (port) => ['send-test', port, '-v'], 0],
    [
      'send-test --json',
      (port) => ['send-test', port, '--json', '--scenario', 'answered', '--speed', 'max'],
      0,
    ],
    ...FAULTS.filter((fault) => fault !== 'stale').map(
      (fault): [string, (port: string) => string[], number] => [
        `send-test --fault ${fault}`,
        (port) => ['send-test', port, '--fault', fault, '-v'],
        0,
      ],
    ),
    ['send-test to nobody', () => ['send-test', '1', '--retries', '0', '-v'], 1],
    ['send-test --curl', (port) => ['send-test', port, '--curl', '-v'], 0],
    ['send-test --dry-run', (port) => ['send-test', port, '--dry-run', '-v'], 0],
    ['send-test --dry-run --json', (port) => ['send-test', port, '--dry-run', '--json'], 0],
    ['a bad value', (port) => ['send-test', port, '--rate', 'fast', '-v'], 2],
    ['a bad flag', (port) => ['send-test', port, '--frobnicate'], 2],
    ['a store that cannot be', (port) => ['send-test', port, '--store', `sqlite:${cwd}/folder`], 3],
    ['a port that is taken', (port) => ['listen', '--port', port, '-v'], 3],
    ['an address that is not ours', () => ['listen', '--host', '192.0.2.1', '--port', '0'], 3],
  ];

  test.each(commands)('%s shows it nowhere', async (name, args, code) => {
    const io = testIo({ cwd, env, stdin });
    const port = String(listen.port);
    expect(await run([...args(port), ...flags], io), io.err()).toBe(code);
    expectNoLeak(io.out() + io.err(), name);
  });

  test('nor does any file below the folder, once everything is written', async () => {
    const io = testIo({ cwd, env });
    await run(['report', '--json', '-o', join(cwd, 'report.json')], io);
    expectNoLeak(io.out() + io.err(), 'report');
    expect(existsSync(join(cwd, '.mo-notify/deliveries.db'))).toBe(true);
    expect(filesWith(cwd, FORMS)).toEqual([]);
    expect(filesWith(elsewhere, FORMS).map(({ path }) => path)).toEqual([secretFile]);
  });

  test('nor does an answer to a sender, which does not learn the right signature either', async () => {
    for (const signature of [BAD, GOOD.toUpperCase(), GOOD.slice(7), 'sha256=']) {
      const answer = await fetch(listen.url, {
        method: 'POST',
        body: BODY,
        headers: { 'X-MO-Signature': signature },
      });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toBe('Invalid signature');
      const headers = JSON.stringify([...answer.headers]);
      expectNoLeak(headers, 'a header of the answer');
      expect(headers).not.toContain(GOOD.slice(7));
    }
    expect(listen.io.out()).not.toContain(GOOD.slice(7));
  });
});

describe.skipIf(process.platform !== 'linux')('F17 a program that listen runs (--exec)', () => {
  test.each(Object.entries(SOURCES))(
    'finds no secret from %s, neither in its environment nor in any process’s arguments',
    async (_, { flags, env, stdin }) => {
      const cwd = tempFolder();
      const probe =
        'cat >body; cat /proc/$$/environ /proc/self/environ >env; cat /proc/[0-9]*/cmdline >args 2>/dev/null; true';
      const args = [BIN, 'listen', '--port', '0', '--json', '--max-events', '1', '--exec', probe, ...flags];
      const running = start(process.execPath, args, { cwd, env: { ...env, OTHER_TOKEN: 'a-token' } });
      running.child.stdin?.end(stdin);
      const [, url] = (await running.waitFor(/"url":"([^"]+)"/)) as string[];
      const headers = { 'X-MO-Signature': GOOD, 'X-MO-Event-Id': 'ev_1' };
      await fetch(url as string, { method: 'POST', body: BODY, headers });
      const { code, out, err } = await running.ended;
      expect([code, err]).toEqual([0, '']);
      expectNoLeak(out + err, 'listen');
      expect(readFileSync(join(cwd, 'body'), 'utf8')).toBe(BODY);
      const seen = readFileSync(join(cwd, 'env'), 'utf8');
      expect(seen).toContain('MO_EVENT_ID=ev_1');
      expect(seen).not.toContain('a-token');
      expect(readFileSync(join(cwd, 'args'), 'utf8')).toContain('--exec');
      expect(filesWith(cwd, FORMS)).toEqual([]);
    },
  );
});

describe('the secret that listen makes', () => {
  test('is shown once, kept with mode 0600, and used by send-test without being shown', async () => {
    const cwd = tempFolder();
    const first = testIo({ cwd });
    expect(await run(['listen', '--port', '0', '--for', '1ms'], first)).toBe(0);
    const secret = /shown this once: (\S+)/.exec(first.out())?.[1] as string;
    expect(secret).toMatch(/^mosec_\S{32}$/);
    const kept = join(cwd, '.mo-notify/secrets/local');
    expect(filesWith(cwd, leakForms(secret))).toEqual([{ path: kept, mode: 0o600 }]);

    const again = testIo({ cwd });
    expect(await run(['listen', '--port', '0', '--for', '1ms'], again)).toBe(0);
    const listen = await startListen([], { cwd });
    const sender = testIo({ cwd });
    expect(await run(['send-test', String(listen.port), '-v'], sender)).toBe(0);
    await listen.stop();
    for (const io of [again, listen.io, sender]) expect(io.out() + io.err()).not.toContain(secret);
    expect(filesWith(cwd, leakForms(secret))).toEqual([{ path: kept, mode: 0o600 }]);
  });

  test('is given away where that is asked for: --print-secret, and --write-env with mode 0600', async () => {
    const cwd = tempFolder();
    const env = { MO_SECRET: CANARY };
    const printing = testIo({ cwd, env });
    expect(await run(['listen', '--print-secret'], printing)).toBe(0);
    expect([printing.out(), printing.err()]).toEqual([`${CANARY}\n`, '']);
    const path = join(cwd, '.env');
    writeFileSync(path, 'A=1\nMO_SECRET=old\nB=2', { mode: 0o644 });
    const writing = testIo({ cwd, env });
    expect(await run(['listen', '--port', '0', '--for', '1ms', '--write-env', path], writing)).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe(`A=1\nMO_SECRET='${CANARY}'\nB=2`);
    expect(filesWith(cwd, FORMS)).toEqual([{ path, mode: 0o600 }]);
    expectNoLeak(writing.out() + writing.err(), 'listen --write-env');
  });
});
