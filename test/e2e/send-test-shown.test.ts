import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { answers, startEndpoint, startTlsEndpoint } from '../helpers/endpoint.ts';
import { eventOf, SECRET, secretIo, sendTest, signatureResult } from '../helpers/send-test.ts';
import { jsonLines } from '../helpers/test-io.ts';

const execute = promisify(execFile);
const curlExists = await execute('curl', ['--version']).then(
  () => true,
  () => false,
);

/** Runs a printed command as a user would, in a shell without a configuration of curl's. */
async function runInShell(command: string, env: Record<string, string> = {}): Promise<string> {
  const { PATH = '' } = process.env;
  return (
    await execute('sh', ['-c', command], {
      env: { ...env, PATH, LC_ALL: 'C.UTF-8', HOME: '/nonexistent', NO_PROXY: '*' },
    })
  ).stdout;
}

describe.skipIf(!curlExists)('--curl, run by a real shell and curl', () => {
  const odd = '$(touch pwned) `id` \\n %s "double" é';
  test.each([
    ['a plain event', [], undefined],
    ['quotes, dollars and backslashes', ['--set', `metadata.queue=It's ${odd}`], undefined],
    ['headers of one’s own', ['-H', "X-Team: it's a, b", '-H', 'X-Empty:'], undefined],
    ['another form', ['--body-format', 'pretty'], undefined],
    ['given bytes', ['--data', '-'], "@it's\r\nnot {json}\n"],
    ['an empty body', ['--data', '-'], ''],
  ])('%s: the same request as without it, rightly signed', async (_, args, stdin) => {
    const endpoint = await startEndpoint(answers(200));
    const url = `${endpoint.url.href}?{a,b}[1-3]=env:KEY&c=`;
    const env = { KEY: 'a.key-_~*()!' };
    const fixed = ['--event-id', "ev_it's", '--call-id', 'MO1', ...args];
    const { code, io } = await sendTest(
      url,
      ['--curl', ...fixed],
      secretIo(stdin === undefined ? { env } : { env, stdin }),
    );
    expect(code).toBe(0);
    expect(endpoint.connections()).toBe(0);
    expect(io.out() + io.err()).not.toContain(SECRET);
    expect(io.out() + io.err()).not.toContain(env.KEY);
    expect(await runInShell(io.out(), env)).toContain('200 OK');
    await sendTest(
      url,
      ['--retries', '0', ...fixed],
      secretIo(stdin === undefined ? { env } : { env, stdin }),
    );
    const [byCurl, byUs] = endpoint.requests;
    if (byCurl === undefined || byUs === undefined) throw new Error('two requests were due');
    expect(endpoint.requests).toHaveLength(2);
    expect(signatureResult(byCurl)).toBe('valid');
    expect(byCurl.path).toBe(byUs.path);
    for (const name of [
      'X-MO-Event-Id',
      'X-MO-Delivery-Attempt',
      'Content-Type',
      'User-Agent',
      'X-Team',
      'X-Empty',
    ])
      expect(byCurl.header(name)).toBe(byUs.header(name));
    if (stdin !== undefined) expect(byCurl.body.toString()).toBe(stdin);
    else expect({ ...eventOf(byCurl), timestamp: '' }).toEqual({ ...eventOf(byUs), timestamp: '' });
  });

  test('--insecure goes along', async () => {
    const endpoint = await startTlsEndpoint('self-signed');
    const { io } = await sendTest(endpoint, ['--curl', '--insecure']);
    expect(await runInShell(io.out())).toContain('200 OK');
    expect(endpoint.requests).toHaveLength(1);
  });
});

describe('--curl', () => {
  test('a value on the command line is masked in it, and the note says so', async () => {
    const { io } = await sendTest('http://127.0.0.1:1/?key=hunter2', ['--curl']);
    expect(io.out()).toContain("'http://127.0.0.1:1/?key=***'");
    expect(io.err()).toContain('The URL has masked values (***)');
    expect(io.out() + io.err()).not.toContain('hunter2');
  });

  test('a variable whose value needs percent-encoding is told of', async () => {
    const says = async (KEY: string) => {
      const { io } = await sendTest('1/?key=env:KEY', ['--curl'], secretIo({ env: { KEY } }));
      expect(io.out()).toContain(`'http://127.0.0.1:1/?key='"$KEY"''`);
      return io.err();
    };
    expect(await says('plain-key_1.~')).not.toContain('$KEY');
    expect(await says('a&b')).toContain('curl sends $KEY as it is, and its value needs percent-encoding.');
  });

  test('--json: the command in one document', async () => {
    const { code, io } = await sendTest('http://127.0.0.1:1/', ['--curl', '--json']);
    expect(code).toBe(0);
    expect(jsonLines(io)).toMatchObject([
      { type: 'curl', command: expect.stringMatching(/^curl .*127\.0\.0\.1:1/) },
    ]);
  });

  test('a body that no command line can carry: exit 2', async () => {
    const io = secretIo({ stdin: Buffer.from([0x7b, 0xff, 0x00]) });
    expect((await sendTest('http://127.0.0.1:1/', ['--curl', '--data', '-'], io)).code).toBe(2);
    expect(io.err()).toContain('binary');
  });
});

describe('--dry-run sends nothing and makes nothing', () => {
  test('for people: the request, its numbers masked, the secret absent', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { code, io } = await sendTest(endpoint, ['--dry-run', '-n', '7', '-H', 'X-Team: a']);
    expect(code).toBe(0);
    expect(io.out()).toContain(`POST ${endpoint.url.href}`);
    expect(io.out()).toMatch(/X-MO-Signature: sha256=[0-9a-f]{64}/);
    expect(io.out()).toContain('X-Team: a');
    expect(io.out()).toContain('+91******3210');
    expect(io.out()).not.toContain('9876543210');
    expect(io.out() + io.err()).not.toContain(SECRET);
    expect(io.err()).toMatch(/Nothing was sent.*2 more not shown/);
    expect(endpoint.connections()).toBe(0);
    expect(existsSync(join(io.cwd, '.mo-notify'))).toBe(false);
  });

  test('--json: one document with the exact bytes', async () => {
    const endpoint = await startEndpoint(answers(200));
    const io = secretIo({ stdin: Buffer.from([0x7b, 0xff, 0x0a]) });
    const { code } = await sendTest(
      endpoint,
      ['--dry-run', '--json', '--data', '-', '--event-id', 'ev_1'],
      io,
    );
    expect(code).toBe(0);
    const [shown, ...rest] = jsonLines(io);
    expect(rest).toEqual([]);
    expect(shown).toMatchObject({
      type: 'dry_run',
      url: endpoint.url.href,
      total: 1,
      deliveries: [
        { event_id: 'ev_1', event: null, body_base64: Buffer.from([0x7b, 0xff, 0x0a]).toString('base64') },
      ],
    });
    expect(io.out()).not.toContain(SECRET);
    expect(endpoint.connections()).toBe(0);
  });
});
