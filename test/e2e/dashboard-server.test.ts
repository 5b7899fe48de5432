import { beforeEach, describe, expect, test } from 'vitest';
import { ask, type Question, startTestDashboard, type TestDashboard } from '../helpers/dashboard-server.ts';
import { eventBody } from '../helpers/delivery.ts';
import { exchange, openWire, parseAnswer } from '../helpers/raw-http.ts';
import { newReceipt } from '../helpers/records.ts';

const CALLER = '+919876543210';
/** What no answer to a stranger may have in it. */
const PRIVATE = [CALLER, '9876543210', 'MO_secret_call', 'ev_secret', 'Sales', 'memory'];

const PAGE = ['/', '/app.js', '/app.css', '/icon.svg'];
const DATA: [method: string, path: string][] = [
  ['GET', '/api/feed'],
  ['GET', '/api/feed?after=1'],
  ['GET', '/api/calls/1'],
  ['GET', '/api/deliveries'],
  ['GET', '/api/deliveries/receipt/1'],
  ['GET', '/api/deliveries/receipt/1/curl'],
  ['POST', '/api/deliveries/receipt/1/resend'],
  ['GET', '/api/kpis'],
  ['POST', '/api/shown'],
];
const ANYTHING: [method: string, path: string][] = [
  ...DATA,
  ['GET', '/api'],
  ['GET', '/nothing'],
  ['GET', '/index.html'],
  ['GET', '/api/deliveries/receipt/999'],
  ['PUT', '/api/kpis'],
  ['HEAD', '/api/feed'],
  ['OPTIONS', '/api/feed'],
];

let board: TestDashboard;
beforeEach(async () => {
  board = await startTestDashboard();
  const body = eventBody({ caller_number: CALLER, call_id: 'MO_secret_call', metadata: { queue: 'Sales' } });
  await board.store.addReceipt(
    newReceipt({
      eventId: 'ev_secret',
      callId: 'MO_secret_call',
      body,
      headers: ['X-MO-Event-Id', 'ev_secret'],
    }),
  );
});

function expectNothingPrivate(text: string): void {
  for (const one of PRIVATE) expect(text).not.toContain(one);
  expect(text).not.toContain(board.token);
}

describe('F9 whoever has no cookie', () => {
  test.each<[string, () => Record<string, string | null>]>([
    ['none', () => ({})],
    ['another', () => ({ Cookie: `mo_notify_${board.port}=${'x'.repeat(43)}` })],
    ['the token for one', () => ({ Cookie: `mo_notify_${board.port}=${board.token}` })],
    ['the right one under another name', () => ({ Cookie: board.cookie.replace(/^[^=]+/, 'session') })],
    ['the token in a header', () => ({ Authorization: `Bearer ${board.token}` })],
    ['a wrong token in a header', () => ({ Authorization: 'Bearer wrong' })],
  ])('%s: is told to open the link, whatever is asked for', async (_, headers) => {
    const said = new Set<string>();
    for (const [method, path] of ANYTHING) {
      const answer = await ask(board.port, path, { method, headers: headers() });
      expect([method, path, answer.status]).toEqual([method, path, 401]);
      if (method !== 'HEAD') said.add(answer.body);
      expectNothingPrivate(answer.body + JSON.stringify(answer.headers));
    }
    expect([...said]).toEqual(['Open the printed link']);
  });

  test('cannot have it by the address', async () => {
    for (const path of [`/api/kpis?token=${board.token}`, `/api/feed?token=${board.token}`])
      expect((await ask(board.port, path)).status).toBe(401);
  });

  test('may have the page itself, which holds no data', async () => {
    for (const path of PAGE) {
      const answer = await ask(board.port, path);
      expect(answer.status).toBe(200);
      expect(answer.body.length).toBeGreaterThan(100);
      expectNothingPrivate(answer.body);
    }
  });
});

describe('the session', () => {
  const redeem = (headers: Question['headers'], path = '/session') =>
    ask(board.port, path, { method: 'POST', headers: headers ?? {} });

  test('is had for the printed token; its cookie is for this server’s page alone', async () => {
    const answer = await redeem({ Authorization: `Bearer ${board.token}` });
    expect([answer.status, answer.body]).toEqual([200, '{}']);
    const [cookie, ...others] = answer.headers['set-cookie'] as string[];
    expect(others).toEqual([]);
    const [pair, ...attributes] = (cookie as string).split('; ');
    expect(pair).toMatch(new RegExp(`^mo_notify_${board.port}=[\\w-]{43}$`));
    expect(attributes.sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Strict']);
    expect((await ask(board.port, '/api/kpis', { headers: { Cookie: pair as string } })).status).toBe(200);
  });

  test('is had for a one-time link once', async () => {
    const [, once] = board.dashboard.linkOnce().split('#token=');
    expect(once).not.toBe(board.token);
    const Authorization = `Bearer ${once}`;
    expect((await redeem({ Authorization })).status).toBe(200);
    const again = await redeem({ Authorization });
    expect([again.status, again.body, again.headers['set-cookie']]).toEqual([401, 'Wrong token', undefined]);
  });

  test.each(['Bearer wrong', 'Bearer ', '', 'Basic dG9rZW4='])('is not had for %j', async (Authorization) => {
    const answer = await redeem({ Authorization });
    expect([answer.status, answer.body, answer.headers['set-cookie']]).toEqual([
      401,
      'Wrong token',
      undefined,
    ]);
  });

  test('is known by its cookie', async () => {
    expect(await board.ask('/session')).toMatchObject({ status: 200, body: '{}' });
    expect(await ask(board.port, '/session')).toMatchObject({ status: 401, body: 'Open the printed link' });
  });

  test('is this run’s: another does not know it', async () => {
    const other = await startTestDashboard();
    const Cookie = board.cookie.replace(`mo_notify_${board.port}`, `mo_notify_${other.port}`);
    expect((await ask(other.port, '/api/kpis', { headers: { Cookie } })).status).toBe(401);
    expect(
      (
        await ask(other.port, '/session', {
          method: 'POST',
          headers: { Authorization: `Bearer ${board.token}` },
        })
      ).status,
    ).toBe(401);
  });
});

describe('C4 another name, with the cookie or without', () => {
  test.each([
    'evil.example',
    '127.evil.example',
    'localhost.',
    'localhost.evil.example',
    '127.0.0.2',
    '0.0.0.0',
    '[::ffff:127.0.0.1]',
  ])('%s gets nothing, not even the page', async (name) => {
    for (const host of [name, `${name}:${board.port}`])
      for (const [method, path] of [...ANYTHING, ['GET', '/session'], ...PAGE.map((path) => ['GET', path])])
        for (const headers of [{ Host: host }, { Host: host, Cookie: board.cookie }]) {
          const answer = await ask(board.port, path as string, { method: method as string, headers });
          expect([host, method, path, answer.status]).toEqual([host, method, path, 403]);
          if (method !== 'HEAD') expect(answer.body).toBe('Host not allowed');
        }
  });

  test.each(['localhost', '127.0.0.1', '[::1]', 'LOCALHOST'])('%s with its port is ours', async (name) => {
    expect((await board.ask('/api/kpis', { headers: { Host: `${name}:${board.port}` } })).status).toBe(200);
    expect((await board.ask('/api/kpis', { headers: { Host: name } })).status).toBe(403);
    expect((await board.ask('/api/kpis', { headers: { Host: `${name}:1` } })).status).toBe(403);
  });

  test('none at all gets nothing', async () => {
    const cookie = `Cookie: ${board.cookie}\r\nConnection: close\r\n\r\n`;
    expect(parseAnswer(await exchange(board.port, `GET /api/kpis HTTP/1.1\r\n${cookie}`)).status).toBe(400);
    expect(parseAnswer(await exchange(board.port, `GET /api/kpis HTTP/1.0\r\n${cookie}`)).status).toBe(403);
  });

  test('--allow-host adds names', async () => {
    const allowed = await startTestDashboard({ allowHosts: ['dash.example', 'tunnel.example:8443'] });
    const status = async (Host: string) => (await allowed.ask('/api/kpis', { headers: { Host } })).status;
    expect(await status(`dash.example:${allowed.port}`)).toBe(200);
    expect(await status('tunnel.example:8443')).toBe(200);
    for (const host of ['dash.example', `tunnel.example:${allowed.port}`, 'evil.example'])
      expect(await status(host), host).toBe(403);
  });
});

describe('C5 another origin, with the cookie', () => {
  test.each<[string, (port: number) => Record<string, string>]>([
    ['https://evil.example', () => ({ Origin: 'https://evil.example' })],
    ['null', () => ({ Origin: 'null' })],
    ['another port of localhost', (port) => ({ Host: `localhost:${port}`, Origin: 'http://localhost:3000' })],
    ['https', (port) => ({ Origin: `https://127.0.0.1:${port}` })],
    ['another of our names', (port) => ({ Origin: `http://localhost:${port}` })],
    ['cross-site', () => ({ 'Sec-Fetch-Site': 'cross-site' })],
    ['same-site', () => ({ 'Sec-Fetch-Site': 'same-site' })],
  ])('%s gets no data and no session', async (_, headers) => {
    for (const [method, path] of [...ANYTHING, ['GET', '/session'], ['POST', '/session']]) {
      const answer = await board.ask(path as string, {
        method: method as string,
        headers: { Authorization: `Bearer ${board.token}`, ...headers(board.port) },
      });
      expect([method, path, answer.status]).toEqual([method, path, 403]);
      if (method !== 'HEAD') expect(answer.body).toBe('Origin not allowed');
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  test('our own gets it; saying nothing does not replace the cookie', async () => {
    const own = { Origin: `http://127.0.0.1:${board.port}`, 'Sec-Fetch-Site': 'same-origin' };
    expect((await board.ask('/api/kpis', { headers: own })).status).toBe(200);
    expect((await ask(board.port, '/api/kpis', { headers: own })).status).toBe(401);
  });

  test('a link from elsewhere leads to the page', async () => {
    const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' };
    expect((await ask(board.port, '/', { headers })).status).toBe(200);
    expect(
      (await ask(board.port, '/', { headers: { ...headers, Origin: 'https://evil.example' } })).status,
    ).toBe(403);
  });
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
