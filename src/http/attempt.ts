import { type Dispatcher, Pool } from 'undici';
import type { RawHeaders } from '../core/headers.ts';
import { isSuccess, type Outcome } from '../core/record.ts';
import { type ConnectOptions, guardedConnector } from './connect.ts';

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

export interface TransportOptions extends ConnectOptions {
  url: URL;
  /** How many connections are kept to the endpoint. */
  connections: number;
  /** The whole of an attempt, slow drips included, ms. */
  timeoutMs: number;
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

/**
 * The only place that makes an outgoing delivery, measures it and names its failure. Redirects are never followed
 * (contract §1), forbidden addresses never connected to (see connect.ts).
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
  const underWay = new UnderWay();
  return {
    send: (request) =>
      new Promise((resolve) => {
        const handler = new AttemptHandler(options.timeoutMs, underWay, resolve);
        pool.dispatch(
          { method: 'POST', path, headers: request.headers as string[], body: request.body },
          handler,
        );
      }),
    abort: () => {
      for (const attempt of underWay.all()) attempt.stop('aborted', 'interrupted');
    },
    close: () => pool.destroy().catch(() => {}),
  };
}

/**
 * The attempts under way, each of which knows its place. Not a Set: one that is added to and deleted from for ever
 * leaves its outgrown tables behind, and those keep what was in them from the quick garbage collection.
 */
class UnderWay {
  readonly #attempts: AttemptHandler[] = [];

  add(attempt: AttemptHandler): void {
    attempt.place = this.#attempts.push(attempt) - 1;
  }

  delete(attempt: AttemptHandler): void {
    const last = this.#attempts.pop() as AttemptHandler;
    if (last === attempt) return;
    this.#attempts[attempt.place] = last;
    last.place = attempt.place;
  }

  all(): AttemptHandler[] {
    return [...this.#attempts];
  }
}

/** Follows one request through undici. A class, because a sender at full speed makes very many of them. */
class AttemptHandler implements Dispatcher.DispatchHandler {
  place = 0;
  readonly #timeoutMs: number;
  readonly #underWay: UnderWay;
  readonly #resolve: (result: AttemptResult) => void;
  readonly #started = performance.now();
  #timer: NodeJS.Timeout;
  #abort: ((reason: Error) => void) | null = null;
  #status: number | null = null;
  #durationMs = 0;
  #headers: RawHeaders = [];
  #sample: Buffer = NO_BODY;
  #received = 0;
  #settled = false;

  constructor(timeoutMs: number, underWay: UnderWay, resolve: (result: AttemptResult) => void) {
    this.#timeoutMs = timeoutMs;
    this.#underWay = underWay;
    this.#resolve = resolve;
    this.#timer = setTimeout(onTimeout, timeoutMs, this);
    underWay.add(this);
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort;
    if (this.#settled) abort(new Error('too late'));
  }

  onHeaders(status: number, rawHeaders: Buffer[]): boolean {
    if (status < 200) return true;
    this.#status = status;
    this.#durationMs = performance.now() - this.#started;
    this.#headers = rawHeaders.map((header) => header.toString('latin1'));
    // Nearly always the body is here too; only where it is not does it need a timer of its own.
    queueMicrotask(() => this.#awaitBody());
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#received += chunk.length;
    if (this.#sample.length < BODY_SAMPLE) {
      this.#sample = Buffer.concat([this.#sample, chunk]).subarray(0, BODY_SAMPLE);
    }
    if (this.#received > BODY_LIMIT) this.stop(...verdict(this.#status as number));
    return true;
  }

  onComplete(): void {
    this.#settle(...verdict(this.#status as number));
  }

  onError(error: Error): void {
    if (this.#status !== null) this.#settle(...verdict(this.#status));
    else this.#settle(...failure(error, this.#abort !== null));
  }

  /** Settles the attempt and gives up its connection. */
  stop(outcome: Outcome, error: string | null): void {
    this.#settle(outcome, error);
    this.#abort?.(new Error(error ?? 'enough was read'));
  }

  timeOut(): void {
    if (this.#status !== null) return this.stop(...verdict(this.#status));
    const phase = this.#abort === null ? 'connecting' : 'waiting for the answer';
    this.stop('timeout', `no answer within ${this.#timeoutMs} ms (${phase})`);
  }

  #awaitBody(): void {
    if (this.#settled) return;
    clearTimeout(this.#timer);
    const left = Math.max(1, this.#timeoutMs - this.#durationMs);
    this.#timer = setTimeout(onTimeout, Math.min(BODY_PATIENCE_MS, left), this);
  }

  #settle(outcome: Outcome, error: string | null): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#underWay.delete(this);
    if (this.#status === null) this.#durationMs = performance.now() - this.#started;
    this.#resolve({
      outcome,
      status: this.#status,
      durationMs: Math.round(this.#durationMs * 10) / 10,
      error,
      headers: this.#headers,
      responseBody: this.#sample,
    });
  }
}

function onTimeout(attempt: AttemptHandler): void {
  attempt.timeOut();
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
