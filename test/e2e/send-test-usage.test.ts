import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { SECRET, secretIo, sendTest } from '../helpers/send-test.ts';
import { testIo } from '../helpers/test-io.ts';

const refused: [what: string, args: string[], says: RegExp][] = [
  ['D14 a header without a colon', ['-H', 'x'], /-H: 'x' is not a header/],
  ['D14 a header without a name', ['-H', ': x'], /is not a header/],
  ['D14 a header name with a space', ['-H', 'X Team: x'], /is not a header/],
  ['D14 a line feed in a header', ['-H', 'X-A: b\nX-Evil: 1'], /X-A has a line break/],
  ['D14 a carriage return in a header', ['-H', 'X-A: b\rc'], /X-A has a line break/],
  ['D14 a line break before the value', ['-H', 'X-A:\r\n X-Evil: 1'], /X-A has a line break/],
  ['D14 a line break in a name', ['-H', 'X-\r\nA: 1'], /is not a header/],
  ['D14 NUL in a header', ['-H', 'X-A: b\0'], /cannot carry/],
  ['D14 a character beyond latin1', ['-H', 'X-A: €'], /cannot carry/],
  ...[
    'X-MO-Signature',
    'x-mo-event-id',
    'X-MO-Delivery-Attempt',
    'Host',
    'Content-Length',
    'Transfer-Encoding',
  ].map((name): [string, string[], RegExp] => [`-H of ${name}`, ['-H', `${name}: 1`], /cannot be set/]),
  ...['Connection', 'Keep-Alive', 'Upgrade', 'Expect'].map((name): [string, string[], RegExp] => [
    `-H of ${name}`,
    ['-H', `${name}: 100-continue`],
    /cannot be set/,
  ]),
  [
    '--scenario',
    ['--scenario', 'transfered'],
    /'transfered' is not a scenario. Did you mean 'transferred'\?/,
  ],
  ['--speed', ['--speed', 'fast'], /--speed: 'fast' is not a speed. Write 1x, 10x or max/],
  ['--speed 0x', ['--speed', '0x'], /is not a speed/],
  ['--fault', ['--fault', 'bad-signatur'], /bad-signatur.*Did you mean 'bad-signature'\?/s],
  ['--body-format', ['--body-format', 'prety'], /Did you mean 'pretty'\?/],
  ['--set without =', ['--set', 'queue'], /--set: 'queue' is not an assignment/],
  ['--set without a path', ['--set', '=x'], /is not an assignment/],
  ['--set of a prototype', ['--set', '__proto__.x=1'], /__proto__/],
  [
    '--data of no file',
    ['--data', '/nowhere/body.json'],
    /--data: \/nowhere\/body.json cannot be read \(ENOENT\)/,
  ],
  ['--event-id empty', ['--event-id', ''], /--event-id: '' is not an event id/],
  ['--event-id with a line break', ['--event-id', 'a\r\nX-Evil: 1'], /is not an event id/],
  ['--event-id of 257 characters', ['--event-id', 'x'.repeat(257)], /is not an event id/],
  ['--call-id empty', ['--call-id', ''], /--call-id/],
  ['-n 0', ['-n', '0'], /Give a whole number from 1 up/],
  ['-n word', ['-n', 'many'], /'many' is invalid.*whole number/],
  ['--rate', ['--rate', 'fast'], /--rate: 'fast' is not a rate. Write it like 200\/s/],
  ['--rate 0/s', ['--rate', '0/s'], /is not a rate/],
  ['--duration', ['--duration', '5 minutes'], /--duration: '5 minutes' is not a duration/],
  ['--concurrency 0', ['--concurrency', '0'], /whole number from 1/],
  ['--retries -1', ['--retries=-1'], /whole number from 0/],
  ['--backoff', ['--backoff', '1s,,2s'], /--backoff: '1s,,2s' is not a list of durations/],
  ['--backoff unit', ['--backoff', '1s,5'], /--backoff: '5' is not a duration/],
  ['--timeout', ['--timeout', '30'], /--timeout: '30' is not a duration/],
  ['--duplicate', ['--duplicate', 'x'], /whole number from 0/],
  ['--threshold', ['--threshold', 'p95'], /--threshold: 'p95' is not a threshold/],
  ['--threshold rate', ['--threshold', 'success_rate>=101%'], /needs a rate from 0% to 100%/],
  ['--set with --data', ['--data', '-', '--set', 'x=1'], /--set cannot be used with --data/],
  ['--event with --data', ['--data', '-', '-e', 'missed'], /--event cannot be used with --data/],
  [
    '--scenario with --data',
    ['--data', '-', '--scenario', 'missed'],
    /--scenario cannot be used with --data/,
  ],
  ['a stale --data', ['--data', '-', '--fault', 'stale'], /--fault stale cannot be used with --data/],
  ['--event with --scenario', ['-e', 'missed', '--scenario', 'missed'], /--event cannot be used with --scen/],
  ['an unknown flag', ['--evnt', 'missed'], /unknown option '--evnt'.*--event/s],
  ['--secret-env of no variable', ['--secret-env', 'NOT_SET'], /NOT_SET is not set/],
];
test.each(refused)('%s: exit 2 before anything is sent or made', async (_, args, says) => {
  const endpoint = await startEndpoint(answers(200));
  const { code, io } = await sendTest(endpoint, args);
  expect(code).toBe(2);
  expect(io.err()).toMatch(says);
  expect(io.err()).not.toContain(SECRET);
  expect(io.err()).not.toMatch(/\n {4}at |[\0\r]/);
  expect(io.out()).toBe('');
  expect(endpoint.connections()).toBe(0);
  expect(existsSync(join(io.cwd, '.mo-notify'))).toBe(false);
});

test.each([
  ['file:///etc/passwd', /'file:.*' is not a target: deliveries go over https: or http:, not 'file:'/],
  ['ftp://127.0.0.1/x', /not 'ftp:'/],
  ['javascript:alert(1)', /not 'javascript:'/],
  ['data:text/plain,x', /not 'data:'/],
  ['nowhere', /'nowhere' is not a target/],
  ['0', /not a port/],
  ['65536', /not a port/],
  ['http://user:hunter2@127.0.0.1:1/', /has a user or password/],
  ['http://user@127.0.0.1:1/', /has a user or password/],
  ['http://user:hunter2@bad host/', /is not a target/],
  ['ftp://user:hunter2@host/', /not 'ftp:'/],
])('D13 the target %s: exit 2, and no password is repeated', async (target, says) => {
  const { code, io } = await sendTest(target);
  expect(code).toBe(2);
  expect(io.err()).toMatch(says);
  expect(io.err()).not.toContain('hunter2');
});

test('without a secret: exit 2, and it says where one may come from', async () => {
  const endpoint = await startEndpoint(answers(200));
  const { code, io } = await sendTest(endpoint, [], testIo());
  expect(code).toBe(2);
  expect(io.err()).toMatch(/No secret to sign with.*MO_SECRET.*--secret-file/);
  expect(endpoint.connections()).toBe(0);
});

test.each(['', ' padded', 'padded\n'])('an unusable secret (%j): exit 2', async (secret) => {
  const { code, io } = await sendTest('http://127.0.0.1:1/', [], secretIo({ env: { MO_SECRET: secret } }));
  expect(code).toBe(2);
  expect(io.err()).toContain('MO_SECRET');
});

test('a store that cannot be used: exit 3 before anything is sent', async () => {
  const endpoint = await startEndpoint(answers(200));
  const io = secretIo();
  writeFileSync(join(io.cwd, 'file'), '');
  const { code } = await sendTest(endpoint, ['--store', `sqlite:${join(io.cwd, 'file', 'x.db')}`], io);
  expect(code).toBe(3);
  expect(io.err()).toContain('x.db');
  expect(endpoint.connections()).toBe(0);
});

test('--help names every flag', async () => {
  const { code, io } = await sendTest('--help');
  expect(code).toBe(0);
  for (const flag of [
    '-e, --event',
    '--scenario',
    '--speed',
    '--set',
    '--data',
    '--event-id',
    '--call-id',
    '-n, --count',
    '--rate',
    '--duration',
    '--concurrency',
    '--retries',
    '--backoff',
    '--timeout',
    '--duplicate',
    '--shuffle',
    '--fault',
    '--body-format',
    '--no-tool-headers',
    '-H',
    '--curl',
    '--dry-run',
    '--insecure',
    '--threshold',
    '--json',
    '--quiet',
    '--verbose',
    '--color',
    '--store',
    '--secret-env',
    '--secret-file',
    '--secret-stdin',
  ]) {
    expect(io.out()).toContain(flag);
  }
});
