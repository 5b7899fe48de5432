import { describe, expect, test } from 'vitest';
import { attemptToJson, type LogRecord, receiptToJson } from '../../../src/core/record.ts';
import { tallyLog } from '../../../src/logs/tally-log.ts';
import { buildReport } from '../../../src/report/report.ts';
import { openStore } from '../../../src/store/open.ts';
import { AT, newAttempt, newReceipt } from '../../helpers/records.ts';

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

describe('a file’s report is that of a store which holds the same', () => {
  const attempt = (about: Parameters<typeof newAttempt>[0]): LogRecord => ({
    kind: 'attempt',
    attempt: newAttempt(about),
    headers: null,
    body: null,
  });
  const receipt = (about: Parameters<typeof newReceipt>[0], shownAt: number | null = null): LogRecord => ({
    kind: 'receipt',
    receipt: { ...newReceipt(about), duplicate: null, forward: null, shownAt },
    headers: null,
    body: null,
  });

  async function reports(records: LogRecord[]) {
    const store = await openStore('sqlite::memory:');
    for (const record of records) await store.addRecord(record);
    const ofStore = buildReport(await store.tally({}), { from: null, to: null });
    await store.close();
    const lines = records.map((record) =>
      record.kind === 'attempt' ? attemptToJson(record.attempt) : receiptToJson(record.receipt),
    );
    return { ofStore, ofFile: await report(lines.map((line) => JSON.stringify(line))) };
  }

  test('of event ids that differ in half a surrogate pair alone', async () => {
    const ids = ['\ud800', '\ud801', '\ufffd', '\ud800'];
    const { ofStore, ofFile } = await reports(ids.map((eventId, i) => attempt({ id: `at_${i}`, eventId })));
    expect(ofFile).toEqual(ofStore);
    expect(ofFile.endpoints).toMatchObject([{ attempts: 4, events: 3 }]);
  });

  test('of an id that stands plainly in one line and beside an escape in another', async () => {
    const records = [attempt({ eventId: 'é' }), attempt({ id: 'at_2', eventId: 'é', error: 'a\nb' })];
    const { ofStore, ofFile } = await reports(records);
    expect(ofFile).toEqual(ofStore);
    expect(ofFile.endpoints).toMatchObject([{ attempts: 2, events: 1 }]);
  });

  test.each([
    ['what a store has to escape', '\0'.repeat(300), '\0'.repeat(256)],
    ['halves of surrogate pairs', `${'\ud800'.repeat(256)}x`, '\ud800'.repeat(256)],
    ['characters beyond the first plane', '😀'.repeat(300), '😀'.repeat(256)],
    ['an escape at its end', `${'x'.repeat(255)}\0\0`, `${'x'.repeat(255)}\0`],
    ['one plain character too many', 'x'.repeat(257), 'x'.repeat(256)],
    ['as much as is counted', '\0'.repeat(256), '\0'.repeat(256)],
  ])('of a long type with %s', async (_, event, counted) => {
    const records = [attempt({ event }), receipt({ event })];
    const { ofStore, ofFile } = await reports(records);
    expect(ofFile).toEqual(ofStore);
    expect(ofFile.endpoints[0]?.events_by_type).toEqual({ [counted]: 1 });
  });

  test.each<[string, Parameters<typeof newReceipt>[0], shownAt: number | null, observed: number | null]>([
    ['that was on a page', { latencyMs: 700 }, AT + 50, 750],
    ['that was not', {}, null, null],
    ['that was before its event, by a clock that is off', { latencyMs: 700 }, AT - 701, null],
    ['as its event happened, by such a clock', { latencyMs: 700 }, AT - 700, 0],
    ['whose own latency is skewed', { latencyMs: -1 }, AT + 50, null],
    ['whose latency is not known', { latencyMs: null }, AT + 50, null],
    ['that nobody verified', { signature: 'unchecked' }, AT + 50, null],
    ['that was a redelivery', { flags: ['redelivery'] }, AT + 50, null],
  ])('of a receipt %s', async (_, about, shownAt, observed) => {
    const { ofStore, ofFile } = await reports([receipt({ receivedAt: AT, ...about }, shownAt)]);
    expect(ofFile).toEqual(ofStore);
    expect(ofFile.kpis[1]).toMatchObject({ name: 'widget_latency_median', observed });
  });

  test.each([
    ['redelivery', 0],
    ['REDELIVERY', 1],
    ['a redelivery', 1],
    ['a "redelivery"', 1],
  ])('of a receipt with the flag %s', async (flag, events) => {
    const { ofStore, ofFile } = await reports([receipt({ flags: ['odd_text', flag] })]);
    expect(ofFile).toEqual(ofStore);
    expect(ofFile.totals).toMatchObject({ receipts: 1, events });
  });
});
