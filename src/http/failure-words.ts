import type { Outcome } from '../core/record.ts';

/** An error of the system, of TLS, of undici or of ws, as far as it says what happened. */
export interface Fault {
  name?: string;
  message: string;
  code?: string | undefined;
  /** Of several addresses, each one's. */
  errors?: readonly Fault[];
  cause?: unknown;
  address?: string;
  port?: number;
  hostname?: string;
  host?: string;
  cert?: { subjectaltname?: string };
  /** What a parser could not read: undici has it as text, node:http as bytes. */
  data?: string;
  rawPacket?: Uint8Array;
}

/** What was asked for. `sent` says whether the request was on its way; `protocol` is its URL's, `https:`. */
export interface Asked {
  sent: boolean;
  protocol: string;
}

/** A failure that came before any status (contract §3). */
export interface Failure {
  outcome: Outcome;
  /** What happened, for people (voice.md, 7). */
  words: string;
  /** What the system or a library calls it; '' where it has no name. */
  code: string;
  /** Their own text, for whoever asks for it. */
  text: string;
}

type Named = [outcome: Outcome, words: string, read?: 'unread'];
type Naming = Named | ((fault: Fault, about: Asked & { code: string }) => Named);

/** Names what went wrong. What broke after the request was sent may have been processed, and says so. */
export function nameFailure(fault: Fault, asked: Asked): Failure {
  const code = codeOf(fault);
  const text = fault.message || fault.errors?.map(({ message }) => message).join('; ') || code;
  const naming =
    namingOf(code) ?? ((_, { sent }) => broken(sent, code || (text.split('\n', 1)[0] as string)));
  const [outcome, words, read] = typeof naming === 'function' ? naming(fault, { ...asked, code }) : naming;
  const doubtful = asked.sent && read !== 'unread' && DOUBTFUL.has(outcome);
  return { outcome, words: doubtful ? `${words}; it may have been processed` : words, code, text };
}

/** Whether it was the endpoint's certificate that was not accepted. */
export function isCertificateFault(code: string): boolean {
  return CERTIFICATE.test(code);
}

/** Whether the endpoint ended the connection without a word, as one that expects TLS does. */
export function isSilentEnd(code: string): boolean {
  return code === 'UND_ERR_SOCKET';
}

const DOUBTFUL: ReadonlySet<Outcome> = new Set(['reset', 'tls', 'timeout']);
const CERTIFICATE =
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_ALTNAME_INVALID$|HOSTNAME_MISMATCH$)/;
const TRUST = '. To trust it, name its file in NODE_EXTRA_CA_CERTS';
const HTTP2_ONLY = 'the endpoint speaks HTTP/2 only, deliveries are HTTP/1.1: allow HTTP/1.1 there too';
const OLD_TLS = 'the endpoint offers no protocol version of TLS from 1.2 on';
const CLIENT_CERTIFICATE = 'the endpoint asks for a client certificate, deliveries carry none';
const INTERRUPTED: Named = ['aborted', 'interrupted'];

const BY_CODE: Record<string, Naming> = {
  // These two are ours, and say it in words already.
  BLOCKED: ({ message }) => ['blocked', message],
  PROXY: ({ message }) => ['refused', message],
  ECONNREFUSED: (fault) => ['refused', `connection refused: nothing listens at ${addressesOf(fault)}`],
  EHOSTUNREACH: (fault) => ['refused', `no route leads to ${addressesOf(fault)} (EHOSTUNREACH)`],
  ENETUNREACH: (fault) => ['refused', `no network leads to ${addressesOf(fault)} (ENETUNREACH)`],
  EADDRNOTAVAIL: ['refused', 'no address or port of this machine is free to connect from (EADDRNOTAVAIL)'],
  EACCES: ['refused', 'this system does not permit the connection (EACCES)'],
  EPERM: ['refused', 'this system does not permit the connection (EPERM)'],
  EMFILE: ['refused', "this process has no file descriptor left: raise 'ulimit -n' (EMFILE)"],
  ECONNRESET: (_, { sent }) => broken(sent, 'the endpoint reset it'),
  EPIPE: (_, { sent }) => broken(sent, 'the endpoint closed it'),
  UND_ERR_SOCKET: ({ message }, { sent }) =>
    message === 'bad upgrade'
      ? ['reset', 'the endpoint switched to another protocol (101) instead of an answer']
      : message === 'bad response'
        ? ['reset', 'the endpoint sent a 100 Continue that nobody had asked for']
        : broken(sent, 'the endpoint closed it'),
  ETIMEDOUT: (_, { sent }) => late(sent),
  UND_ERR_CONNECT_TIMEOUT: late(false),
  UND_ERR_HEADERS_TIMEOUT: late(true),
  UND_ERR_BODY_TIMEOUT: late(true),
  UND_ERR_ABORTED: INTERRUPTED,
  UND_ERR_DESTROYED: INTERRUPTED,
  UND_ERR_CLOSED: INTERRUPTED,
  ABORT_ERR: INTERRUPTED,
  ENOTFOUND: unresolved,
  DEPTH_ZERO_SELF_SIGNED_CERT: tls('self-signed certificate', TRUST),
  SELF_SIGNED_CERT_IN_CHAIN: tls('certificate of an authority that is self-signed and unknown here', TRUST),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: tls(
    'certificate of an unknown authority, or sent without its intermediate certificates',
    TRUST,
  ),
  UNABLE_TO_GET_ISSUER_CERT: tls('certificate of an unknown authority', TRUST),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: tls('certificate of an unknown authority', TRUST),
  CERT_HAS_EXPIRED: tls('the certificate has expired'),
  CERT_NOT_YET_VALID: tls("the certificate is not valid yet, by this machine's clock"),
  CERT_REVOKED: tls('the certificate was revoked'),
  ERR_TLS_CERT_ALTNAME_INVALID: otherHost,
  HOSTNAME_MISMATCH: otherHost,
  ERR_SSL_WRONG_VERSION_NUMBER: speaksHttp,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: speaksHttp,
  ERR_SSL_HTTP_REQUEST: speaksHttp,
  EPROTO: (fault, about) =>
    /wrong version number|packet length too long/.test(fault.message)
      ? speaksHttp(fault, about)
      : ['tls', 'the TLS handshake failed (EPROTO)'],
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: ['tls', HTTP2_ONLY, 'unread'],
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: tls(OLD_TLS),
  ERR_SSL_UNSUPPORTED_PROTOCOL: tls(OLD_TLS),
  ERR_SSL_VERSION_TOO_LOW: tls(OLD_TLS),
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: tls(
    'the endpoint refuses the TLS handshake: no cipher in common, or it asks for a client certificate',
  ),
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: tls('the endpoint has no certificate for this host name'),
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: tls(CLIENT_CERTIFICATE),
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: tls(CLIENT_CERTIFICATE),
  UND_ERR_HEADERS_OVERFLOW: notHttp('its headers are too large'),
  HPE_HEADER_OVERFLOW: notHttp('its headers are too large'),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: notHttp('its length and its body differ'),
  HPE_UNEXPECTED_CONTENT_LENGTH: notHttp('it says its length twice'),
  HPE_INVALID_STATUS: notHttp('its status is no number'),
  HPE_INVALID_VERSION: notHttp('it is of no version of HTTP'),
  HPE_INVALID_HEADER_TOKEN: notHttp('a header holds a character that none may hold'),
  HPE_INVALID_CONSTANT: otherProtocol,
};

/** For codes that are many. */
const BY_KIND: [kind: RegExp, naming: Naming][] = [
  [/^EAI_/, unresolved],
  [CERTIFICATE, tls('the certificate is not accepted')],
  [/^ERR_(?:SSL|TLS)_/, tls('the TLS handshake failed')],
  [/^HPE_/, notHttp('no parser reads it')],
];

/** undici says in words alone what its parser, which is node:http's, did not like. */
const PARSER: Record<string, string> = {
  'Expected HTTP/, RTSP/ or ICE/': 'HPE_INVALID_CONSTANT',
  'Invalid status code': 'HPE_INVALID_STATUS',
  'Invalid HTTP version': 'HPE_INVALID_VERSION',
  'Invalid header token': 'HPE_INVALID_HEADER_TOKEN',
  'Invalid header value char': 'HPE_INVALID_HEADER_TOKEN',
};

function codeOf({ name, message, code, cause }: Fault): string {
  if (code === undefined && name === 'HTTPParserError')
    return PARSER[message.slice(message.indexOf('(') + 1, -1)] ?? 'HPE_INVALID';
  return code ?? (cause as Fault | undefined)?.code ?? '';
}

function namingOf(code: string): Naming | undefined {
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code];
  return BY_KIND.find(([kind]) => kind.test(code))?.[1];
}

function broken(sent: boolean, why: string): Named {
  return ['reset', `the connection broke before ${sent ? 'an answer' : 'the request'} (${why})`];
}

function late(sent: boolean): Named {
  return [
    'timeout',
    sent ? 'no answer in time (waiting for the answer)' : 'no connection in time (connecting)',
  ];
}

function unresolved({ hostname }: Fault, { code }: { code: string }): Named {
  const name = hostname === undefined ? '' : ` ${hostname}`;
  const now = code === 'EAI_AGAIN' ? ' just now: no name server answers' : '';
  return ['dns', `the host name${name} does not resolve${now} (${code})`];
}

function tls(words: string, remedy = ''): Naming {
  return (_, { code }) => ['tls', `${words} (${code})${remedy}`];
}

function notHttp(words: string): Named {
  return ['reset', `the answer is not HTTP: ${words}`];
}

function speaksHttp(_: Fault, { protocol }: Asked): Named {
  const plain = protocol === 'wss:' ? 'ws' : 'http';
  return ['tls', `the port speaks plain HTTP, not TLS: use ${plain}://…`, 'unread'];
}

function otherHost({ host, cert }: Fault, { code }: { code: string }): Named {
  const names = cert?.subjectaltname?.replaceAll(/\b(?:DNS|IP Address):/g, '').slice(0, 200);
  return [
    'tls',
    `the certificate is for ${names || 'another host'}, not for ${host ?? 'this one'} (${code})`,
  ];
}

/** How a TLS alert begins. */
const ALERT = [0x15, 0x03];
/** The types of frames with which HTTP/2 begins and ends. */
const SETTINGS = 4;
const GOAWAY = 7;

function otherProtocol({ data, rawPacket }: Fault, { protocol }: Asked): Named {
  const bytes = rawPacket ?? Buffer.from(data?.slice(0, 9) ?? '', 'latin1');
  if (ALERT.every((byte, i) => bytes[i] === byte)) {
    const secure = protocol === 'ws:' ? 'wss' : 'https';
    return ['reset', `the port speaks TLS, not plain HTTP: use ${secure}://…`, 'unread'];
  }
  if (bytes[0] === 0 && (bytes[3] === SETTINGS || bytes[3] === GOAWAY))
    return ['reset', HTTP2_ONLY, 'unread'];
  return notHttp('another protocol is spoken there');
}

function addressesOf({ errors, address, port, message }: Fault): string {
  if (errors !== undefined && errors.length > 0) return errors.map(addressesOf).join(' and ');
  if (address === undefined) {
    // It may be at the end of the text.
    const last = message.split(' ').at(-1) as string;
    return /:\d{1,5}$/.test(last) ? last : 'that address';
  }
  const host = address.includes(':') ? `[${address}]` : address;
  return port === undefined ? host : `${host}:${port}`;
}
