import { createSecureServer, createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Fault, isCertificateFault, nameFailure } from '../../../src/http/failure-words.ts';
import { replies, startRawEndpoint, tlsFixture } from '../../helpers/endpoint.ts';
import { attempt } from '../../helpers/open-transport.ts';

const PROCESSED = '; it may have been processed';
const TRUST = '. To trust it, name its file in NODE_EXTRA_CA_CERTS';

const parsed = (why: string, data = ''): Fault => ({
  name: 'HTTPParserError',
  message: `Response does not match the HTTP/1.1 protocol (${why})`,
  data,
});

/** By code; `sent` where the request was on its way. */
const TABLE: [about: string, fault: Partial<Fault>, sent: boolean, outcome: string, words: string][] = [
  ['ours', { code: 'BLOCKED', message: 'metadata service' }, false, 'blocked', 'metadata service'],
  ["a proxy's", { code: 'PROXY', message: 'the proxy forbids it' }, false, 'refused', 'the proxy forbids it'],
  [
    'refused',
    { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED', address: '127.0.0.1', port: 3000 },
    false,
    'refused',
    'connection refused: nothing listens at 127.0.0.1:3000',
  ],
  [
    'refused, with the address in the text alone',
    { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED ::1:3000' },
    false,
    'refused',
    'connection refused: nothing listens at ::1:3000',
  ],
  [
    'refused by all addresses of a name',
    {
      code: 'ECONNREFUSED',
      message: '',
      errors: [
        { message: '', address: '::1', port: 80 },
        { message: '', address: '127.0.0.1', port: 80 },
      ],
    },
    false,
    'refused',
    'connection refused: nothing listens at [::1]:80 and 127.0.0.1:80',
  ],
  [
    'no route',
    { code: 'EHOSTUNREACH', message: 'connect', address: '10.0.0.1' },
    false,
    'refused',
    'no route leads to 10.0.0.1 (EHOSTUNREACH)',
  ],
  [
    'no descriptor',
    { code: 'EMFILE' },
    false,
    'refused',
    "this process has no file descriptor left: raise 'ulimit -n' (EMFILE)",
  ],
  [
    'reset before',
    { code: 'ECONNRESET' },
    false,
    'reset',
    'the connection broke before the request (the endpoint reset it)',
  ],
  [
    'reset after',
    { code: 'ECONNRESET' },
    true,
    'reset',
    `the connection broke before an answer (the endpoint reset it)${PROCESSED}`,
  ],
  [
    'a broken pipe',
    { code: 'EPIPE' },
    true,
    'reset',
    `the connection broke before an answer (the endpoint closed it)${PROCESSED}`,
  ],
  [
    'closed, as undici has it',
    { code: 'UND_ERR_SOCKET', message: 'other side closed' },
    true,
    'reset',
    `the connection broke before an answer (the endpoint closed it)${PROCESSED}`,
  ],
  [
    'an upgrade nobody asked for',
    { code: 'UND_ERR_SOCKET', message: 'bad upgrade' },
    true,
    'reset',
    `the endpoint switched to another protocol (101) instead of an answer${PROCESSED}`,
  ],
  [
    'a 100 Continue nobody asked for',
    { code: 'UND_ERR_SOCKET', message: 'bad response' },
    true,
    'reset',
    `the endpoint sent a 100 Continue that nobody had asked for${PROCESSED}`,
  ],
  ['no connection in time', { code: 'ETIMEDOUT' }, false, 'timeout', 'no connection in time (connecting)'],
  [
    'a connection that timed out later',
    { code: 'ETIMEDOUT' },
    true,
    'timeout',
    `no answer in time (waiting for the answer)${PROCESSED}`,
  ],
  ['given up', { code: 'UND_ERR_ABORTED' }, true, 'aborted', 'interrupted'],
  ['given up with its connection', { code: 'UND_ERR_DESTROYED' }, true, 'aborted', 'interrupted'],
  [
    'no such name',
    { code: 'ENOTFOUND', hostname: 'nowhere.example' },
    false,
    'dns',
    'the host name nowhere.example does not resolve (ENOTFOUND)',
  ],
  [
    'no name server',
    { code: 'EAI_AGAIN', hostname: 'nowhere.example' },
    false,
    'dns',
    'the host name nowhere.example does not resolve just now: no name server answers (EAI_AGAIN)',
  ],
  [
    'a name server that fails',
    { code: 'EAI_FAIL' },
    false,
    'dns',
    'the host name does not resolve (EAI_FAIL)',
  ],
  [
    'self-signed',
    { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    false,
    'tls',
    `self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)${TRUST}`,
  ],
  [
    'an unknown authority',
    { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' },
    false,
    'tls',
    `certificate of an unknown authority (UNABLE_TO_GET_ISSUER_CERT_LOCALLY)${TRUST}`,
  ],
  ['expired', { code: 'CERT_HAS_EXPIRED' }, false, 'tls', 'the certificate has expired (CERT_HAS_EXPIRED)'],
  [
    'another certificate fault',
    { code: 'CERT_UNTRUSTED' },
    false,
    'tls',
    'the certificate is not accepted (CERT_UNTRUSTED)',
  ],
  [
    'another host',
    {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      host: 'a.example',
      cert: { subjectaltname: 'DNS:b.example, IP Address:10.0.0.1' },
    },
    false,
    'tls',
    'the certificate is for b.example, 10.0.0.1, not for a.example (ERR_TLS_CERT_ALTNAME_INVALID)',
  ],
  [
    'plain HTTP',
    { code: 'ERR_SSL_WRONG_VERSION_NUMBER' },
    false,
    'tls',
    'the port speaks plain HTTP, not TLS: use http://…',
  ],
  [
    'plain HTTP, as newer OpenSSL has it',
    { code: 'ERR_SSL_PACKET_LENGTH_TOO_LONG' },
    false,
    'tls',
    'the port speaks plain HTTP, not TLS: use http://…',
  ],
  [
    'plain HTTP, by its text',
    { code: 'EPROTO', message: 'write EPROTO 80:error:0A00010B:SSL routines::wrong version number:x.c:1' },
    false,
    'tls',
    'the port speaks plain HTTP, not TLS: use http://…',
  ],
  ['another handshake', { code: 'EPROTO' }, false, 'tls', 'the TLS handshake failed (EPROTO)'],
  [
    'HTTP/2 only',
    { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' },
    false,
    'tls',
    'the endpoint speaks HTTP/2 only, deliveries are HTTP/1.1: allow HTTP/1.1 there too',
  ],
  [
    'a client certificate, asked for after the request',
    { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' },
    true,
    'tls',
    `the endpoint asks for a client certificate, deliveries carry none (ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED)${PROCESSED}`,
  ],
  [
    'TLS of no known kind',
    { code: 'ERR_SSL_SOMETHING' },
    false,
    'tls',
    'the TLS handshake failed (ERR_SSL_SOMETHING)',
  ],
  [
    'headers that overflow',
    { code: 'UND_ERR_HEADERS_OVERFLOW' },
    true,
    'reset',
    `the answer is not HTTP: its headers are too large${PROCESSED}`,
  ],
  [
    'a status that is none',
    parsed('Invalid status code'),
    true,
    'reset',
    `the answer is not HTTP: its status is no number${PROCESSED}`,
  ],
  [
    'a control character in a header',
    parsed('Invalid header value char'),
    true,
    'reset',
    `the answer is not HTTP: a header holds a character that none may hold${PROCESSED}`,
  ],
  [
    'something else a parser does not like',
    parsed('Whatever'),
    true,
    'reset',
    `the answer is not HTTP: no parser reads it${PROCESSED}`,
  ],
  [
    'another protocol',
    parsed('Expected HTTP/, RTSP/ or ICE/', 'SSH-2.0-OpenSSH\r\n'),
    true,
    'reset',
    `the answer is not HTTP: another protocol is spoken there${PROCESSED}`,
  ],
  [
    'a TLS alert, by undici',
    parsed('Expected HTTP/, RTSP/ or ICE/', '\x15\x03\x01\0\x02\x02F'),
    true,
    'reset',
    'the port speaks TLS, not plain HTTP: use https://…',
  ],
  [
    'a TLS alert, by node:http',
    { code: 'HPE_INVALID_CONSTANT', rawPacket: Buffer.from([0x15, 3, 3, 0, 2, 2, 70]) },
    true,
    'reset',
    'the port speaks TLS, not plain HTTP: use https://…',
  ],
  [
    'a frame of HTTP/2',
    { code: 'HPE_INVALID_CONSTANT', rawPacket: Buffer.from([0, 0, 18, 4, 0, 0, 0, 0, 0]) },
    true,
    'reset',
    'the endpoint speaks HTTP/2 only, deliveries are HTTP/1.1: allow HTTP/1.1 there too',
  ],
  [
    'a code of no known kind',
    { code: 'EWEIRD', message: 'odd' },
    true,
    'reset',
    `the connection broke before an answer (EWEIRD)${PROCESSED}`,
  ],
  [
    'no code at all',
    { message: 'it was closed while being made\nat x' },
    false,
    'reset',
    'the connection broke before the request (it was closed while being made)',
  ],
  [
    "a property of every object's",
    { code: 'constructor' },
    false,
    'reset',
    'the connection broke before the request (constructor)',
  ],
];

describe('a failure in words', () => {
  test.each(TABLE)('%s', (_, fault, sent, outcome, words) => {
    const protocol = words.endsWith('https://…') ? 'http:' : 'https:';
    const named = nameFailure({ message: 'raw text', ...fault }, { sent, protocol });
    expect([named.outcome, named.words]).toEqual([outcome, words]);
    // Raw text is for whoever asks for it.
    expect(named.words).not.toContain('raw text');
  });

  test('the original is beside it, an error of several addresses too', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(nameFailure(refused, { sent: false, protocol: 'http:' })).toMatchObject({
      code: 'ECONNREFUSED',
      text: 'connect ECONNREFUSED',
    });
    const both = Object.assign(new AggregateError([new Error('one'), new Error('two')]), {
      code: 'ECONNREFUSED',
    });
    expect(nameFailure(both, { sent: false, protocol: 'http:' }).text).toBe('one; two');
    const wrapped = new Error('fetch failed', { cause: Object.assign(new Error(), { code: 'ENOTFOUND' }) });
    expect(nameFailure(wrapped, { sent: false, protocol: 'http:' }).outcome).toBe('dns');
  });

  test.each([
    ['wss:', 'ERR_SSL_WRONG_VERSION_NUMBER', 'use ws://…'],
    ['ws:', 'HPE_INVALID_CONSTANT', 'use wss://…'],
  ])('of a tunnel, %s, it says what to write there', (protocol, code, says) => {
    const fault = { message: '', code, rawPacket: Buffer.from([0x15, 3, 3]) };
    expect(nameFailure(fault, { sent: false, protocol }).words).toContain(says);
  });

  test.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', true],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', true],
    ['CERT_HAS_EXPIRED', true],
    ['ERR_TLS_CERT_ALTNAME_INVALID', true],
    ['ERR_SSL_WRONG_VERSION_NUMBER', false],
    ['ECONNREFUSED', false],
    ['', false],
  ])('%s is about the certificate: %s', (code, expected) => {
    expect(isCertificateFault(code)).toBe(expected);
  });
});

describe('as endpoints really fail', () => {
  async function at(server: Http2Server): Promise<number> {
    server.on('error', () => {}).on('sessionError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return (server.address() as AddressInfo).port;
  }
  const HTTP2_ONLY = 'the endpoint speaks HTTP/2 only, deliveries are HTTP/1.1: allow HTTP/1.1 there too';

  test('HTTP/2 only, over TLS', async () => {
    const server = createSecureServer({ key: tlsFixture('key'), cert: tlsFixture('valid') });
    server.on('tlsClientError', () => {});
    const result = await attempt(new URL(`https://127.0.0.1:${await at(server)}/`), { insecure: true });
    expect(result).toMatchObject({ outcome: 'tls', error: HTTP2_ONLY });
  });

  test('HTTP/2 only, in the clear', async () => {
    const result = await attempt(new URL(`http://127.0.0.1:${await at(createServer())}/`));
    expect(result).toMatchObject({ outcome: 'reset', error: HTTP2_ONLY });
  });

  test.each([
    ['a TLS alert', '\x15\x03\x03\0\x02\x02F', 'the port speaks TLS, not plain HTTP: use https://…'],
    [
      'a greeting of another protocol',
      'SSH-2.0-x\r\n',
      `the answer is not HTTP: another protocol is spoken there${PROCESSED}`,
    ],
    [
      '101 without being asked',
      'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      `the endpoint switched to another protocol (101) instead of an answer${PROCESSED}`,
    ],
    ['nothing', '', `the connection broke before an answer (the endpoint closed it)${PROCESSED}`],
  ])('%s', async (_, text, words) => {
    const bytes = Buffer.from(text, 'latin1');
    const endpoint = await startRawEndpoint(replies(bytes, (socket) => socket.end()));
    expect((await attempt(endpoint.url)).error).toBe(words);
  });
});
