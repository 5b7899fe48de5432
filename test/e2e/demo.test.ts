import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { type TestIo, testIo } from '../helpers/test-io.ts';

interface DemoJson {
  ok: boolean;
  steps: { name: string; ok: boolean; attempts: Row[] | number; receipts: Row[] | number }[];
  report: { totals: Record<string, number>; kpis: Row[] };
}
type Row = Record<string, unknown>;

describe('demo --json', () => {
  let io: TestIo;
  let code: number;
  let demo: DemoJson;
  const step = (name: string) => demo.steps.find((one) => one.name === name) as DemoJson['steps'][number];

  beforeAll(async () => {
    io = testIo();
    code = await run(['demo', '--json'], io);
    demo = JSON.parse(io.out()) as DemoJson;
  });

  test('ends with 0, prints one JSON document and nothing else, and leaves nothing behind', () => {
    expect(code).toBe(0);
    expect(demo.ok).toBe(true);
    expect(demo.steps.map(({ name, ok }) => [name, ok])).toEqual([
      ['call', true],
      ['duplicate', true],
      ['forged', true],
      ['burst', true],
    ]);
    expect(io.err()).toBe('');
    expect(readdirSync(io.cwd)).toEqual([]);
  });

  test('a call takes four attempts: a forced 503, two deliveries, and the retry that succeeds', () => {
    const attempts = step('call').attempts as Row[];
    expect(attempts.map((a) => [a.event, a.attempt, a.status, a.outcome, a.final])).toEqual([
      ['call_initiated', 1, 503, 'rejected', false],
      ['call_connected', 1, 200, 'delivered', true],
      ['call_disconnected', 1, 200, 'delivered', true],
      ['call_initiated', 2, 200, 'delivered', true],
    ]);
    expect(attempts[3]?.event_id).toBe(attempts[0]?.event_id);
    expect(new Set(attempts.map((a) => a.call_id)).size).toBe(1);
    const receipts = step('call').receipts as Row[];
    expect(receipts.map((r) => [r.signature, r.duplicate, r.status, r.attempt])).toEqual([
      ['valid', null, 503, 1],
      ['valid', null, 200, 1],
      ['valid', null, 200, 1],
      ['valid', null, 200, 2],
    ]);
    expect(receipts[0]?.flags).toContain('rehearsed');
  });

  test('a duplicate is recognised and a forgery refused', () => {
    const connected = (step('call').attempts as Row[])[1];
    expect(step('duplicate').attempts).toMatchObject([{ event_id: connected?.event_id, status: 200 }]);
    expect(step('duplicate').receipts).toMatchObject([{ duplicate: 'duplicate', status: 200 }]);
    expect(step('forged').attempts).toMatchObject([{ status: 400, fault: 'bad-signature', attempt: 1 }]);
    expect(step('forged').receipts).toMatchObject([{ signature: 'mismatch', status: 400 }]);
  });

  test('the KPIs count every event once', () => {
    const events = 3 + 1000;
    expect(step('burst').attempts).toBe(1000);
    expect(demo.report.totals).toEqual({
      events,
      attempts: events + 2,
      receipts: events + 3,
      duplicates: 1,
      refused: 1,
    });
    expect(demo.report.kpis.map((kpi) => [kpi.name, kpi.verdict, kpi.n])).toEqual([
      ['webhook_latency_median', 'pass', events],
      ['widget_latency_median', 'no data', 0],
      ['success_rate', 'pass', events + 2],
      ['delivery_rate', 'pass', events],
      ['duplicate_drop_rate', 'pass', 1],
    ]);
  });
});

test('demo shows people the same, without a colour where there is no terminal', async () => {
  const io = testIo();
  expect(await run(['demo'], io)).toBe(0);
  const lines = io.out().split('\n');
  const shown = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
  expect(shown(/ ↻ call_initiated +\[ev_\w+\] {2}503 {2}forced; retried/)).toBe(1);
  expect(shown(/ ✓ call_initiated +\[ev_\w+\] {2}200 {2}attempt 2$/)).toBe(1);
  expect(shown(/ ✓ call_(dis)?connected +\[ev_\w+\] {2}200$/)).toBe(2);
  expect(shown(/ 200 {2}duplicate recognised, not processed again$/)).toBe(1);
  expect(shown(/ 400 {2}signature wrong: refused$/)).toBe(1);
  expect(shown(/1000 delivered in .+ a second/)).toBe(1);
  expect(shown(/^(Webhook latency|Success rate|Delivery rate|Duplicates dropped).* pass /)).toBe(4);
  expect(shown(/^Widget latency.* no data /)).toBe(1);
  expect(lines.at(-2)).toBe('Everything went as it should.');
  expect(io.out()).not.toContain('\u001b');
});

test('demo --quiet drops the hint, not the result', async () => {
  const io = testIo();
  expect(await run(['demo', '--quiet'], io)).toBe(0);
  expect(io.err()).toBe('');
  expect(io.out()).toContain('Everything went as it should.');
});
