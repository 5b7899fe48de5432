import { describe, expect, test } from 'vitest';
import { Access, hostNames, strangeOrigin } from '../../../src/dashboard/access.ts';

const PORT = 4801;
const HERE = `localhost:${PORT}`;
const NAMES = ['localhost', '127.0.0.1', '::1'];
const hosts = hostNames(NAMES, PORT);
const page = { linked: false };

describe('C4 the name that the page is asked for by', () => {
  test.each([HERE, `127.0.0.1:${PORT}`, `[::1]:${PORT}`, `LocalHost:${PORT}`])('%s is ours', (host) => {
    expect(strangeOrigin({ host }, hosts, page)).toBeNull();
  });

  test.each([
    undefined,
    '',
    'evil.example',
    `evil.example:${PORT}`,
    `127.evil.example:${PORT}`,
    `127.0.0.1.evil.example:${PORT}`,
    `localhost.:${PORT}`,
    `localhost.evil.example:${PORT}`,
    `evil.example#localhost:${PORT}`,
    `user@localhost:${PORT}`,
    `localhost:${PORT}, evil.example`,
    ' localhost:4801',
    'localhost',
    'localhost:4800',
    'localhost:80',
    'localhost:04801',
    '127.0.0.1',
    `127.0.0.2:${PORT}`,
    `127.1:${PORT}`,
    `2130706433:${PORT}`,
    `::1:${PORT}`,
    '[::1]',
    `[::]:${PORT}`,
    `[::ffff:127.0.0.1]:${PORT}`,
    `0.0.0.0:${PORT}`,
    `__proto__:${PORT}`,
  ])('%s is not, neither for data nor for the page itself', (host) => {
    const headers = host === undefined ? {} : { host };
    expect(strangeOrigin(headers, hosts, page)).toBe('Host not allowed');
    expect(strangeOrigin(headers, hosts, { linked: true })).toBe('Host not allowed');
  });

  test('--allow-host takes a name with the page’s own port, or one with a port of its own', () => {
    const allowed = hostNames([...NAMES, 'Dash.Example', 'tunnel.example:8443'], PORT);
    const says = (host: string) => strangeOrigin({ host }, allowed, page);
    expect(says(`dash.example:${PORT}`)).toBeNull();
    expect(says('tunnel.example:8443')).toBeNull();
    for (const host of ['dash.example', 'dash.example:8443', `tunnel.example:${PORT}`, 'a.dash.example:4801'])
      expect(says(host), host).toBe('Host not allowed');
  });

  test('an IPv6 address is known in the form that browsers write it in', () => {
    const allowed = hostNames(['2001:DB8:0:0::1', '[2001:db8::2]', '[2001:db8::3]:8080'], PORT);
    for (const host of ['[2001:db8::1]:4801', '[2001:db8::2]:4801', '[2001:db8::3]:8080'])
      expect(strangeOrigin({ host }, allowed, page), host).toBeNull();
  });

  test('port 80 goes without saying, or is said', () => {
    const allowed = hostNames(['localhost', '::1'], 80);
    for (const host of ['localhost', 'localhost:80', '[::1]', '[::1]:80'])
      expect(strangeOrigin({ host }, allowed, page), host).toBeNull();
    expect(strangeOrigin({ host: 'localhost:4801' }, allowed, page)).toBe('Host not allowed');
  });
});

describe('C5 where a request comes from', () => {
  const says = (headers: object, linked = false) =>
    strangeOrigin({ host: HERE, ...headers }, hosts, { linked });

  test('the page itself, or nothing said, is fine', () => {
    expect(says({})).toBeNull();
    expect(says({ origin: `http://${HERE}` })).toBeNull();
    expect(says({ host: HERE.toUpperCase(), origin: `http://${HERE}` })).toBeNull();
    for (const site of ['same-origin', 'none'])
      expect(says({ origin: `http://${HERE}`, 'sec-fetch-site': site })).toBeNull();
  });

  test.each([
    'https://evil.example',
    'null',
    '',
    'http://localhost',
    'http://localhost:3000',
    `https://${HERE}`,
    `http://127.0.0.1:${PORT}`,
    `http://${HERE}.evil.example`,
    `http://${HERE}/`,
    `http://${HERE}, http://evil.example`,
  ])('Origin: %s is not, even for the page', (origin) => {
    expect(says({ origin })).toBe('Origin not allowed');
    expect(says({ origin, 'sec-fetch-site': 'same-origin' })).toBe('Origin not allowed');
    expect(says({ origin }, true)).toBe('Origin not allowed');
  });

  test.each(['cross-site', 'same-site', 'nonsense', ''])(
    'Sec-Fetch-Site: %s asks for no data, but may lead to the page',
    (site) => {
      expect(says({ 'sec-fetch-site': site })).toBe('Origin not allowed');
      expect(says({ 'sec-fetch-site': site }, true)).toBeNull();
    },
  );
});

describe('F9 tokens and cookies', () => {
  const bearer = (token: string) => `Bearer ${token}`;

  function access(token?: string) {
    const clock = { now: 1_000_000 };
    const made = new Access({
      port: PORT,
      elapsed: () => clock.now,
      ...(token === undefined ? {} : { token }),
    });
    return { clock, access: made };
  }

  /** The cookie as a browser sends it back. */
  const sentBack = (cookie: string | null) => cookie?.split(';')[0];

  test('whoever shows the token gets a cookie that scripts cannot read and other sites cannot send', () => {
    const { access: made } = access();
    expect(made.token).toMatch(/^[\w-]{32}$/);
    const cookie = made.redeem(bearer(made.token));
    expect(cookie).toMatch(/^mo_notify_4801=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/);
    expect(made.admits(sentBack(cookie))).toBe(true);
    expect(made.admits(`theme=dark; ${sentBack(cookie)} ; x=1`)).toBe(true);
  });

  test('the token is another in every run, the cookie another for every page', () => {
    const [one, other] = [access().access, access().access];
    expect(one.token).not.toBe(other.token);
    const cookie = one.redeem(bearer(one.token));
    expect(cookie).not.toBe(one.redeem(bearer(one.token)));
    expect(other.admits(sentBack(cookie))).toBe(false);
  });

  test('one token may be given instead', () => {
    const { access: made } = access('a-token-of-the-user-s_own');
    expect(made.token).toBe('a-token-of-the-user-s_own');
    expect(made.redeem(bearer('a-token-of-the-user-s_own'))).not.toBeNull();
  });

  test('anything else gets none', () => {
    const { access: made } = access();
    const { token } = made;
    const wrong = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      token,
      bearer(token.slice(0, -1)),
      bearer(`${token}x`),
      bearer(token.toUpperCase()),
      bearer(` ${token}`),
      `Basic ${token}`,
      bearer('x'.repeat(100_000)),
      bearer('\u0000'),
      bearer('é'),
      bearer('__proto__'),
    ];
    for (const authorization of wrong) expect(made.redeem(authorization), authorization).toBeNull();
  });

  test('a cookie is taken whole, under its own port’s name alone', () => {
    const { access: made } = access();
    const pair = sentBack(made.redeem(bearer(made.token))) as string;
    const value = pair.split('=')[1];
    const wrong = [
      undefined,
      '',
      value,
      'mo_notify_4801',
      'mo_notify_4801=',
      `mo_notify_4802=${value}`,
      `xmo_notify_4801=${value}`,
      `mo_notify_4801=${value}x`,
      `mo_notify_4801=${made.token}`,
      `MO_NOTIFY_4801=${value}`,
    ];
    for (const cookies of wrong) expect(made.admits(cookies), cookies).toBe(false);
  });

  test('a one-time token is good once', () => {
    const { access: made } = access();
    const [once, another] = [made.once(), made.once()];
    expect(once).not.toBe(made.token);
    expect(once).not.toBe(another);
    const cookie = made.redeem(bearer(once));
    expect(made.admits(sentBack(cookie))).toBe(true);
    expect(made.redeem(bearer(once))).toBeNull();
    expect(made.redeem(bearer(another))).not.toBeNull();
    expect(made.redeem(bearer(made.token))).not.toBeNull();
  });

  test('a one-time token is good for a minute', () => {
    const { access: made, clock } = access();
    const [used, late] = [made.once(), made.once()];
    clock.now += 60_000;
    expect(made.redeem(bearer(used))).not.toBeNull();
    clock.now += 1;
    expect(made.redeem(bearer(late))).toBeNull();
    clock.now -= 60_000;
    expect(made.redeem(bearer(late))).toBeNull();
  });

  test('of very many sessions the oldest end', () => {
    const { access: made } = access();
    const cookies = Array.from({ length: 1001 }, () => sentBack(made.redeem(bearer(made.token))));
    expect(cookies.map((cookie) => made.admits(cookie))).toEqual([false, ...Array(1000).fill(true)]);
  });
});
