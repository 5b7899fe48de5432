import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { signPayload } from '../../src/core/signature.ts';
import { judge } from '../../src/receiver/judge.ts';
import { delivery, eventBody } from '../helpers/delivery.ts';
import { jsonLines, startListen, testIo } from '../helpers/test-io.ts';

const HOUR = 3_600_000;
const BODY = '{"event":"call_connected"}';

/** A project whose endpoint `prod` was just rotated, with an overlap of 24 hours. */
async function rotated() {
  const io = testIo();
  const call = async (...args: string[]) => {
    const asked = testIo({ cwd: io.cwd });
    expect(await run(args, asked), asked.err()).toBe(0);
    return JSON.parse(asked.out()) as Record<string, string>;
  };
  const added = await call('endpoints', 'add', 'prod', 'https://example.com/hook', '--json');
  const made = await call('endpoints', 'rotate-secret', 'prod', '--overlap', '24h', '--json');
  return {
    cwd: io.cwd,
    old: added.secret_made as string,
    current: made.secret_made as string,
    until: Date.parse(made.previous_secret_until as string),
  };
}

async function verify(cwd: string, secret: string, now = Date.now(), args = ['--endpoint', 'prod']) {
  const io = testIo({ cwd });
  io.now = () => now;
  writeFileSync(join(cwd, 'body.json'), BODY);
  const signature = signPayload(BODY, secret);
  const body = join(cwd, 'body.json');
  const code = await run(['verify', '--body', body, '--signature', signature, '--json', ...args], io);
  return { code, err: io.err(), ...(code > 1 ? {} : (JSON.parse(io.out()) as { secret: string })) };
}

test('rotate-secret says when the old secret ends, and both are valid until then', async () => {
  const { cwd, old, current, until } = await rotated();
  expect(until - Date.now()).toBeGreaterThan(23 * HOUR);
  expect(await verify(cwd, current)).toMatchObject({ code: 0, secret: 'endpoint:prod' });
  expect(await verify(cwd, old)).toMatchObject({ code: 0, secret: 'endpoint:prod, previous' });
  expect(await verify(cwd, current, until + 1)).toMatchObject({ code: 0 });
  expect(await verify(cwd, old, until + 1)).toMatchObject({ code: 1, secret: null });
});

test('A8 listen --endpoint takes both, and flags what was signed with the old one', async () => {
  const { cwd, old, current } = await rotated();
  const listen = await startListen(['--endpoint', 'prod'], { cwd });
  for (const [i, secret] of [current, old, 'another secret'].entries()) {
    const sent = delivery({ id: `ev_${i}`, body: eventBody({ call_id: `MO${i}` }), secret });
    const headers: [string, string][] = [];
    for (let at = 0; at < sent.headers.length; at += 2)
      headers.push([sent.headers[at] as string, sent.headers[at + 1] as string]);
    const { status } = await fetch(listen.url, { method: 'POST', headers, body: new Uint8Array(sent.body) });
    expect(status).toBe(i < 2 ? 200 : 400);
  }
  await listen.stop();
  const receipts = jsonLines(listen.io).filter(({ type }) => type === 'receipt');
  expect(receipts.map(({ secret, flags }) => [secret, (flags as string[]).includes('old_secret')])).toEqual([
    ['endpoint:prod', false],
    ['endpoint:prod, previous', true],
    [null, false],
  ]);
});

test('a receiver that is running drops the old secret when its time has come', () => {
  const secrets = [
    { name: 'new', value: 'new secret' },
    { name: 'old', value: 'old secret', until: 1000 },
  ];
  const { headers, body } = delivery({ body: Buffer.from(BODY), secret: 'old secret' });
  const at = (receivedAt: number) =>
    judge({ headers, body, receivedAt }, { secrets, maxAgeMs: null, maxBody: 1024 }).verdict.result;
  expect([at(999), at(1000)]).toEqual(['valid', 'mismatch']);
});

test('sign --endpoint signs with the current secret', async () => {
  const { cwd, current } = await rotated();
  const io = testIo({ cwd, stdin: BODY });
  expect(await run(['sign', '--body', '-', '--endpoint', 'prod'], io)).toBe(0);
  expect(io.out()).toBe(`${signPayload(BODY, current)}\n`);
});

test('--endpoint beside another secret, or for no endpoint, is refused', async () => {
  const { cwd, current } = await rotated();
  const both = await verify(cwd, current, Date.now(), ['--endpoint', 'prod', '--secret-env', 'X']);
  expect([both.code, both.err]).toEqual([2, expect.stringContaining('cannot be used with --secret-')]);
  const none = await verify(cwd, current, Date.now(), ['--endpoint', 'prodd']);
  expect([none.code, none.err]).toEqual([2, expect.stringContaining("Did you mean 'prod'?")]);
});

test('a rotation leaves no draft behind, and neither secret in the config', async () => {
  const { cwd, old, current } = await rotated();
  const config = readFileSync(join(cwd, 'mo-notify.config.json'), 'utf8');
  expect(config).not.toContain(old);
  expect(config).not.toContain(current);
  expect(readFileSync(join(cwd, '.mo-notify/secrets/prod'), 'utf8')).toBe(`${current}\n`);
  expect(readFileSync(join(cwd, '.mo-notify/secrets/prod.previous'), 'utf8')).toBe(`${old}\n`);
});

test('a second rotation within the overlap is refused, unless --yes is said', async () => {
  const { cwd, current, until } = await rotated();
  const rotate = async (...args: string[]) => {
    const io = testIo({ cwd });
    return { code: await run(['endpoints', 'rotate-secret', 'prod', ...args], io), err: io.err() };
  };
  const refused = await rotate();
  expect(refused).toEqual({
    code: 2,
    err: expect.stringContaining(`is valid until ${new Date(until).toISOString()}`),
  });
  expect(refused.err).toContain('say --yes');
  expect(readFileSync(join(cwd, '.mo-notify/secrets/prod'), 'utf8')).toBe(`${current}\n`);
  expect((await rotate('--yes')).code).toBe(0);
  expect(readFileSync(join(cwd, '.mo-notify/secrets/prod.previous'), 'utf8')).toBe(`${current}\n`);
});

test('once the overlap is over, a rotation needs no --yes', async () => {
  const { cwd, until } = await rotated();
  const io = testIo({ cwd });
  io.now = () => until;
  expect(await run(['endpoints', 'rotate-secret', 'prod'], io)).toBe(0);
});

test('rotate-secret says where the new secret is, and what is still to be done', async () => {
  const { cwd } = await rotated();
  const io = testIo({ cwd });
  await run(['endpoints', 'rotate-secret', 'prod', '--yes'], io);
  expect(io.out()).toContain('kept in .mo-notify/secrets/prod)');
  expect(io.out()).not.toContain('no longer used');
  expect(io.err()).toContain("start a running 'mo-notify listen --endpoint prod' anew");
});

test('a secret file of the user’s own is no longer used after a rotation, and stays as it was', async () => {
  const { cwd } = testIo();
  const call = async (...args: string[]) => {
    const io = testIo({ cwd });
    expect(await run(args, io), io.err()).toBe(0);
    return io.out();
  };
  writeFileSync(join(cwd, 'own.txt'), 'a secret of mine\n');
  await call('endpoints', 'add', 'prod', 'https://example.com/hook', '--secret-file', 'own.txt');
  expect(await call('endpoints', 'rotate-secret', 'prod')).toContain(
    'own.txt, which held the old one, is no longer used',
  );
  expect(readFileSync(join(cwd, 'own.txt'), 'utf8')).toBe('a secret of mine\n');
  expect((await verify(cwd, 'a secret of mine')).code).toBe(0);
});
