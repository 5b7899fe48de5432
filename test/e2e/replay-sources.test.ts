import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { signPayload } from '../../src/core/signature.ts';
import { answers, type Endpoint, startEndpoint } from '../helpers/endpoint.ts';
import { eventIds, file, inStore, ioOf, nthEvent, replay, to, world } from '../helpers/replay.ts';
import { signatureResult } from '../helpers/send-test.ts';

const PRETTY = '{\r\n  "event": "call_missed",\r\n  "call_id": "MO1",\r\n  "n": 1.0\r\n}\r\n';
/** Bodies that come out otherwise wherever somebody reads them as text and writes them anew. */
const BODIES = {
  compact: Buffer.from(nthEvent(0)),
  pretty: Buffer.from(PRETTY),
  'byte order mark': Buffer.from(`\ufeff${nthEvent(0)}`),
  'invalid UTF-8': Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0xff, 0x00, 0x22, 0x7d]),
  'no JSON': Buffer.from('"quoted", and\na line, =1+1\u2028\u202e'),
  'nothing at all': Buffer.alloc(0),
};
const ROWS = Object.values(BODIES).map((body) => ({ body }));

/** Each body came as it was, under its own id, rightly signed. */
function expectExact(endpoint: Endpoint, ids = Object.keys(BODIES).map((_, n) => `ev_${n}`)): void {
  expect(eventIds(endpoint)).toEqual(ids);
  expect(endpoint.requests.map(({ body }) => body.toString('latin1'))).toEqual(
    Object.values(BODIES).map((body) => body.toString('latin1')),
  );
  expect(endpoint.requests.map(signatureResult)).toEqual(ids.map(() => 'valid'));
}

const inOrder = (endpoint: Endpoint) => to(endpoint, '--concurrency', '1');

describe('ids and bytes arrive as they are on record, and are rightly signed', () => {
  test.each([
    ['sent', [], ROWS],
    ['received', ROWS, []],
  ])('out of the store: what was %s', async (_, received, sent) => {
    const endpoint = await startEndpoint(answers(200));
    const { code } = await replay(await world(sent, received), inOrder(endpoint));
    expect(code).toBe(0);
    expectExact(endpoint);
  });

  test.each(
    ['ndjson', 'json', 'csv'].flatMap((format) => [
      [format, 'sent'],
      [format, 'received'],
    ]),
  )('out of our own %s export of what was %s: by its name, and on standard input', async (format, which) => {
    const where = which === 'sent' ? await world(ROWS) : await world([], ROWS);
    const name = join(where.cwd, `log.${format}`);
    const args = ['logs', 'export', '--with-bodies', '--show-numbers', '--format', format, '-o', name];
    expect(await run(args, ioOf(where))).toBe(0);
    const elsewhere = await world();
    const endpoint = await startEndpoint(answers(200));
    expect((await replay(elsewhere, [name, ...inOrder(endpoint)])).code).toBe(0);
    expectExact(endpoint);
    const other = await startEndpoint(answers(200));
    const stdin = readFileSync(name);
    expect((await replay(elsewhere, ['-', ...inOrder(other)], { stdin })).code).toBe(0);
    expectExact(other);
  });

  test('out of a store that they were imported into', async () => {
    const where = await world(ROWS);
    const io = ioOf(where);
    await run(['logs', 'export', '--with-bodies', '--show-numbers'], io);
    const elsewhere = await world();
    await run(['logs', 'import', '-'], ioOf(elsewhere, { stdin: io.out() }));
    const endpoint = await startEndpoint(answers(200));
    expect((await replay(elsewhere, inOrder(endpoint))).code).toBe(0);
    expectExact(endpoint);
  });

  test('out of JSON with one pretty record, or several', async () => {
    const where = await world(2);
    const io = ioOf(where);
    await run(['logs', 'export', '--with-bodies', '--show-numbers', '--kind', 'attempt'], io);
    const records = io
      .out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    for (const document of [records, records[0]]) {
      const name = file(where, 'log.json', JSON.stringify(document, null, 2));
      const endpoint = await startEndpoint(answers(200));
      expect((await replay(where, [name, ...inOrder(endpoint)])).code).toBe(0);
      expect(eventIds(endpoint)).toEqual(document === records ? ['ev_0', 'ev_1'] : ['ev_0']);
    }
  });
});

describe('a saved HTTP request', () => {
  const head = (body: Buffer) =>
    `POST /notify HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/json\r\nX-MO-Event-Id: ev_7\r\nX-MO-Signature: ${signPayload(body, 'another secret')}\r\nContent-Length: ${body.length}\r\n\r\n`;

  test.each(Object.entries(BODIES))(
    '%s: id and bytes as saved, less the newline of an editor',
    async (_, body) => {
      const where = await world();
      const name = file(
        where,
        'request.http',
        Buffer.concat([Buffer.from(head(body)), body, Buffer.from('\n')]),
      );
      for (const [source, options] of [
        [name, {}],
        ['-', { stdin: readFileSync(join(where.cwd, name)) }],
      ] as const) {
        const endpoint = await startEndpoint(answers(200));
        expect((await replay(where, [source, ...to(endpoint)], options)).code).toBe(0);
        const [seen] = endpoint.requests;
        expect([eventIds(endpoint), seen?.body.toString('latin1')]).toEqual([
          ['ev_7'],
          body.toString('latin1'),
        ]);
        expect(endpoint.requests.map(signatureResult)).toEqual(['valid']);
      }
    },
  );
});

describe('HAR', () => {
  const entry = (id: string, text: string, more: object = {}, attempt = '1') => ({
    startedDateTime: '2026-01-31T12:00:00.000Z',
    time: 12,
    request: {
      method: 'POST',
      url: 'https://example.com/notify',
      headers: [
        { name: 'Content-Type', value: 'application/json' },
        { name: 'X-MO-Event-Id', value: id },
        { name: 'X-MO-Delivery-Attempt', value: attempt },
      ],
      postData: { mimeType: 'application/json', text, ...more },
    },
    response: { status: 503 },
  });

  test('posts are sent, other requests are not; a base64 body is its bytes', async () => {
    const where = await world();
    const get = {
      ...entry('ev_x', ''),
      request: { method: 'GET', url: 'https://example.com/', headers: [] },
    };
    const bytes = BODIES['invalid UTF-8'];
    const entries = [
      entry('ev_0', PRETTY),
      get,
      entry('ev_1', bytes.toString('base64'), { encoding: 'base64' }),
    ];
    const name = file(where, 'log.har', JSON.stringify({ log: { version: '1.2', entries } }));
    const endpoint = await startEndpoint(answers(200));
    expect((await replay(where, [name, ...inOrder(endpoint)])).code).toBe(0);
    expect(eventIds(endpoint)).toEqual(['ev_0', 'ev_1']);
    expect(endpoint.requests.map(({ body }) => body)).toEqual([Buffer.from(PRETTY), bytes]);
    expect(endpoint.requests.map(signatureResult)).toEqual(['valid', 'valid']);
  });

  test('each event is sent once, however often it was tried', async () => {
    const where = await world();
    const entries = ['1', '2', '3'].map((attempt) => entry('ev_0', PRETTY, {}, attempt));
    const name = file(where, 'log.har', JSON.stringify({ log: { entries } }));
    const endpoint = await startEndpoint(answers(200));
    await replay(where, [name, ...inOrder(endpoint)]);
    expect(eventIds(endpoint)).toEqual(['ev_0']);
  });
});

describe('CSV of another tool', () => {
  const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;

  test('known columns', async () => {
    const where = await world();
    const log = `webhook_id,response_code,payload\nev_0,503,${cell(PRETTY)}\nev_1,200,${cell(nthEvent(1))}\n`;
    const endpoint = await startEndpoint(answers(200));
    expect((await replay(where, [file(where, 'log.csv', log), ...inOrder(endpoint)])).code).toBe(0);
    expect(eventIds(endpoint)).toEqual(['ev_0', 'ev_1']);
    expect(endpoint.requests.map(({ body }) => body.toString())).toEqual([PRETTY, nthEvent(1)]);
  });

  test('--map names the others, the body among them; base64 keeps any bytes', async () => {
    const where = await world();
    const bytes = BODIES['invalid UTF-8'];
    const log = `Ref,Raw,Answer\nev_0,${bytes.toString('base64')},500\nev_1,${Buffer.from(PRETTY).toString('base64')},200\n`;
    const name = file(where, 'log.csv', log);
    const map = ['--map', 'Ref=event_id', '--map', 'Raw=body_base64', '--map', 'Answer=status'];
    const endpoint = await startEndpoint(answers(200));
    expect((await replay(where, [name, ...map, ...inOrder(endpoint)])).code).toBe(0);
    expect(endpoint.requests.map(({ body }) => body)).toEqual([bytes, Buffer.from(PRETTY)]);
    const failed = await startEndpoint(answers(200));
    expect((await replay(where, [name, ...map, '--status', 'failed', ...inOrder(failed)])).code).toBe(0);
    expect(eventIds(failed)).toEqual(['ev_0']);
  });

  test('a row with several attempts is one event, which is sent once', async () => {
    const where = await world();
    const log = `event_id,attempts,response_code,body\nev_0,4,503,${cell(nthEvent(0))}\nev_1,1,200,${cell(nthEvent(1))}\n`;
    const endpoint = await startEndpoint(answers(200));
    const { announced } = await replay(where, [file(where, 'log.csv', log), ...inOrder(endpoint)]);
    expect([announced, eventIds(endpoint)]).toEqual([2, ['ev_0', 'ev_1']]);
  });

  test('E11 a body that is no UTF-8 is not sent as other bytes than it was', async () => {
    const where = await world();
    const log = Buffer.from('event_id,body\nev_0,{}\nev_1,"{""q"":""\xff""}"\n', 'latin1');
    const endpoint = await startEndpoint(answers(200));
    await replay(where, [file(where, 'log.csv', log), ...inOrder(endpoint)]);
    expect(endpoint.requests.map(({ body }) => body.toString('latin1'))).not.toContain(
      '{"q":"\xef\xbf\xbd"}',
    );
  });

  test('without a column that holds bodies nothing can be sent', async () => {
    const where = await world();
    const name = file(where, 'log.csv', 'event_id,attempts,response_code\nev_0,4,503\n');
    const { code, io } = await replay(where, [name, '--to', '9']);
    expect(code).toBe(1);
    expect(io.err()).toMatch(/^mo-notify: 1 cannot be sent again/);
  });
});

test('what is replayed from a file is on record as what it is: a replay of that record', async () => {
  const where = await world();
  const name = file(where, 'log.csv', 'event_id,body\nev_0,{}\n');
  const endpoint = await startEndpoint(answers(200));
  const { attempts, run: id } = await replay(where, [name, ...to(endpoint)]);
  expect(attempts).toMatchObject([{ event_id: 'ev_0', run: id, replay_of: expect.stringContaining('line') }]);
  expect(await inStore(where, (store) => store.count('attempt', { run: id }))).toBe(1);
});
