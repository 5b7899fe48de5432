import { describe, expect, onTestFinished, test } from 'vitest';
import { parsePayload } from '../../src/core/payload.ts';
import { startTestDashboard, type TestDashboard } from '../helpers/dashboard-server.ts';
import { eventBody } from '../helpers/delivery.ts';
import { type OpenStream, openStream, type StreamMessage } from '../helpers/event-stream.ts';
import { openWire } from '../helpers/raw-http.ts';
import { AT, newReceipt } from '../helpers/records.ts';

const MOST_PAGES = 256;

/** Stores an event, as a receiver in the same process does. */
async function receive({ store, dashboard }: TestDashboard, id: string, call = id): Promise<void> {
  const body = eventBody({ call_id: call, timestamp: new Date(AT).toISOString() });
  const about = newReceipt({ id: `rc_${id}`, eventId: id, callId: call, body, receivedAt: Date.now() });
  const { seq, duplicate } = await store.addReceipt(about);
  const { body: _, headers: __, timestampMs, accepted, forwarding, ...receipt } = about;
  dashboard.received(
    seq,
    { ...receipt, duplicate, forward: null, shownAt: null },
    parsePayload(Buffer.from(body)),
  );
}

const idsIn = ({ data }: StreamMessage): string[] =>
  data.records.map((row: { event_id: string }) => row.event_id);
const tellsOf = (id: string) => (message: StreamMessage) =>
  message.event !== 'missed' && idsIn(message).includes(id);

/** A dashboard that has told a page of three events, one message each. */
async function told(): Promise<{ board: TestDashboard; page: OpenStream; messages: StreamMessage[] }> {
  const board = await startTestDashboard();
  const page = await board.stream();
  await page.find(({ event }) => event === 'snapshot');
  for (const id of ['ev_1', 'ev_2', 'ev_3']) {
    await receive(board, id);
    await page.find(tellsOf(id));
  }
  return { board, page, messages: page.messages };
}

test('a page gets all there is, then what comes, whoever stores it', async () => {
  const board = await startTestDashboard();
  await receive(board, 'ev_0');
  const page = await board.stream();
  const snapshot = await page.find(({ event }) => event === 'snapshot');
  expect(idsIn(snapshot)).toEqual(['ev_0']);
  await receive(board, 'ev_1');
  expect(await page.find(tellsOf('ev_1'))).toMatchObject({
    event: 'changes',
    data: { calls: [{ call_id: 'ev_1' }] },
  });
  await board.store.addReceipt(newReceipt({ eventId: 'ev_2', body: eventBody({ call_id: 'ev_2' }) }));
  await page.find(tellsOf('ev_2'));
  expect(page.messages.map(({ event }) => event)).toEqual(['snapshot', 'changes', 'changes']);
});

test('the story of a call that a page lists can be asked for, by its number alone', async () => {
  const { board, messages } = await told();
  const [{ key }] = (messages[1] as StreamMessage).data.calls;
  const answer = await board.ask(`/api/calls/${key}`);
  expect(answer.json()).toMatchObject({
    row: { call_id: 'ev_1' },
    events: [{ event: 'call_connected' }],
    findings: [{}, {}],
  });
  const gone = await board.ask(`/api/calls/${key + 1}`);
  expect([gone.status, gone.json()]).toEqual([404, { error: 'This call is not kept any more' }]);
});

describe('F7 a page that was cut off', () => {
  test.each<[string, (id: string) => [path: string, headers: Record<string, string>]]>([
    ['Last-Event-ID', (id) => ['/api/feed', { 'Last-Event-ID': id }]],
    ['?after=', (id) => [`/api/feed?after=${id}`, {}]],
    ['both, of which the browser’s own is the later', (id) => ['/api/feed?after=1', { 'Last-Event-ID': id }]],
  ])('gets exactly what came since, by %s', async (_, ask) => {
    const { board, messages, page } = await told();
    const [snapshot, first, ...rest] = messages as [StreamMessage, StreamMessage, ...StreamMessage[]];
    page.close();
    for (const [known, missed] of [
      [snapshot, [first, ...rest]],
      [first, rest],
    ] as const) {
      const again = await board.stream(...ask(known.id));
      await again.find(tellsOf('ev_3'));
      expect(again.messages).toEqual(missed);
    }
    const current = await board.stream(...ask((messages.at(-1) as StreamMessage).id));
    await receive(board, 'ev_4');
    await current.find(tellsOf('ev_4'));
    expect(current.messages).toHaveLength(1);
  });

  test('with an id that is none of this run gets a marker and all there is', async () => {
    const { board } = await told();
    const day = 86_400_000_000;
    const now = Date.now() * 1000;
    const made = [
      '',
      '-1',
      '0',
      '1',
      '1e15',
      '0x10',
      '1.5',
      'NaN',
      'garbage',
      '__proto__',
      '9'.repeat(20),
      '9'.repeat(10_000),
    ];
    for (const id of [...made, String(now - day), String(now + day)])
      for (const [path, headers] of [
        ['/api/feed', { 'Last-Event-ID': id }],
        [`/api/feed?after=${encodeURIComponent(id)}`, {}],
      ] as const) {
        const page = await board.stream(path, headers);
        await page.find(tellsOf('ev_3'));
        expect([id, page.messages[0], page.messages[1]?.event]).toEqual([
          id,
          { id: '', event: 'missed', data: {} },
          'snapshot',
        ]);
        page.close();
      }
  });

  test('for longer than is kept gets a marker and all there is; for less exactly that', async () => {
    const { board, page, messages } = await told();
    const early = messages.at(-1) as StreamMessage;
    // Long texts, so that a few messages are more than is kept.
    const long = '€'.repeat(200);
    const more = { caller_number: long, receiver_number: long, direction: long };
    let size = 0;
    for (let round = 0; size < 5 * 1024 ** 2; round++) {
      const [first, last] = [round * 100, round * 100 + 99];
      for (let i = first; i <= last; i++) {
        const body = eventBody({
          call_id: `${long}${i}`,
          metadata: { queue: long, agent_id: long },
          ...more,
        });
        const about = { eventId: `many_${i}`, event: long, callId: `${long}${i}`, receivedAt: Date.now() };
        void board.store.addReceipt(newReceipt({ ...about, body }));
      }
      await page.find(tellsOf(`many_${last}`));
      size = page.messages.reduce((sum, { data }) => sum + Buffer.byteLength(JSON.stringify(data)), 0);
    }
    const [known, ...since] = page.messages.slice(-2) as [StreamMessage, StreamMessage];
    const late = await board.stream('/api/feed', { 'Last-Event-ID': early.id });
    await late.find(({ event }) => event === 'snapshot');
    expect(late.messages.map(({ event }) => event)).toEqual(['missed', 'snapshot']);
    const soon = await board.stream('/api/feed', { 'Last-Event-ID': known.id });
    await soon.find(({ id }) => id === since.at(-1)?.id);
    expect(soon.messages).toEqual(since);
  });

  test('between two runs gets a marker and all there is', async () => {
    const { board, messages } = await told();
    const next = await startTestDashboard({ store: board.store });
    const page = await next.stream('/api/feed', { 'Last-Event-ID': (messages.at(-1) as StreamMessage).id });
    await page.find(tellsOf('ev_3'));
    expect(page.messages.map(({ event }) => event)).toEqual(['missed', 'snapshot']);
  });

  test('from records that were removed gets a marker and what is left', async () => {
    const { board, page } = await told();
    await board.store.prune(Date.now() + 1000, Date.now() + 1000, { dryRun: false });
    await page.find(({ event }) => event === 'missed');
    const left = await page.find(({ event, data }) => event === 'snapshot' && data.records.length === 0);
    expect(left.data.calls).toEqual([]);
  });
});

describe('F8', () => {
  test.each([
    'a\nb',
    'a\r\n\r\ndata: {}\n\n',
    '\n\nid: 1\nevent: snapshot\ndata: {}\n\n',
    'data: x',
    '\u2028',
    'id: 1',
  ])('a call, an event and its id named %j come in one message each', async (text) => {
    const board = await startTestDashboard();
    const wire = await openWire(board.port);
    onTestFinished(() => void wire.socket.destroy());
    wire.write(`GET /api/feed HTTP/1.0\r\nHost: 127.0.0.1:${board.port}\r\nCookie: ${board.cookie}\r\n\r\n`);
    await wire.waitFor(/event: snapshot\ndata: [^\n]+\n\n/);
    const body = eventBody({ call_id: text, event: text, caller_number: text });
    await board.store.addReceipt(newReceipt({ eventId: text, callId: text, event: text, body }));
    const [, line] = await wire.waitFor(/event: changes\ndata: ([^\n]+)\n\n/);
    const data = JSON.parse(Buffer.from(line as string, 'latin1').toString('utf8'));
    expect(data.calls).toMatchObject([{ call_id: text, last: { event: text, event_id: text } }]);
    expect(data.records).toMatchObject([{ event_id: text, call_id: text, event: text, caller_number: text }]);
    const lines = wire
      .received()
      .split('\r\n\r\n')
      .slice(1)
      .join('')
      .split(/\r\n|\r|\n/);
    for (const one of lines)
      expect(one).toMatch(/^$|^id: \d{1,16}$|^event: (snapshot|changes|heartbeat)$|^data: \{.*\}$/su);
  });
});

describe('F6 very many pages', () => {
  const open = (board: TestDashboard, count: number) =>
    Promise.all(
      Array.from({ length: count }, () =>
        openStream(board.port, '/api/feed', { Host: `127.0.0.1:${board.port}`, Cookie: board.cookie }),
      ),
    );

  test('all at once: so many are served, the others asked to come again; after a storm of leaving all have room', async () => {
    const board = await startTestDashboard();
    await receive(board, 'ev_0');
    for (const round of [1, 2]) {
      const pages = await open(board, 300);
      const served = pages.filter(({ status }) => status === 200);
      const refused = pages.filter(({ status }) => status === 503);
      expect([served.length, refused.length]).toEqual([MOST_PAGES, 300 - MOST_PAGES]);
      for (const { headers } of refused) expect(headers['retry-after']).toBe('5');
      await receive(board, `ev_${round}`);
      await Promise.all(served.map((page) => page.find(tellsOf(`ev_${round}`))));
      for (const page of pages) page.close();
      await expect
        .poll(
          async () => {
            const [one] = (await open(board, 1)) as [OpenStream];
            one.close();
            return one.status;
          },
          { interval: 5 },
        )
        .toBe(200);
    }
    expect(board.faults).toEqual([]);
  });

  test('of whom none stays: the place of each is free again', async () => {
    const board = await startTestDashboard();
    for (let i = 0; i < 4; i++) {
      const wires = await Promise.all(Array.from({ length: 100 }, () => openWire(board.port)));
      for (const { write } of wires)
        write(`GET /api/feed HTTP/1.1\r\nHost: 127.0.0.1:${board.port}\r\nCookie: ${board.cookie}\r\n\r\n`);
      for (const { socket } of wires) socket.resetAndDestroy();
    }
    await expect
      .poll(
        async () => {
          const pages = await open(board, MOST_PAGES);
          for (const page of pages) page.close();
          return pages.filter(({ status }) => status === 200).length;
        },
        { interval: 5 },
      )
      .toBe(MOST_PAGES);
    expect(board.faults).toEqual([]);
  });

  test('that never read share what is waiting for them', async () => {
    const board = await startTestDashboard();
    const long = '€'.repeat(200);
    const more = {
      metadata: { queue: long, agent_id: long },
      caller_number: long,
      receiver_number: long,
      direction: long,
    };
    await Promise.all(
      Array.from({ length: 3000 }, (_, i) =>
        board.store.addReceipt(
          newReceipt({
            eventId: `ev_${i}`,
            callId: `C${i}`,
            receivedAt: Date.now(),
            body: eventBody({ call_id: `C${i}`, ...more }),
          }),
        ),
      ),
    );
    const reader = await board.stream();
    const { data } = await reader.find(({ event }) => event === 'snapshot');
    const size = Buffer.byteLength(JSON.stringify(data));
    expect(size).toBeGreaterThan(8_000_000);
    const before = process.memoryUsage().external;
    const count = 40;
    for (let i = 0; i < count; i++) {
      const wire = await openWire(board.port);
      onTestFinished(() => void wire.socket.destroy());
      wire.socket.once('data', () => wire.socket.pause());
      wire.write(
        `GET /api/feed?after=1 HTTP/1.1\r\nHost: 127.0.0.1:${board.port}\r\nCookie: ${board.cookie}\r\n\r\n`,
      );
      await wire.waitFor(/text\/event-stream/);
    }
    await receive(board, 'ev_last');
    await reader.find(tellsOf('ev_last'));
    expect(process.memoryUsage().external - before).toBeLessThan((count * size) / 4);
  });
});
