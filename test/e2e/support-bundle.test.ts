import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { VERSION } from '../../src/core/version.ts';
import { seedStore } from '../helpers/seed-store.ts';
import { type TestIo, testIo } from '../helpers/test-io.ts';

const NUMBER = '+919876543210';
const HOSTILE = '| `x` <img src=x onerror=alert(1)> \u001b[2J\u202e\n# heading [a](javascript:1)';

async function seeded(): Promise<{ io: TestIo; store: string }> {
  const io = testIo();
  const url = `https://user:pass@crm.example.com/${NUMBER}/hook?token=T0KEN`;
  const store = await seedStore(io.cwd, {
    attempts: [
      { eventId: 'ev_ok', url },
      { eventId: 'ev_bad', url, status: 503, outcome: 'rejected', error: `answered 503 for ${NUMBER}` },
      { eventId: HOSTILE, event: HOSTILE, callId: HOSTILE, status: null, outcome: 'reset', error: HOSTILE },
    ],
    receipts: [{ eventId: 'ev_in', callId: NUMBER, signature: 'mismatch', status: 400 }],
  });
  return { io, store };
}

async function bundle(args: string[] = []) {
  const { io, store } = await seeded();
  const code = await run(['support-bundle', '--store', store, ...args], io);
  return { io, code, out: io.out() };
}

test('has what support asks for: URLs, event ids, times, response codes, versions, the KPIs', async () => {
  const { out, code } = await bundle();
  expect(code).toBe(0);
  for (const part of [
    `mo-notify ${VERSION}, node ${process.version}`,
    '| `crm` | `https://crm.example.com/+91******3210/hook?…` | 200×1 503×1 |',
    '| 2026-01-31T12:00:01.000Z | sent | `ev_bad` | `call_connected` | `MO1` | 1 | 503 | rejected | 100 |',
    '| 2026-01-31T12:00:00.000Z | came | `ev_in` |',
    '| 400 | mismatch |',
    'Success rate (attempts)',
  ])
    expect(out).toContain(part);
});

test('has no whole number, no password, no token, and hostile text is text', async () => {
  for (const args of [[], ['--json']]) {
    const { out } = await bundle(args);
    for (const secret of [NUMBER, NUMBER.slice(1), 'T0KEN', 'user:pass', 'pass@'])
      expect(out).not.toContain(secret);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(out).not.toMatch(/[\u001b\u202e]/);
  }
  const lines = (await bundle()).out.split('\n');
  expect(lines.some((line) => line.includes('<img') || line.startsWith('# heading'))).toBe(false);
});

test('--json is the same as data', async () => {
  const { out } = await bundle(['--json', '--status', 'failed', '--limit', '2']);
  const document = JSON.parse(out) as { deliveries: object[]; report: { totals: { attempts: number } } };
  expect(Object.keys(document)).toEqual(['made_at', 'versions', 'endpoints', 'deliveries', 'report']);
  expect(document.deliveries).toHaveLength(2);
  // What is judged is all of it: of failures alone nothing works.
  expect(document.report.totals.attempts).toBe(3);
});

test('endpoints of the config are in it before anything was sent to them', async () => {
  const { io, store } = await seeded();
  const endpoints = { prod: { url: 'https://prod.example.com/hook?key=K3Y', secret: 'env:PROD' } };
  writeFileSync(join(io.cwd, 'mo-notify.config.json'), JSON.stringify({ endpoints }));
  await run(['support-bundle', '--store', store], io);
  expect(io.out()).toContain('| `prod` | `https://prod.example.com/hook?…` | none on record |');
  expect(io.out()).not.toContain('K3Y');
});

test('is written as it was shown, with --yes where nobody can be asked, and never over a file', async () => {
  const { io, store } = await seeded();
  const file = join(io.cwd, 'bundle.md');
  const write = ['support-bundle', '--store', store, '-o', file];
  expect(await run(write, io)).toBe(2);
  expect(io.err()).toContain('Say --yes');
  expect(existsSync(file)).toBe(false);

  const again = testIo({ cwd: io.cwd });
  expect(await run([...write, '--yes'], again)).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(again.out());
  expect(statSync(file).mode & 0o777).toBe(0o600);

  const third = testIo({ cwd: io.cwd });
  expect(await run([...write, '--yes'], third)).toBe(2);
  expect(third.err()).toContain('is there already');
});

test('--show-numbers is refused', async () => {
  const { io, code } = await bundle(['--show-numbers']);
  expect([code, io.err()]).toEqual([2, expect.stringContaining('stay masked')]);
});
