import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { filesWith, leakForms } from '../helpers/find-text.ts';
import { file, inStore, ioOf, replay, to, type World, world } from '../helpers/replay.ts';
import { runOf, startReplay } from '../helpers/replay-process.ts';
import { SECRET, signatureResult } from '../helpers/send-test.ts';

const TOKEN = 'Bearer t0ken-canary';

/** A world without a secret in its environment. */
async function bare(sent: Parameters<typeof world>[0]): Promise<World> {
  const where = await world(sent);
  return { ...where, env: { MO_NOTIFY_STORE: where.env.MO_NOTIFY_STORE as string } };
}

describe('the secret', () => {
  test('is in no file and nothing that is printed, whatever becomes of the run', async () => {
    const where = await world([{}, {}, {}, { body: null }]);
    const shown: string[] = [];
    const io = ioOf(where);
    const endpoint = await startEndpoint((response, { headers }, nth) => {
      if (nth === 2) io.interrupt();
      // An endpoint that throws back all that it was sent.
      response.writeHead(nth === 1 ? 500 : 200).end(headers.join('\n'));
    });
    const first = await replay(
      where,
      ['--to', endpoint.url.href, '-v', '--backoff', '1ms', '--concurrency', '1'],
      io,
    );
    shown.push(io.out(), io.err());
    for (const args of [
      ['--resume', first.run, '-v'],
      ['--resume', first.run],
      to(endpoint, '--dry-run'),
      to(endpoint),
    ]) {
      const { io: later } = await replay(where, args);
      shown.push(later.out(), later.err());
    }
    for (const form of leakForms(SECRET)) {
      expect(shown.join('\n')).not.toContain(form);
      expect(filesWith(where.cwd, [form])).toEqual([]);
    }
    expect(endpoint.requests.map(signatureResult)).toEqual(endpoint.requests.map(() => 'valid'));
  });

  test('is not in the plan that is kept for --resume, nor is where it came from', async () => {
    const where = await bare(3);
    const path = join(where.cwd, file(where, 'key', SECRET));
    const io = ioOf(where);
    const endpoint = await startEndpoint((response) => {
      io.interrupt();
      response.end();
    });
    const args = to(endpoint, '--secret-file', path, '--concurrency', '1');
    const { code, run } = await replay(where, args, io);
    expect(code).toBe(130);
    const state = await inStore(where, (store) => store.replay(run));
    for (const text of [path, SECRET, 'secret']) expect(state?.plan).not.toContain(text);
    const without = await replay(where, ['--resume', run]);
    expect([without.code, without.io.err()]).toEqual([2, expect.stringContaining('No secret to sign with')]);
    expect((await replay(where, ['--resume', run, '--secret-file', path])).code).toBe(0);
    expect(endpoint.requests.map(signatureResult)).toEqual(['valid', 'valid', 'valid']);
  });

  test('comes from standard input or a named variable', async () => {
    for (const [flags, options] of [
      [['--secret-stdin'], { stdin: `${SECRET}\n` }],
      [['--secret-env', 'OTHER'], { env: { OTHER: SECRET } }],
    ] as const) {
      const endpoint = await startEndpoint(answers(200));
      expect((await replay(await bare(1), to(endpoint, ...flags), options)).code).toBe(0);
      expect(endpoint.requests.map(signatureResult)).toEqual(['valid']);
    }
  });

  test('stands on no command line', async () => {
    const where = await world(1);
    const endpoint = await startEndpoint(() => {});
    const sender = startReplay(where, to(endpoint));
    await runOf(sender);
    await endpoint.arrived(1);
    expect(readFileSync(`/proc/${sender.child.pid}/cmdline`, 'latin1')).not.toContain(SECRET);
    const { code, io } = await replay(where, to(endpoint, '--secret', SECRET));
    expect(code).toBe(2);
    expect(io.out() + io.err()).not.toContain(SECRET);
  });
});

describe('headers given with -H', () => {
  test('are kept nowhere, so that a resumed run has only those that it is given anew', async () => {
    const where = await world(3);
    const io = ioOf(where);
    const endpoint = await startEndpoint((response, _, nth) => {
      if (nth === 1) io.interrupt();
      response.end();
    });
    const header = ['-H', `Authorization: ${TOKEN}`];
    const { run } = await replay(where, to(endpoint, '--concurrency', '1', ...header), io);
    expect(io.out() + io.err()).not.toContain(TOKEN);
    expect(filesWith(where.cwd, leakForms(TOKEN))).toEqual([]);
    await replay(where, ['--resume', run]);
    const seen = endpoint.requests.map(({ header: value }) => value('Authorization'));
    expect(seen).toEqual([TOKEN, undefined, undefined]);
  });

  test('it is said that they have to be given again', async () => {
    const where = await world(2);
    const io = ioOf(where);
    const endpoint = await startEndpoint((response) => {
      io.interrupt();
      response.end();
    });
    await replay(where, to(endpoint, '--concurrency', '1', '-H', `Authorization: ${TOKEN}`), io);
    const [, told] = /The rest is sent with: (.*)/.exec(io.err()) ?? [];
    expect(told).toMatch(/-H/);
    expect(told).not.toContain(TOKEN);
  });
});
