import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headerPairs, headerValue } from '../../../src/core/headers.ts';
import { clientAddress, forwardedHeaders } from '../../../src/tunnel/forwarding.ts';

const FROM = { address: '203.0.113.7', proto: 'https' };
/** What the relay says itself, at the end. */
const OWN = ['X-Forwarded-For', '203.0.113.7', 'X-Forwarded-Proto', 'https'];

describe('F13 where a request came from', () => {
  test.each([
    ['its connection’s address', '203.0.113.7', [], '203.0.113.7'],
    ['an IPv4 address without its IPv6 dress', '::ffff:203.0.113.7', [], '203.0.113.7'],
    ['an IPv6 address as it is', '2001:db8::7', [], '2001:db8::7'],
    ['its connection, whatever it claims', '203.0.113.7', ['X-Forwarded-For', '10.0.0.1'], '203.0.113.7'],
    [
      'its connection, whatever it claims, in that dress',
      '::ffff:8.8.8.8',
      ['x-forwarded-for', '1.1.1.1'],
      '8.8.8.8',
    ],
    ['what looks like this machine and is not', '127.evil.example', [], '127.evil.example'],
    ['a proxy’s word, on this machine', '127.0.0.1', ['X-Forwarded-For', '198.51.100.1'], '198.51.100.1'],
    [
      'a proxy’s word, in IPv6 dress',
      '::ffff:127.0.0.1',
      ['x-forwarded-for', '198.51.100.1'],
      '198.51.100.1',
    ],
    ['a proxy’s word, over IPv6', '::1', ['X-Forwarded-For', '2001:db8::1'], '2001:db8::1'],
    [
      'the last word, which is the proxy’s',
      '127.0.0.1',
      ['X-Forwarded-For', '6.6.6.6, 198.51.100.1'],
      '198.51.100.1',
    ],
    [
      'the last word of several headers',
      '127.0.0.1',
      ['X-Forwarded-For', '6.6.6.6', 'A', 'b', 'x-forwarded-for', '7.7.7.7 ,198.51.100.1 '],
      '198.51.100.1',
    ],
    [
      'the connection, where the word is no address',
      '127.0.0.1',
      ['X-Forwarded-For', '<script>'],
      '127.0.0.1',
    ],
    [
      'the connection, where the word is too long',
      '127.0.0.1',
      ['X-Forwarded-For', '1'.repeat(46)],
      '127.0.0.1',
    ],
    [
      'the connection, where the last word is empty',
      '127.0.0.1',
      ['X-Forwarded-For', '6.6.6.6,'],
      '127.0.0.1',
    ],
    ['the connection, where nobody says anything', '::1', ['X-Real-IP', '6.6.6.6'], '::1'],
  ])('%s', (_, peer, headers, address) => {
    expect(clientAddress(peer, headers, true)).toBe(address);
  });

  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['203.0.113.7', '203.0.113.7'],
  ])('G15 its connection, %s, where no proxy is to be believed', (peer, address) => {
    expect(clientAddress(peer, ['X-Forwarded-For', '198.51.100.1'], false)).toBe(address);
  });
});

describe('F13 the headers that go on', () => {
  const onward = (headers: string[]) => forwardedHeaders({ headers, target: '/channel' }, FROM);

  test('F16 keep their order, their case, and each one that comes twice', () => {
    const headers = [
      'b',
      '1',
      'A',
      'ÿ',
      'B',
      '2',
      'X-MO-Event-Id',
      'e1',
      'x-mo-event-id',
      'e2',
      'b',
      '',
      'A',
      'ÿ',
    ];
    expect(onward(headers)).toEqual([...headers, ...OWN]);
  });

  test.each([
    ['Connection', 'keep-alive'],
    ['Keep-Alive', 'timeout=5'],
    ['Proxy-Authorization', 'Basic eA=='],
    ['Proxy-Authenticate', 'Basic'],
    ['Proxy-Connection', 'keep-alive'],
    ['TE', 'trailers'],
    ['Trailer', 'X'],
    ['Transfer-Encoding', 'chunked'],
    ['Upgrade', 'h2c'],
    ['Expect', '100-continue'],
    ['Content-Length', '12'],
  ])('leave %s behind, which is one hop’s own', (name, value) => {
    for (const written of [name, name.toLowerCase(), name.toUpperCase()])
      expect(onward(['A', '1', written, value, 'B', '2'])).toEqual(['A', '1', 'B', '2', ...OWN]);
  });

  test('leave behind what Connection names, in any header of it, but no X-MO-*', () => {
    const headers = [
      'Connection',
      'close, X-Hop',
      'x-hop',
      '1',
      'X-MO-Signature',
      's',
      'connection',
      ' x-mo-signature ,B',
      'b',
      '2',
    ];
    expect(onward(headers)).toEqual(['X-MO-Signature', 's', ...OWN]);
  });

  test.each([
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Proto',
    'X-Forwarded-Port',
    'X-Forwarded-Prefix',
    'X-Forwarded-Client-Cert',
    'X-Real-IP',
  ])('say nothing of %s that a sender claims, and all that the relay knows', (name) => {
    for (const written of [name, name.toLowerCase(), name.toUpperCase()])
      expect(onward([written, '127.0.0.1', 'A', '1', written, 'evil'])).toEqual(['A', '1', ...OWN]);
  });

  test.each(['X-Forwarded', 'Forwarded-For', 'X-Real-IP-2', 'My-X-Forwarded-For'])(
    'keep %s, which only looks like one of those',
    (name) => {
      expect(onward([name, '1'])).toEqual([name, '1', ...OWN]);
    },
  );

  test('name the host that was asked for', () => {
    const headers = onward(['Host', 'relay.example.com', 'X-Forwarded-Host', 'evil.example', 'A', '1']);
    expect(headers).toEqual(['A', '1', ...OWN, 'X-Forwarded-Host', 'relay.example.com']);
  });

  test('property: X-MO-* always arrive, one for one and in order, whatever else is sent along', () => {
    const mo = fc.stringMatching(/^[xX]-[mM][oO]-[A-Za-z-]{1,12}$/);
    const other = fc.constantFrom(
      'Connection',
      'Keep-Alive',
      'Forwarded',
      'X-Forwarded-For',
      'Host',
      'A',
      'Upgrade',
    );
    const value = fc.oneof(
      fc.string({ maxLength: 12 }),
      mo,
      fc.constantFrom('x-mo-signature', 'close, X-MO-Event-Id'),
    );
    const isMo = ([name]: [string, string]) => /^x-mo-/i.test(name);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(mo, other), value), { maxLength: 12 }), (pairs) => {
        const sent = onward(pairs.flat());
        expect(headerPairs(sent).filter(isMo)).toEqual(pairs.filter(isMo));
        expect(headerValue(sent, 'X-Forwarded-For')).toBe(FROM.address);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['none', '/channel', []],
    ['one', '/channel?key=S3CR3T&x=1', ['X-MO-Query', 'key=S3CR3T&x=1']],
    ['one that no header could carry', '/channel?key=\u00e9\r\n', ['X-MO-Query', 'key=%E9%0D%0A']],
  ])(
    'end with the query that was asked for: %s; what the sender claims of it is left behind',
    (_, target, query) => {
      const headers = ['A', '1', 'x-mo-query', 'key=spoofed'];
      expect(forwardedHeaders({ headers, target }, FROM)).toEqual(['A', '1', ...OWN, ...query]);
    },
  );
});
