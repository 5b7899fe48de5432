import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { SEEDED_AT, seedStore } from '../helpers/seed-store.ts';
import { type TestIoOptions, testIo } from '../helpers/test-io.ts';

const HOUR = 3_600_000;
const NOW = SEEDED_AT + 3 * HOUR;
let store: string;
const cwd = testIo().cwd;

// Two endpoints in two runs, two hours apart; five of six events delivered, one of them at its second attempt.
beforeAll(async () => {
  const late = { sentAt: SEEDED_AT + 2 * HOUR, run: 'run_2', endpoint: 'erp', url: 'http://erp.test/in' };
  store = await seedStore(cwd, {
    attempts: [
      { eventId: 'ev_a', durationMs: 100 },
      { eventId: 'ev_b', durationMs: 200, event: 'call_missed' },
      { eventId: 'ev_c', status: 503, outcome: 'rejected', final: false },
      { eventId: 'ev_c', attempt: 2, durationMs: 300, dueAt: SEEDED_AT + 2000 },
      { eventId: 'ev_d', ...late },
      { eventId: 'ev_e', ...late, event: 'call_missed' },
      { eventId: 'ev_f', ...late, status: null, outcome: 'timeout', error: 'no answer' },
      { eventId: 'ev_x', ...late, status: 400, outcome: 'rejected', fault: 'bad-signature' },
    ],
    receipts: [
      { eventId: 'ev_a', latencyMs: 1000 },
      { eventId: 'ev_a', latencyMs: 9000 },
      { eventId: 'ev_b', latencyMs: 2000, event: 'call_missed' },
      { eventId: 'ev_z', signature: 'mismatch', status: 400, latencyMs: null },
    ],
  });
});

async function report(args: string[], options: TestIoOptions = {}, from = store) {
  const io = { ...testIo({ cwd, ...options }), now: () => NOW };
  const code = await run(['report', '--store', from, ...args], io);
  return { code, out: io.out(), err: io.err() };
}

async function asJson(...args: string[]) {
  const { code, out } = await report(['--json', ...args]);
  return { code, ...(JSON.parse(out) as { totals: object; kpis: Kpi[]; endpoints: Endpoint[] }) };
}
type Kpi = Record<string, unknown> & { name: string };
type Endpoint = Record<string, unknown> & { name: string };

describe('report --json', () => {
  test('has the documented shape, key by key', async () => {
    const { code, ...document } = await asJson();
    expect(Object.keys(document)).toEqual(['window', 'totals', 'kpis', 'endpoints', 'notes']);
    expect(document).toMatchObject({
      window: { from: '2026-01-31T12:00:00.000Z', to: '2026-01-31T14:00:00.000Z' },
      notes: [
        "webhook latency is the receiver's, of 2 events; of 5 the sender's is known (--endpoint judges by that)",
      ],
    });
    expect(document.totals).toEqual({ events: 6, attempts: 7, receipts: 4, duplicates: 1, refused: 1 });
    for (const kpi of document.kpis) {
      expect(Object.keys(kpi)).toEqual([
        ...['name', 'observed', 'unit', 'threshold', 'verdict', 'evidence', 'n', 'interval', 'needs'],
      ]);
    }
    expect(document.endpoints.find(({ name }) => name === 'crm')).toEqual({
      name: 'crm',
      url: 'https://crm.example.com/notify',
      attempts: 4,
      events: 3,
      success_rate: 0.75,
      delivery_rate: 1,
      latency_ms: {
        p50: 200,
        p90: expect.any(Number),
        p95: expect.any(Number),
        p99: expect.any(Number),
        max: 1300,
      },
      statuses: { '200': 3, '503': 1 },
      outcomes: { delivered: 3, rejected: 1 },
      events_by_type: { call_connected: 2, call_missed: 1 },
      outage_horizon_ms: { surely: 24_800, at_most: 37_200 },
    });
    expect(code).toBe(1);
  });

  test('judges each KPI by its definition; negative tests count nowhere', async () => {
    const { kpis } = await asJson();
    expect(kpis.map((kpi) => [kpi.name, kpi.observed, kpi.threshold, kpi.verdict, kpi.n])).toEqual([
      ['webhook_latency_median', expect.any(Number), 5000, 'pass', 2],
      ['widget_latency_median', null, 3000, 'no data', 0],
      ['success_rate', 5 / 7, 0.99, 'fail', 7],
      ['delivery_rate', 5 / 6, 0.99, 'fail', 6],
      ['duplicate_drop_rate', 1, 0.999, 'pass', 1],
    ]);
    expect(kpis[0]?.observed).toBeLessThanOrEqual(2000);
  });
});

describe('report filters', () => {
  test.each([
    ['--since a duration ago', ['--since', '90m'], 3],
    ['--since a time', ['--since', '2026-01-31T14:00:00Z'], 3],
    ['--until a time, which is exclusive', ['--until', '2026-01-31T14:00:00Z'], 4],
    ['--since and --until', ['--since', '2026-01-31T12:00:01Z', '--until', '2026-01-31T12:00:02Z'], 1],
    ['--endpoint by its name', ['--endpoint', 'erp'], 3],
    ['--endpoint by its URL', ['--endpoint', 'https://crm.example.com/notify'], 4],
    ['--event', ['--event', 'call.missed'], 2],
    ['--run', ['--run', 'run_2'], 3],
    ['--run that never was', ['--run', 'run_9'], 0],
  ])('%s', async (_, flags, attempts) => {
    expect((await asJson(...flags)).totals).toMatchObject({ attempts });
  });

  test.each([
    [['--since', 'yesterday'], `--since: 'yesterday' is not a time`],
    [['--since', '1h', '--until', '2h'], `--since '1h' is not before --until '2h'`],
    [['--event', 'mised'], `'mised' is not an event type. Did you mean 'call_missed'?`],
    [['--threshold', 'sucess_rate>=1%'], `'sucess_rate' is not a KPI. Did you mean 'success_rate'?`],
    [['--threshold', 'success_rate<=1%'], 'has the wrong sense'],
    [['--threshold', 'success_rate>=101%'], 'from 0% to 100%'],
    [['--format', 'jsno'], `'jsno' is invalid. Did you mean 'json'?`],
  ])('%j ends with 2 and says what is allowed', async (flags, message) => {
    const { code, out, err } = await report(flags);
    expect(err).toContain(message);
    expect([code, out]).toEqual([2, '']);
  });
});

describe('the exit code of report', () => {
  const good = ['--event', 'missed', '--until', '2026-01-31T13:00:00Z'];
  test.each([
    ['1 where a KPI fails', [], 1],
    ['0 where all pass', good, 0],
    [
      '1 where a threshold of the caller’s own fails',
      [...good, '--threshold', 'webhook_latency_median<=1s'],
      1,
    ],
    [
      '0 where the caller’s thresholds let everything pass',
      ['--threshold', 'success_rate>=50%', '--threshold', 'delivery_rate>=0.5'],
      0,
    ],
    ['1 with --strict, where the evidence is weak', [...good, '--strict'], 1],
    ['0 without data, even with --strict', ['--run', 'run_9', '--strict', '--since', '1s'], 0],
  ])('is %s', async (_, flags, code) => {
    expect((await report(flags)).code).toBe(code);
  });

  test('with nothing on record it says so and how to make some', async () => {
    const { code, out, err } = await report([], {}, 'sqlite::memory:');
    expect(code).toBe(0);
    expect(out).toContain('no records');
    expect(out).not.toMatch(/NaN|Infinity|undefined|null/);
    expect(err).toContain('mo-notify send-test');
  });
});

describe('report on a terminal', () => {
  test.each([40, 80, 120])('fits %i columns and shows every KPI', async (columns) => {
    const { out } = await report([], { columns });
    const lines = out.split('\n').slice(2);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    for (const label of ['Webhook latency', 'Widget latency', 'Success rate', 'Delivery rate', 'Duplicates'])
      expect(out).toContain(label);
    expect(out).toMatch(/71\.42 %/);
    expect(out).toMatch(/crm[\s\S]*503×1/);
    expect(out.includes('95 % interval')).toBe(columns >= 100);
    expect(out).not.toContain('\u001b');
  });

  test('the verdict is coloured where colour is wanted', async () => {
    const { out } = await report(['--color', 'always']);
    expect(out).toContain('\u001b[31mfail\u001b[39m');
    expect(out).toContain('\u001b[32mpass\u001b[39m');
  });
});

describe('report -o', () => {
  test.each([
    ['table', /Success rate \(attempts\) +71\.42 %/],
    ['json', /^\{\n {2}"window"/],
  ])('writes the %s to the file, nothing to stdout', async (format, pattern) => {
    const path = join(testIo().cwd, 'report');
    writeFileSync(path, 'what was there before, and is longer than a report could ever be'.repeat(100));
    const { out, err } = await report(['--format', format, '-o', path, '--color', 'always']);
    expect(out).toBe('');
    expect(err).toContain(path);
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(pattern);
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('what was there');
  });

  test('a file that cannot be written ends with 3 and names it', async () => {
    const { code, err } = await report(['-o', '/nowhere/report.txt']);
    expect(code).toBe(3);
    expect(err).toContain('/nowhere/report.txt cannot be written (ENOENT)');
  });
});

test('in GitHub Actions the Markdown goes to the step summary too, after what is there', async () => {
  const summary = join(cwd, 'summary.md');
  writeFileSync(summary, '# Before\n');
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
  const { out } = await report(['--format', 'csv'], { env });
  expect(out).toMatch(/^scope,name,/);
  const text = readFileSync(summary, 'utf8');
  expect(text).toMatch(/^# Before\n## Delivery report\n/);
  expect(text).toContain('| erp |');
  await report([], { env: { GITHUB_STEP_SUMMARY: summary } });
  expect(readFileSync(summary, 'utf8')).toBe(text);
});

test('a step summary that cannot be written is a warning, and the verdict stands', async () => {
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: join(cwd, 'no', 'summary.md') };
  const { code, err } = await report(['--since', '10m'], { env });
  expect(code).toBe(0);
  expect(err).toContain('summary.md cannot be written (ENOENT)');
});
