import { beforeEach, describe, expect, test } from 'vitest';
import { ANYTHING, boardWithSecrets, PAGE, PRIVATE } from '../helpers/board-with-secrets.ts';
import { ask, type Question, startTestDashboard, type TestDashboard } from '../helpers/dashboard-server.ts';
import { exchange, parseAnswer } from '../helpers/raw-http.ts';

let board: TestDashboard;
beforeEach(async () => {
  board = await boardWithSecrets();
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

  test('G18 is not had for an old one-time link, though the clock was set back by a day', async () => {
    const clock = { now: Date.now(), elapsed: 5 };
    const { dashboard } = await startTestDashboard({
      now: () => clock.now,
      elapsed: () => clock.elapsed,
    });
    const redeemed = async () => {
      const [, once] = dashboard.linkOnce().split('#token=');
      clock.now -= 86_400_000;
      clock.elapsed += 60_000;
      const headers = { Authorization: `Bearer ${once}` };
      return (await ask(dashboard.port, '/session', { method: 'POST', headers })).status;
    };
    expect(await redeemed()).toBe(200);
    clock.elapsed += 1;
    const [, late] = dashboard.linkOnce().split('#token=');
    clock.now -= 86_400_000;
    clock.elapsed += 60_001;
    const headers = { Authorization: `Bearer ${late}` };
    expect((await ask(dashboard.port, '/session', { method: 'POST', headers })).status).toBe(401);
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
