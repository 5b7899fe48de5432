import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { seedStore } from '../helpers/seed-store.ts';
import { testIo } from '../helpers/test-io.ts';

// What must not let a build through.

async function report(args: string[], csv?: string) {
  const io = testIo();
  const location = await seedStore(io.cwd, { attempts: [{ eventId: 'ev_a' }, { eventId: 'ev_b' }] });
  if (csv !== undefined) writeFileSync(join(io.cwd, 'log.csv'), csv);
  const source = csv === undefined ? ['--store', location] : ['log.csv'];
  const code = await run(['report', ...source, ...args], io);
  return { code, out: io.out(), err: io.err() };
}

describe('a threshold that was asked for', () => {
  test.each([['success_rate>=99%'], ['webhook_latency_median<1s'], ['p(95)<1s']])(
    '%s is not met by no data',
    async (threshold) => {
      const { code } = await report(['--endpoint', 'typo', '--threshold', threshold]);
      expect(code).toBe(1);
    },
  );

  test('of a KPI without data is named', async () => {
    const { err } = await report(['--endpoint', 'typo', '--threshold', 'success_rate>=99%']);
    expect(err).toContain('no data for success_rate, so its threshold is not met');
  });

  test('cannot be a percentile above 100', async () => {
    expect(await report(['--threshold', 'p(101)<1s'])).toMatchObject({ code: 2 });
    expect(await report(['--threshold', 'p(100)<1s'])).toMatchObject({ code: 0 });
  });
});

test('--strict says for which KPIs the evidence is weak', async () => {
  const { code, err } = await report(['--strict']);
  expect([code, err]).toEqual([
    1,
    expect.stringMatching(/--strict: the evidence is weak for .*success_rate/),
  ]);
});

test('a delivery log that was named and is not there is a mistake, and is not made', async () => {
  for (const command of [['report'], ['logs', 'list'], ['logs', 'export'], ['support-bundle']]) {
    const io = testIo();
    const path = join(io.cwd, 'nope.db');
    expect(await run([...command, '--store', `sqlite:${path}`], io)).toBe(2);
    expect(io.err()).toContain(`There is no delivery log ${path}`);
    expect(existsSync(path)).toBe(false);
  }
});

describe('a log of another tool', () => {
  test('that does not say how long deliveries took has no latency', async () => {
    const { out } = await report(['--json'], 'event_id,response_code\nev_a,200\nev_b,200\n');
    const { kpis } = JSON.parse(out) as { kpis: { name: string; verdict: string }[] };
    expect(kpis.slice(0, 3).map(({ verdict }) => verdict)).toEqual(['no data', 'no data', 'pass']);
  });

  test('without a column of statuses is refused, with the columns that there are', async () => {
    const { code, err } = await report([], 'Event ID,Response,Time\nev_a,200,2026-01-31T12:00:00Z\n');
    expect(code).toBe(2);
    expect(err).toContain('no column that is known to hold statuses. It has: Event ID, Response, Time.');
    expect(err).toContain('--map COLUMN=status');
    const mapped = await report(['--map', 'Response=status'], 'Event ID,Response\nev_a,200\n');
    expect(mapped.code).toBe(0);
  });
});
