import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogRecord } from '../../../src/core/record.ts';
import { exportLog } from '../../../src/logs/export-log.ts';
import { detectFormat } from '../../../src/logs/log-file.ts';
import { tallyLog } from '../../../src/logs/tally-log.ts';
import { buildReport } from '../../../src/report/report.ts';
import { openStore } from '../../../src/store/open.ts';
import { anyRecords } from '../../helpers/any-record.ts';
import { logFile, readAll } from '../../helpers/log-files.ts';
import { AT, collect, newReceipt } from '../../helpers/records.ts';

const FORMATS = ['ndjson', 'json', 'csv'] as const;
const FULL = { bodies: true, masked: false };

async function* each(records: readonly LogRecord[]): AsyncIterable<LogRecord> {
  yield* records;
}

async function written(records: readonly LogRecord[], format: (typeof FORMATS)[number]): Promise<Buffer> {
  const pieces = await collect(exportLog(each(records), format, FULL));
  return Buffer.from(pieces.join(''));
}

describe.each(FORMATS)('what is exported as %s', (format) => {
  test('reads back as the records it was made of, whatever is in them', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecords, async (records) => {
        expect(await readAll(await written(records, format), format)).toEqual({ records, skipped: [] });
      }),
      { numRuns: 60 },
    );
  });

  test('is known for what it is by its beginning', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecords, async (records) => {
        const detected = await detectFormat(logFile(await written(records, format)));
        if (records.length > 0) expect(detected).toBe(format === 'csv' ? 'csv' : 'ndjson');
      }),
      { numRuns: 40 },
    );
  });
});

test('a store that records are imported into holds them, and its report is that of their file', async () => {
  await fc.assert(
    fc.asyncProperty(anyRecords, async (records) => {
      const store = await openStore('sqlite::memory:');
      for (const record of records) await store.addRecord(record);
      for (const kind of ['attempt', 'receipt'] as const) {
        const kept = await collect(store.entries(kind, {}, { bodies: true }));
        const given = records.filter((record) => record.kind === kind);
        expect(kept.map(({ record }) => withoutEmptyHeaders(record))).toEqual(given);
      }
      const ofStore = buildReport(await store.tally({}), { from: null, to: null });
      for (const format of FORMATS) {
        const file = logFile(await written(records, format), 300);
        const { tally } = await tallyLog(file, await detectFormat(file), new Map(), {});
        const ofFile = buildReport(tally, { from: null, to: null });
        expect(JSON.stringify(ofFile), format).toBe(JSON.stringify(ofStore));
      }
      await store.close();
    }),
    { numRuns: 60 },
  );
});

test.each(FORMATS)('what an app said is not exported as %s', async (format) => {
  const forward = { status: 500, durationMs: 1, error: null };
  const receipt = { ...newReceipt(), duplicate: null, forward, shownAt: AT + 5 };
  const record: LogRecord = { kind: 'receipt', receipt, headers: null, body: null, answer: 'TypeError' };
  const text = (await written([record], format)).toString();
  expect(text).toContain('2026-01-31T12:00:00.005Z');
  expect(text).not.toContain('TypeError');
});

test('columns that came later are the last ones, so that those before them keep their places', async () => {
  expect((await written([], 'csv')).toString()).toMatch(
    /,body_base64,body_masked,shown_at,body_sha256,cause,body_cut\r?\n$/,
  );
});

/** A store has none for a receipt that came with none, and does not keep those of what it has no body of. */
function withoutEmptyHeaders(record: LogRecord): LogRecord {
  return record.headers?.length === 0 ? { ...record, headers: null } : record;
}
