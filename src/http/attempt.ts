import type { LookupAddress } from 'node:dns';
import { lookup as dnsLookup } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector, Pool } from 'undici';
import type { RawHeaders } from '../core/headers.ts';
import { isSuccess, type Outcome } from '../core/record.ts';
import { refusal } from './guard.ts';

/** One POST to make. */
export interface OutgoingRequest {
  headers: RawHeaders;
  body: Uint8Array;
}

/** How one request went; a failure has the same shape as a success (contract §3). */
export interface AttemptResult {
  outcome: Outcome;
  status: number | null;
  /** From the start until the status arrived, or until it was clear that none would, ms. */
  durationMs: number;
  /** Why it failed, in words; null for a success. */
  error: string | null;
  headers: RawHeaders;
  /** The beginning of the answer's body. */
  responseBody: Buffer;
}

export interface TransportOptions {
  url: URL;
  /** How many connections are kept to the endpoint. */
  connections: number;
  /** The whole of an attempt, slow drips included, ms. */
  timeoutMs: number;
  /** Accept any TLS certificate. */
  insecure?: boolean;
  /** False where the address did not come from the user: then private addresses are refused too. */
  allowPrivate?: boolean;
  /** Replaces the system's resolver in tests. */
  lookup?: LookupFunction;
}

/** Sends requests to one endpoint. `send` never rejects. */
export interface Transport {
  send(request: OutgoingRequest): Promise<AttemptResult>;
  /** Gives up what is under way: it ends as `aborted`. */
  abort(): void;
  close(): Promise<void>;
}

const BODY_SAMPLE = 2048;
const BODY_LIMIT = 65_536;
/** How long an answer's body may take once its status is known, ms: the verdict stands already. */
const BODY_PATIENCE_MS = 2000;
const NO_BODY = Buffer.alloc(0);

type Ending = [outcome: Outcome, error: string | null];

class BlockedError extends Error {
  readonly code = 'BLOCKED';
}

/**
 * The only place that makes an outgoing delivery, measures it and names its failure. Redirects are never followed,
 * and forbidden addresses are refused as the connection is made, so that neither a name nor a rebinding resolver
 * gets round it (contract §1, fault D11).
 */
export function createTransport(options: TransportOptions): Transport {
  const { url } = options;
  const pool = new Pool(url.origin, {
    connections: options.connections,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: guardedConnector(options),
  });
  const path = url.pathname + url.search;
  const underWay = new Set<() => void>();
  return {
    send: (request) =>
      new Promise((resolve) =>
        dispatch({ pool, path, timeoutMs: options.timeoutMs, underWay }, request, resolve),
      ),
    abort: () => {
      for (const giveUp of underWay) giveUp();
    },
    close: () => pool.destroy().catch(() => {}),
  };
}

interface Connections {
  pool: Pool;
  path: string;
  timeoutMs: number;
  /** How to give up each request that is under way. */
  underWay: Set<() => void>;
}

function dispatch(
  { pool, path, timeoutMs, underWay }: Connections,
  request: OutgoingRequest,
  resolve: (result: AttemptResult) => void,
): void {
  const started = performance.now();
  let durationMs = 0;
  let status: number | null = null;
  let headers: RawHeaders = [];
  let sample: Buffer = NO_BODY;
  let received = 0;
  let connected = false;
  let settled = false;
  let abort: ((reason: Error) => void) | null = null;
  const stop = (outcome: Outcome, error: string | null) => {
    settle(outcome, error);
    abort?.(new Error(error ?? 'enough was read'));
  };
  const onTimeout = () => {
    if (status !== null) return stop(...verdict(status));
    stop(
      'timeout',
      `no answer within ${timeoutMs} ms (${connected ? 'waiting for the answer' : 'connecting'})`,
    );
  };
  let timer = setTimeout(onTimeout, timeoutMs);
  const giveUp = () => stop('aborted', 'interrupted');
  underWay.add(giveUp);

  function settle(outcome: Outcome, error: string | null): void {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    underWay.delete(giveUp);
    if (status === null) durationMs = performance.now() - started;
    resolve({
      outcome,
      status,
      durationMs: Math.round(durationMs * 10) / 10,
      error,
      headers,
      responseBody: sample,
    });
  }

  pool.dispatch(
    { method: 'POST', path, headers: request.headers as string[], body: request.body },
    {
      onConnect(abortRequest) {
        connected = true;
        abort = abortRequest;
        if (settled) abortRequest(new Error('too late'));
      },
      onHeaders(statusCode, rawHeaders) {
        if (statusCode < 200) return true;
        status = statusCode;
        durationMs = performance.now() - started;
        headers = rawHeaders.map((header) => header.toString('latin1'));
        clearTimeout(timer);
        timer = setTimeout(onTimeout, Math.min(BODY_PATIENCE_MS, Math.max(1, timeoutMs - durationMs)));
        return true;
      },
      onData(chunk) {
        received += chunk.length;
        if (sample.length < BODY_SAMPLE) sample = Buffer.concat([sample, chunk]).subarray(0, BODY_SAMPLE);
        if (received > BODY_LIMIT) stop(...verdict(status as number));
        return true;
      },
      onComplete() {
        settle(...verdict(status as number));
      },
      onError(error) {
        if (status !== null) settle(...verdict(status));
        else settle(...failure(error, connected));
      },
    },
  );
}

function verdict(status: number): Ending {
  if (isSuccess(status)) return ['delivered', null];
  return ['rejected', `answered ${status}${status === 410 ? ' (gone: no retry)' : ''}`];
}

/** Names a failure that came before any status. */
function failure(error: Error & { code?: string; errors?: Error[] }, connected: boolean): Ending {
  const code = error.code ?? (error.cause as { code?: string } | undefined)?.code ?? '';
  const words = error.message || error.errors?.map((inner) => inner.message).join('; ') || code;
  if (code === 'BLOCKED') return ['blocked', words];
  if (code === 'ECONNREFUSED') return ['refused', `connection refused (${words})`];
  if (code === 'ENOTFOUND' || code.startsWith('EAI_'))
    return ['dns', `the host name does not resolve (${code})`];
  if (code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT')
    return ['timeout', 'no connection in time (connecting)'];
  if (/^(CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|UNABLE_TO|SELF_SIGNED|HOSTNAME_MISMATCH|EPROTO)/.test(code)) {
    return ['tls', `${words.split('\n')[0]} (${code})`];
  }
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'EADDRNOTAVAIL')
    return ['refused', words];
  if (error.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW')
    return ['reset', `the answer is not HTTP: ${words}`];
  if (!connected) return ['reset', `the connection broke before the request (${words})`];
  return ['reset', `the connection broke before an answer (${words}); it may have been processed`];
}

function guardedConnector(options: TransportOptions): buildConnector.connector {
  const allowPrivate = options.allowPrivate ?? true;
  const connect = buildConnector({
    rejectUnauthorized: options.insecure !== true,
    timeout: options.timeoutMs,
    autoSelectFamily: true,
    lookup: guardedLookup(options.lookup ?? (dnsLookup as LookupFunction), allowPrivate),
  });
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const reason = refusal(host, isIP(host) === 0 ? '127.0.0.1' : host, isIP(host) === 0 || allowPrivate);
    if (reason !== null) return callback(new BlockedError(reason), null);
    connect(target, (error: Error | null, socket: Socket | null) => {
      if (error !== null) return callback(error, null);
      socket?.setNoDelay(true);
      callback(null, socket as Socket);
    });
  };
}

/** A resolver that hands out permitted addresses alone; where none is left the connection is blocked. */
function guardedLookup(lookup: LookupFunction, allowPrivate: boolean): LookupFunction {
  return (host, lookupOptions, callback) => {
    lookup(host, { ...lookupOptions, all: true }, (error, found) => {
      if (error) return callback(error, '', 0);
      const addresses = (Array.isArray(found) ? found : []) as LookupAddress[];
      const reasons = addresses.map(({ address }) => refusal(host, address, allowPrivate));
      const allowed = addresses.filter((_, index) => reasons[index] === null);
      const first = allowed[0];
      if (first === undefined)
        return callback(new BlockedError(reasons[0] ?? `${host} has no address`), '', 0);
      if (lookupOptions.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
