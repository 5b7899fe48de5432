import { expect, test } from 'vitest';
import { attemptToJson } from '../../../src/core/record.ts';
import { tallyLog } from '../../../src/logs/tally-log.ts';
import { buildReport } from '../../../src/report/report.ts';
import { newAttempt } from '../../helpers/records.ts';

async function report(lines: string[]) {
  const bytes = Buffer.from(lines.join('\n'));
  const file = {
    name: 'log.ndjson',
    size: bytes.length,
    changedAt: 0,
    async *open() {
      yield bytes;
    },
  };
  const { tally } = await tallyLog(file, 'ndjson', new Map(), {});
  return buildReport(tally, { from: null, to: null });
}

test('hundreds of endpoints, types and outcomes are kept apart', async () => {
  const attempts = Array.from({ length: 900 }, (_, i) =>
    newAttempt({
      id: `at_${i}`,
      eventId: `ev_${i}`,
      event: `type_${i % 300}`,
      endpoint: `endpoint_${i % 300}`,
      url: `https://e${i % 300}.example.com/`,
      ...(i < 300
        ? {}
        : i < 600
          ? { status: 500, outcome: 'rejected' as const }
          : { status: null, outcome: 'timeout' as const }),
    }),
  );
  const { endpoints } = await report(attempts.map((attempt) => JSON.stringify(attemptToJson(attempt))));
  expect(endpoints).toHaveLength(300);
  for (const one of endpoints) {
    expect(one).toMatchObject({
      attempts: 3,
      events: 3,
      statuses: { 200: 1, 500: 1 },
      outcomes: { delivered: 1, rejected: 1, timeout: 1 },
      events_by_type: { [one.name.replace('endpoint', 'type')]: 3 },
    });
  }
});

test('more types than have numbers of their own are counted all the same', async () => {
  const line = JSON.stringify(attemptToJson(newAttempt({ event: 'TYPE', eventId: 'ev_TYPE' })));
  const types = Array.from({ length: 66_000 }, (_, i) => line.replaceAll('TYPE', `t${i}`));
  const { endpoints } = await report([...types, ...types.slice(-3)]);
  expect(endpoints[0]).toMatchObject({ attempts: 66_003, events: 66_000 });
  expect(Object.keys(endpoints[0]?.events_by_type ?? {})).toHaveLength(66_000);
});
