import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { readLog } from '../../../src/logs/log-file.ts';
import type { LogFormat } from '../../../src/logs/log-format.ts';
import { logFile, readAll } from '../../helpers/log-files.ts';
import { AT, collect } from '../../helpers/records.ts';

const BODY = '{"event":"call_missed","call_id":"MO7","timestamp":"2026-01-31T12:00:00Z"}';

/** An entry of an archive; `more` goes over it. */
function entry(more: object = {}, request: object = {}) {
  return {
    startedDateTime: '2026-01-31T12:00:00.250Z',
    time: 41.5,
    request: {
      method: 'POST',
      url: 'https://crm.example.com/notify',
      headers: [
        { name: 'x-mo-event-id', value: 'ev_1' },
        { name: 'X-MO-Delivery-Attempt', value: '2' },
      ],
      postData: { mimeType: 'application/json', text: BODY },
      ...request,
    },
    response: { status: 503 },
    ...more,
  };
}

const har = (...entries: unknown[]) => JSON.stringify({ log: { version: '1.2', entries } });

describe('an HTTP archive', () => {
  test('has an attempt for each POST, with what its headers and body say', async () => {
    const get = entry({}, { method: 'GET', postData: undefined });
    const { records, skipped } = await readAll(har(get, entry()), 'har');
    expect(skipped).toEqual([]);
    expect(records).toMatchObject([
      {
        kind: 'attempt',
        attempt: {
          eventId: 'ev_1',
          event: 'call_missed',
          callId: 'MO7',
          endpoint: 'crm.example.com',
          url: 'https://crm.example.com/notify',
          attempt: 2,
          status: 503,
          outcome: 'rejected',
          sentAt: AT + 250,
          dueAt: AT + 250,
          durationMs: 41.5,
        },
      },
    ]);
    expect(records[0]?.body?.toString()).toBe(BODY);
  });

  test('with a body in base64 gives its bytes', async () => {
    const text = Buffer.from([0xff, 0, 1]).toString('base64');
    const { records } = await readAll(har(entry({}, { postData: { text, encoding: 'base64' } })), 'har');
    expect(records[0]?.body).toEqual(Buffer.from([0xff, 0, 1]));
  });

  test.each([
    ['status 0, as for a request that was cut off', { response: { status: 0 } }],
    ['a broken status', { response: { status: 200.5 } }],
    ['no response', { response: null }],
  ])('with %s has no answer', async (_, more) => {
    const { records } = await readAll(har(entry(more)), 'har');
    expect(records).toMatchObject([
      { attempt: { status: null, outcome: 'reset', error: 'no answer on record' } },
    ]);
  });

  test.each([[{ time: -1 }], [{ time: 'long' }], [{ time: null }], [{ time: 1e300 }]])(
    'with %j has no duration',
    async (more) => {
      expect((await readAll(har(entry(more)), 'har')).records).toMatchObject([
        { attempt: { durationMs: 0 } },
      ]);
    },
  );

  test('without times has the file’s', async () => {
    const { records } = await readAll(har(entry({ startedDateTime: 'noon' })), 'har');
    expect(records).toMatchObject([{ attempt: { sentAt: AT } }]);
  });

  test('without event ids has each entry for an event of its own', async () => {
    const bare = entry({}, { headers: [null, { name: 1 }, { name: 'X-MO-Event-Id', value: 'ev\n1' }] });
    const { records } = await readAll(har(bare, bare), 'har');
    const { records: others } = await readAll(har({ ...bare, time: 1, response: { status: 200 } }), 'har');
    const ids = [...records, ...others].map((record) => record.kind === 'attempt' && record.attempt.eventId);
    expect(new Set(ids).size).toBe(3);
  });

  test('names the entries that hold no delivery, and reads the others', async () => {
    const { records, skipped } = await readAll(
      har(null, 7, {}, { request: null }, entry({}, { postData: {} }), entry()),
      'har',
    );
    expect(records).toHaveLength(1);
    expect(skipped).toEqual([
      ...[1, 2, 3, 4].map((line) => ({ line, problem: 'it has no request' })),
      { line: 5, problem: 'its request has no body' },
    ]);
  });

  test.each(['{"log":{}}', '{"log":null}', 'null', '[]', '7', '{'])(
    '%j is refused as a whole',
    async (text) => {
      await expect(readAll(text, 'har')).rejects.toThrow(UsageError);
    },
  );
});

describe('a JSON document', () => {
  const receipt = { kind: 'receipt', id: 'rc', received_at: '2026-01-31T12:00:00Z', signature: 'valid' };

  test.each([
    ['an array', [receipt, receipt], 2],
    ['one record', receipt, 1],
    ['no record at all', [], 0],
    ['lines of a stream besides', [{ type: 'ready', url: 'x' }, receipt], 1],
  ])('may be %s', async (_, document, count) => {
    const { records, skipped } = await readAll(JSON.stringify(document, null, 2), 'json');
    expect([records.length, skipped]).toEqual([count, []]);
  });

  test.each([
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${JSON.stringify([receipt])}`)],
    ['UTF-16', Buffer.from(`\ufeff${JSON.stringify([receipt])}`, 'utf16le')],
    ['UTF-16, the other way round', Buffer.from(`\ufeff${JSON.stringify([receipt])}`, 'utf16le').swap16()],
  ])('may be in %s', async (_, bytes) => {
    expect((await readAll(bytes, 'json')).records).toHaveLength(1);
  });

  /** Stands for what JSON.parse takes and JSON.stringify does not. */
  const deep = 'DEEP';
  const odd = { toString: 1, valueOf: 1 };
  test.each([
    [7, 'not an object'],
    [[receipt], 'not an object'],
    [{ kind: 'call' }, 'kind: "call" is not attempt or receipt'],
    [{ id: 'x' }, 'no record: it has no kind'],
    [{ ...receipt, id: deep }, 'id: […] is not a text'],
    [{ ...receipt, status: deep }, 'status: […] is not an HTTP status'],
    [{ ...receipt, flags: deep }, 'flags: not a list of texts'],
    [{ ...receipt, flags: [odd] }, 'flags: not a list of texts'],
    [
      { ...receipt, signature: odd },
      'signature: {…} is not one of valid, missing, malformed, mismatch, unchecked',
    ],
    [{ ...receipt, signature: 'x'.repeat(500) }, /^signature: "x{39}… is not one of /],
    [{ ...receipt, shown_at: 'soon' }, 'shown_at: "soon" is not a time'],
    [{ ...receipt, received_at: undefined }, 'received_at is missing'],
    [{ ...receipt, forward: 7 }, 'forward: not an object'],
    [{ ...receipt, forward: { duration_ms: 1e300 } }, 'duration_ms: 1e+300 is not a duration in ms'],
    [{ ...receipt, forward: { duration_ms: -1 } }, 'duration_ms: -1 is not a duration in ms'],
    [{ ...receipt, body_base64: 'ä' }, 'body_base64: not base64'],
  ])('names an entry that is no record: %#', async (value, problem) => {
    const text = JSON.stringify([value, receipt]);
    const { records, skipped } = await readAll(
      text.replace('"DEEP"', `${'['.repeat(9000)}${']'.repeat(9000)}`),
      'json',
    );
    expect(records).toHaveLength(1);
    expect(skipped).toEqual([
      { line: 1, problem: typeof problem === 'string' ? problem : expect.stringMatching(problem) },
    ]);
  });

  test('with headers that no store could keep leaves them out, not the record', async () => {
    const { records } = await readAll(JSON.stringify([{ ...receipt, headers: [['X', 'a\nb']] }]), 'json');
    expect(records).toMatchObject([{ headers: null }]);
  });

  test('that is too large to be read at once is refused with a way out', async () => {
    const file = { ...logFile('[]'), size: 300 * 1024 ** 2 };
    await expect(collect(readLog(file, 'json', new Map()))).rejects.toThrow(/300 MiB; up to 256 .*jq -c/);
  });
});

describe('a saved HTTP request', () => {
  const request = `POST /hook HTTP/1.1\r\nX-MO-Event-Id: ev_9\r\nX-MO-Signature: sha256=ab\r\n\r\n${BODY}`;

  test('is a receipt that nobody has checked', async () => {
    const { records } = await readAll(request, 'http');
    expect(records).toMatchObject([
      {
        kind: 'receipt',
        receipt: {
          eventId: 'ev_9',
          event: 'call_missed',
          callId: 'MO7',
          signature: 'unchecked',
          receivedAt: AT,
        },
        headers: ['X-MO-Event-Id', 'ev_9', 'X-MO-Signature', 'sha256=ab'],
      },
    ]);
    expect(records[0]?.body?.toString()).toBe(BODY);
  });

  test('is another record than the next one in a file of the same name', async () => {
    const id = async (text: string) => {
      const [record] = (await readAll(text, 'http')).records;
      return record?.kind === 'receipt' ? record.receipt.id : '';
    };
    expect(await id(request)).toBe(await id(request));
    expect(await id(request)).not.toBe(await id(`${request} `));
  });
});

test('no bytes make any of them throw anything but UsageError', async () => {
  const formats = fc.constantFrom<LogFormat[]>('har', 'json', 'http');
  const anyBytes = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
  const values = fc.jsonValue({ maxDepth: 4 });
  const keyed = fc.dictionary(
    fc.constantFrom(
      'request',
      'response',
      'method',
      'url',
      'postData',
      'text',
      'headers',
      'kind',
      'id',
      'flags',
    ),
    fc.oneof(values, fc.constantFrom('POST', 'attempt', 'receipt', 'https://a/')),
  );
  const documents = fc.oneof(
    values.map((value) => JSON.stringify(value)),
    fc
      .array(
        fc.oneof(
          values,
          keyed,
          keyed.map((request) => ({ request })),
        ),
      )
      .map((entries) => har(...entries)),
    fc.array(keyed).map((entries) => JSON.stringify(entries)),
  );
  await fc.assert(
    fc.asyncProperty(formats, fc.oneof(anyBytes, documents), async (format, content) => {
      await readAll(content, format).catch((error) => expect(error).toBeInstanceOf(UsageError));
    }),
    { numRuns: 600 },
  );
});
