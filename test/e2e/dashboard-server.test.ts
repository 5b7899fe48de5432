import { beforeEach, describe, expect, test } from 'vitest';
import { boardWithSecrets, CALLER, PAGE } from '../helpers/board-with-secrets.ts';
import { ask, type Question, startTestDashboard, type TestDashboard } from '../helpers/dashboard-server.ts';
import { exchange, openWire, parseAnswer } from '../helpers/raw-http.ts';

let board: TestDashboard;
beforeEach(async () => {
  board = await boardWithSecrets();
});

describe('every answer', () => {
  const HEADERS = {
    'content-security-policy': expect.stringMatching(
      /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/,
    ),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cache-control': 'no-store',
  };

  test.each<[string, number, string, Question]>([
    ['the page', 200, '/', {}],
    ['a script', 200, '/app.js', {}],
    ['data', 200, '/api/kpis', {}],
    ['a curl command', 200, '/api/deliveries/receipt/1/curl', {}],
    ['a session', 200, '/session', {}],
    ['no cookie', 401, '/api/kpis', { headers: { Cookie: null } }],
    ['a wrong token', 401, '/session', { method: 'POST' }],
    ['another name', 403, '/', { headers: { Host: 'evil.example' } }],
    ['another origin', 403, '/api/kpis', { headers: { Origin: 'null' } }],
    ['nothing there', 404, '/nothing', {}],
    ['a record that is gone', 404, '/api/deliveries/receipt/7', {}],
    ['another method', 405, '/api/kpis', { method: 'PUT' }],
    ['a large body', 413, '/api/shown', { method: 'POST', body: 'x'.repeat(70_000) }],
    ['what makes no sense', 422, '/api/shown', { method: 'POST', body: '{' }],
  ])('%s: has the headers that keep others out', async (_, status, path, question) => {
    const answer = await board.ask(path, question);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject(HEADERS);
    expect(Number(answer.headers['content-length'])).toBe(Buffer.byteLength(answer.body));
  });

  test('a stream has them, too', async () => {
    const { status, headers } = await board.stream();
    expect([status, headers['content-type']]).toEqual([200, 'text/event-stream']);
    expect(headers).toMatchObject(HEADERS);
  });

  test('says what it is, so that nothing is taken for a page', async () => {
    const types = async (...paths: string[]) =>
      Promise.all(paths.map(async (path) => (await board.ask(path)).headers['content-type']));
    expect(await types(...PAGE)).toEqual([
      'text/html; charset=utf-8',
      'text/javascript; charset=utf-8',
      'text/css; charset=utf-8',
      'image/svg+xml',
    ]);
    expect(await types('/api/kpis', '/session', '/api/calls/1')).toEqual(Array(3).fill('application/json'));
    expect(await types('/nothing', '/api/deliveries/receipt/1/curl')).toEqual(
      Array(2).fill('text/plain; charset=utf-8'),
    );
  });
});

describe('what there is', () => {
  test.each<[string, string, string]>([
    ['POST', '/', 'GET, HEAD'],
    ['PUT', '/app.js', 'GET, HEAD'],
    ['DELETE', '/session', 'GET, POST'],
    ['HEAD', '/session', 'GET, POST'],
    ['POST', '/api/feed', 'GET'],
    ['HEAD', '/api/kpis', 'GET'],
    ['OPTIONS', '/api/kpis', 'GET'],
    ['GET', '/api/shown', 'POST'],
    ['GET', '/api/deliveries/receipt/1/resend', 'POST'],
    ['DELETE', '/api/deliveries/receipt/1', 'GET'],
  ])('%s %s: 405, and which methods there are', async (method, path, allow) => {
    const answer = await board.ask(path, { method });
    expect([answer.status, answer.headers.allow]).toEqual([405, allow]);
    expect(answer.body).toBe(method === 'HEAD' ? '' : `Use ${allow}`);
  });

  test.each([
    '/nothing',
    '/index.html',
    '/app.js/',
    '/APP.JS',
    '/app.js.map',
    '/../package.json',
    '/%2e%2e/package.json',
    '/..%2fpackage.json',
    '/dist/dashboard/app.js',
    '/api',
    '/api/',
    '/api/feed/',
    '/API/feed',
    '/api//feed',
    '//x/api/kpis',
    '//',
    '//[',
    '/\\',
    '/%',
    '/api/calls/x',
    '/api/calls/-1',
    '/api/calls/1e3',
    '/api/calls/12345678901234567',
    '/api/deliveries/receipt/1/',
    '/api/deliveries/receipt/1.5',
    '/api/deliveries/receipts/1',
    '/api/deliveries/__proto__/1',
    '/api/deliveries/receipt/1234567890123456',
    '*',
    `http://127.0.0.1/api/kpis`,
    'http://a:99999/',
  ])('%s is not', async (path) => {
    const wire = await openWire(board.port);
    wire.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${board.port}\r\nCookie: ${board.cookie}\r\nConnection: close\r\n\r\n`,
    );
    expect(parseAnswer(await wire.ended)).toMatchObject({ status: 404, body: 'Not found' });
    wire.socket.destroy();
    expect(board.faults).toEqual([]);
  });

  test('a query is not part of the path', async () => {
    for (const path of ['/?x=/api', '/app.js?v=1', '/api/kpis?window=1h&x=%'])
      expect((await board.ask(path)).status).toBe(200);
  });

  test('HEAD of the page is its head', async () => {
    for (const path of PAGE) {
      const [got, head] = [await ask(board.port, path), await ask(board.port, path, { method: 'HEAD' })];
      expect([head.status, head.body]).toEqual([200, '']);
      expect(head.headers['content-length']).toBe(got.headers['content-length']);
      expect(head.headers['content-type']).toBe(got.headers['content-type']);
    }
  });
});

describe('bodies', () => {
  test('of 64 KiB are read, of more refused, however they come', async () => {
    const size = 65_536;
    const report = (length: number) => `{"shown":[]${' '.repeat(length - 12)}}`;
    expect((await board.post('/api/shown', report(size))).status).toBe(200);
    expect((await board.post('/api/shown', report(size + 1))).status).toBe(413);
    const head = `POST /api/shown HTTP/1.1\r\nHost: 127.0.0.1:${board.port}\r\nCookie: ${board.cookie}\r\n`;
    const wire = await openWire(board.port);
    wire.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    for (let i = 0; i < 9; i++) wire.write(`2000\r\n${' '.repeat(0x2000)}\r\n`);
    expect(parseAnswer(await wire.ended)).toMatchObject({ status: 413, body: 'Body too large' });
    wire.socket.destroy();
  });

  test('of those who are not let in are not even waited for', async () => {
    for (const [path, status] of [
      ['/api/shown', 401],
      ['/session', 401],
      ['/', 405],
    ] as const) {
      const wire = await openWire(board.port);
      wire.write(
        `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${board.port}\r\nContent-Length: 1000000000\r\n\r\nx`,
      );
      expect(parseAnswer(await wire.ended)).toMatchObject({ status, headers: { connection: 'close' } });
      wire.socket.destroy();
    }
  });

  test('that break off are nobody’s fault', async () => {
    const wire = await openWire(board.port);
    wire.write(
      `POST /api/shown HTTP/1.1\r\nHost: 127.0.0.1:${board.port}\r\nCookie: ${board.cookie}\r\nContent-Length: 50\r\n\r\n{"sho`,
    );
    const begun = await board.ask('/session');
    expect(begun.status).toBe(200);
    wire.socket.resetAndDestroy();
    for (let i = 0; i < 20; i++) await board.ask('/session');
    expect(board.faults).toEqual([]);
  });
});

test('a connection is kept for the next request, of the page’s files and of data alike', async () => {
  const wire = await openWire(board.port);
  const head = `Host: 127.0.0.1:${board.port}\r\nCookie: ${board.cookie}\r\n\r\n`;
  for (const [path, end] of [
    ['/icon.svg', /<\/svg>\s*$/],
    ['/nothing', /Not found$/],
    ['/session', /\{\}$/],
    ['/api/kpis', /"took_ms":[\d.]+\}$/],
  ] as const) {
    wire.write(`GET ${path} HTTP/1.1\r\n${head}`);
    await wire.waitFor(end);
  }
  wire.write(`GET /icon.svg HTTP/1.1\r\nConnection: close\r\n${head}`);
  expect((await wire.ended).match(/HTTP\/1\.1 \d+/g)).toEqual(
    [200, 404, 200, 200, 200].map((status) => `HTTP/1.1 ${status}`),
  );
  wire.socket.destroy();
});

test('what is no HTTP ends that connection and nothing else', async () => {
  const answer = await exchange(board.port, '\u0016\u0003\u0001 hello\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect((await board.ask('/api/kpis')).status).toBe(200);
  expect(board.faults).toEqual([]);
});

test('what fails by our own fault is told to us, not to the page', async () => {
  const failing = await startTestDashboard({
    explain: () => {
      throw new Error(`secret ${CALLER}`);
    },
    store: board.store,
  });
  const answer = await failing.ask('/api/deliveries/receipt/1');
  expect([answer.status, answer.json()]).toEqual([500, { error: 'Internal error' }]);
  expect(failing.faults).toEqual([new Error(`secret ${CALLER}`)]);
});
