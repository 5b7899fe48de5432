import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import type { LogRecord } from '../../../src/core/record.ts';
import { readAll } from '../../helpers/log-files.ts';
import { AT } from '../../helpers/records.ts';

function attempts(records: readonly LogRecord[]) {
  return records.map((record) => (record as Extract<LogRecord, { kind: 'attempt' }>).attempt);
}

async function read(lines: readonly string[], map: Record<string, string> = {}) {
  const { records, skipped } = await readAll(`${lines.join('\n')}\n`, 'csv', new Map(Object.entries(map)));
  return { attempts: attempts(records), bodies: records.map(({ body }) => body?.toString()), skipped };
}

describe('a CSV file of another tool', () => {
  test('with an event id, a count of attempts and a code makes each of the attempts, the last with the code', async () => {
    const { attempts, skipped } = await read([
      'event_id,attempts,response_code,created_at',
      'ev_1,1,200,2026-01-31T12:00:00Z',
      'ev_2,3,503,2026-01-31 12:00:05',
    ]);
    expect(skipped).toEqual([]);
    expect(
      attempts.map(({ eventId, attempt, status, outcome, final, sentAt }) => [
        ...[eventId, attempt, status, outcome, final, sentAt - AT],
      ]),
    ).toEqual([
      ['ev_1', 1, 200, 'delivered', true, 0],
      ['ev_2', 1, null, 'reset', false, 5000],
      ['ev_2', 2, null, 'reset', false, 5000],
      ['ev_2', 3, 503, 'rejected', true, 5000],
    ]);
    expect(new Set(attempts.map(({ id }) => id)).size).toBe(4);
  });

  test('G17 a row that claims 1,000 attempts, times 300: none is made up, and each is told by its line', async () => {
    const rows = Array.from({ length: 300 }, (_, n) => `ev_${n},1000,200`);
    const { attempts, skipped } = await read(['event_id,attempts,code', ...rows, 'ev_300,2,200']);
    expect(attempts.map(({ eventId, attempt }) => [eventId, attempt])).toEqual([
      ['ev_300', 1],
      ['ev_300', 2],
    ]);
    expect(skipped).toHaveLength(300);
    expect([skipped[0], skipped[299]]).toEqual([
      { line: 2, problem: 'attempts: 1000 is more than a row may count (100)' },
      { line: 301, problem: 'attempts: 1000 is more than a row may count (100)' },
    ]);
  });

  test('G17 rows that claim 100 each: bounded in all, while those of a sender with four retries never are', async () => {
    const many = Array.from({ length: 3000 }, (_, n) => `ev_${n},100,200`);
    const greedy = await read(['event_id,attempts,code', ...many]);
    expect(greedy.attempts.length).toBeGreaterThan(10_000);
    expect(greedy.attempts.length).toBeLessThan(10_000 + 11 * 3000);
    expect(greedy.skipped[0]).toEqual({
      line: expect.any(Number),
      problem: 'attempts: with 100 more the file counts too many (10000 and 10 a row)',
    });
    const usual = await read(['event_id,attempts,code', ...many.map((row) => row.replace(',100,', ',5,'))]);
    expect([usual.attempts.length, usual.skipped]).toEqual([15_000, []]);
  });

  test('G17 a row that is the 1,000th attempt is one record', async () => {
    const { attempts, skipped } = await read(['event_id,attempt,code', 'ev_1,1000,200']);
    expect([attempts.map(({ attempt }) => attempt), skipped]).toEqual([[1000], []]);
  });

  test.each([
    ['other names', 'Webhook-ID,HTTP Status,Type,Endpoint URL', {}],
    ['a byte order mark', '\ufeffevent_id,status,event,url', {}],
    [
      'names of its own',
      'what,how,kind of,where',
      { what: 'event_id', how: 'status', 'kind of': 'event', where: 'url' },
    ],
    ['a name that means something else', 'id,code,url,type', { url: 'event', type: 'url' }],
  ])('may go by %s', async (_, head, map) => {
    const { attempts } = await read([head, 'ev_1,404,call_missed,http://crm.example.com/x'], map);
    expect(attempts).toMatchObject([
      {
        eventId: 'ev_1',
        status: 404,
        event: 'call_missed',
        url: 'http://crm.example.com/x',
        endpoint: 'crm.example.com',
      },
    ]);
  });

  test.each([
    ['its event id', 'id,event_id,code', '7,ev_1,200'],
    ['its event id, whichever comes first', 'event_id,id,code', 'ev_1,7,200'],
    ['the code', 'event_id,status,response_code', 'ev_1,failed,200'],
    ['the code, whichever comes first', 'event_id,response_code,status', 'ev_1,200,failed'],
    ['the time it was sent', 'event_id,status,created_at,sent_at', 'ev_1,200,never,2026-01-31T12:00:00Z'],
    ['what --map says', 'event_id,mine,status', 'x,ev_1,200', { mine: 'event_id' }],
  ])(
    'with several columns that could be it has %s',
    async (_, head, row, map: Record<string, string> = {}) => {
      const { attempts, skipped } = await read([head, row], map);
      expect(skipped).toEqual([]);
      expect(attempts).toMatchObject([{ eventId: 'ev_1', status: 200, sentAt: AT }]);
    },
  );

  test('takes what is left out from the body', async () => {
    const body = '{"event":"call_missed","call_id":"MO7","timestamp":"2026-01-31T12:00:00Z"}';
    const quoted = `"${body.replaceAll('"', '""')}"`;
    const { attempts, bodies } = await read(['event_id,code,payload', `ev_1,200,${quoted}`]);
    expect(attempts).toMatchObject([{ event: 'call_missed', callId: 'MO7', sentAt: AT, attempt: 1 }]);
    expect(bodies).toEqual([body]);
  });

  test.each(['Infinity', '-4', '1e999', 'fast', ''])('with the duration %j has none', async (duration) => {
    const { attempts } = await read(['event_id,code,duration_ms', `ev_1,200,${duration}`]);
    expect(attempts).toMatchObject([{ durationMs: 0 }]);
  });

  test('names the lines that hold no record, and reads the others', async () => {
    const { attempts, skipped } = await read([
      'event_id,status,sent_at,attempts,body',
      'ev_1,200,,,"a body',
      'on two lines"',
      'ev_2,20,,,',
      '',
      'ev_3,200,yesterday,,',
      ',200,,,',
      'ev_5,-,,0,',
      'ev_6,-,,,',
      'ev_7',
    ]);
    expect(attempts.map(({ eventId, status }) => [eventId, status])).toEqual([
      ['ev_1', 200],
      ['ev_6', null],
      ['ev_7', null],
    ]);
    expect(skipped).toEqual([
      { line: 4, problem: "status: '20' is not an HTTP status" },
      { line: 6, problem: "sent_at: 'yesterday' is not a time (RFC 3339)" },
      { line: 7, problem: 'event_id is missing' },
      { line: 8, problem: "attempts: '0' is not a count" },
    ]);
  });

  test('has other ids for the same place in another file, and the same ones whenever it is read', async () => {
    const ids = async (row: string) => (await read(['event_id,code', row])).attempts.map(({ id }) => id);
    expect(await ids('ev_1,200')).toEqual(await ids('ev_1,200'));
    expect(await ids('ev_1,200')).not.toEqual(await ids('ev_2,200'));
    expect(
      new Set((await read(['event_id,code', 'ev_1,200', 'ev_1,200'])).attempts.map(({ id }) => id)).size,
    ).toBe(2);
  });

  test.each([
    [['a,b', '1,2'], {}, /no column that is known to hold event ids. It has: a, b. .*--map COLUMN=event_id/],
    [
      ['event_id,,status', 'ev_1,,200'],
      { status: 'sttus' },
      /'sttus' is not a field. Did you mean 'status'\?/,
    ],
    [['event_id,x', 'ev_1,200'], { y: 'status' }, /has no column 'y'. It has: event_id, x/],
    [['event_id,x', 'ev_1,"200'], {}, /a log is not CSV: /],
  ])('%j with the map %j is refused as a whole', async (lines, map, message) => {
    await expect(read(lines, map as Record<string, string>)).rejects.toThrow(UsageError);
    await expect(read(lines, map as Record<string, string>)).rejects.toThrow(message);
  });

  test('with a column without a name is read', async () => {
    expect((await read(['event_id,,status', 'ev_1,x,200'])).attempts).toMatchObject([{ status: 200 }]);
  });
});

test('an export that went through a spreadsheet, which writes flags and times its own way, is still read', async () => {
  const { records, skipped } = await readAll(
    'kind,id,event_id,received_at,signature,status,flags,forward\r\n' +
      'receipt,rc_1,ev_1,2026-01-31T12:00:00Z,valid,200,old_secret replay,\r\n' +
      'receipt,rc_2,ev_2,31/01/2026,valid,200,,\r\n' +
      'receipt,rc_3,ev_3,2026-01-31T12:00:00Z,valid,200,,{no json\r\n',
    'csv',
  );
  expect(records).toMatchObject([
    { receipt: { id: 'rc_1', flags: ['old_secret', 'replay'], forward: null } },
  ]);
  expect(skipped).toEqual([
    { line: 3, problem: 'received_at: "31/01/2026" is not a time' },
    { line: 4, problem: 'forward: not JSON' },
  ]);
});

test('no bytes make it throw anything but UsageError', async () => {
  const scrap = fc.constantFrom(
    ...[
      'event_id',
      'kind',
      'status',
      '__proto__',
      'attempt',
      '"',
      ',',
      '\n',
      '\r\n',
      '\0',
      '\ufeff',
      '200',
      "'=",
    ],
    ...['\u2028', '{}', 'receipt', '2026-01-31T12:00:00Z', 'headers', 'flags', 'body_base64', 'forward'],
  );
  const text = fc.array(scrap, { maxLength: 40 }).map((parts) => Buffer.from(parts.join('')));
  const anyBytes = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
  const headed = fc
    .tuple(
      fc.constantFrom('event_id,status,body\n', 'kind,event_id,headers,flags\n'),
      fc.oneof(text, anyBytes),
    )
    .map(([head, rest]) => Buffer.concat([Buffer.from(head), rest]));
  await fc.assert(
    fc.asyncProperty(fc.oneof(text, anyBytes, headed), async (bytes) => {
      await readAll(bytes, 'csv').catch((error) => expect(error).toBeInstanceOf(UsageError));
    }),
    { numRuns: 400 },
  );
});
