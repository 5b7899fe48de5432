import { canBeHeader, type RawHeaders } from '../core/headers.ts';
import { isSuccess, type Outcome } from '../core/record.ts';
import { type ConnectOptions, guardedConnector } from './connect.ts';
import { type Connection, Connections, type Exchange } from './connections.ts';
import { BadMessageError } from './message-head.ts';

/** One POST to make. */
export interface OutgoingRequest {
  headers: RawHeaders;
  body: Uint8Array;
  /** Path and query, for another place at the endpoint than its URL's own. */
  target?: string;
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
  /** True where there was more of it: past what is kept, too late, or cut off. */
  bodyCut: boolean;
}

export interface TransportOptions extends ConnectOptions {
  url: URL;
  /** How many connections are kept to the endpoint. */
  connections: number;
  /** The whole of an attempt, slow drips included, ms. */
  timeoutMs: number;
  /** How much of an answer's body is kept, bytes; 2048 unless told otherwise, 65,536 at most. */
  keepBody?: number;
}

/** Sends requests to one endpoint. `send` never rejects, but with TypeError for a header value that cannot be sent. */
export interface Transport {
  send(request: OutgoingRequest): Promise<AttemptResult>;
  /** Gives up what is under way: it ends as `aborted`. */
  abort(): void;
  /** The same, and closes the connections. */
  close(): Promise<void>;
}

const KEPT_BODY = 2048;
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
  const connections = new Connections(guardedConnector(url, options), options.connections);
  const start = ` HTTP/1.1\r\nHost: ${url.host}\r\nConnection: keep-alive\r\n`;
  const limits = { timeoutMs: options.timeoutMs, keepBody: options.keepBody ?? KEPT_BODY };
  const underWay = new UnderWay();
  const abort = () => {
    for (const attempt of underWay.all()) attempt.stop('aborted', 'interrupted');
  };
  return {
    send: ({ headers, body, target = `${url.pathname}${url.search}` }) =>
      new Promise((resolve) => {
        const request = encodeRequest(`POST ${target}${start}`, headers, body);
        connections.run(new AttemptHandler(request, limits, underWay, resolve));
      }),
    abort,
    close: async () => {
      abort();
      connections.destroy();
    },
  };
}

interface Limits {
  timeoutMs: number;
  keepBody: number;
}

/** The whole request as one run of bytes, which is one write. Throws where a header's value cannot be sent. */
function encodeRequest(start: string, headers: RawHeaders, body: Uint8Array): Buffer {
  let head = start;
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i] as string, headers[i + 1] as string];
    if (!canBeHeader(name, value)) throw new TypeError(`What is given for ${name} cannot stand in a header.`);
    head += `${name}: ${value}\r\n`;
  }
  head += `Content-Length: ${body.length}\r\n\r\n`;
  const request = Buffer.allocUnsafe(head.length + body.length);
  request.write(head, 'latin1');
  request.set(body, head.length);
  return request;
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

/** Follows one request to its outcome. A class, because a sender at full speed makes very many of them. */
class AttemptHandler implements Exchange {
  readonly request: Buffer;
  connection: Connection | null = null;
  place = 0;
  readonly #limits: Limits;
  readonly #underWay: UnderWay;
  readonly #resolve: (result: AttemptResult) => void;
  readonly #started = performance.now();
  #timer: NodeJS.Timeout;
  #sent = false;
  #status: number | null = null;
  #durationMs = 0;
  #headers: RawHeaders = [];
  #sample: Buffer = NO_BODY;
  #received = 0;
  #awaitsBody = false;
  #whole = false;
  over = false;

  constructor(request: Buffer, limits: Limits, underWay: UnderWay, resolve: (result: AttemptResult) => void) {
    this.request = request;
    this.#limits = limits;
    this.#underWay = underWay;
    this.#resolve = resolve;
    this.#timer = setTimeout(onTimeout, limits.timeoutMs, this);
    underWay.add(this);
  }

  onSent(): void {
    this.#sent = true;
  }

  onHead(status: number, headers: readonly string[]): void {
    this.#status = status;
    this.#durationMs = performance.now() - this.#started;
    this.#headers = headers;
  }

  onBody(chunk: Buffer): void {
    this.#received += chunk.length;
    const room = this.#limits.keepBody - this.#sample.length;
    if (room > 0) {
      const more = chunk.subarray(0, room);
      this.#sample = this.#sample.length === 0 ? Buffer.from(more) : Buffer.concat([this.#sample, more]);
    }
    if (this.#received > BODY_LIMIT) this.stop(...verdict(this.#status as number));
  }

  /** Nearly always the body comes with the head; only where it does not does it need a timer of its own. */
  onBodyAwaited(): void {
    if (this.#awaitsBody) return;
    this.#awaitsBody = true;
    clearTimeout(this.#timer);
    const left = Math.max(1, this.#limits.timeoutMs - this.#durationMs);
    this.#timer = setTimeout(onTimeout, Math.min(BODY_PATIENCE_MS, left), this);
  }

  onEnd(): void {
    this.#whole = true;
    this.#settle(...verdict(this.#status as number));
  }

  onError(error: Error): void {
    if (this.#status !== null) this.#settle(...verdict(this.#status));
    else this.#settle(...failure(error, this.#sent));
  }

  /** Settles the attempt and gives up its connection. */
  stop(outcome: Outcome, error: string | null): void {
    this.#settle(outcome, error);
    this.connection?.cut();
  }

  timeOut(): void {
    if (this.#status !== null) return this.stop(...verdict(this.#status));
    const phase = !this.#sent ? 'connecting' : 'waiting for the answer';
    this.stop('timeout', `no answer within ${this.#limits.timeoutMs} ms (${phase})`);
  }

  #settle(outcome: Outcome, error: string | null): void {
    if (this.over) return;
    this.over = true;
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
      bodyCut: this.#status !== null && !(this.#whole && this.#sample.length === this.#received),
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
function failure(error: Error & { code?: string; errors?: Error[] }, sent: boolean): Ending {
  const code = error.code ?? (error.cause as { code?: string } | undefined)?.code ?? '';
  const words = error.message || error.errors?.map((inner) => inner.message).join('; ') || code;
  if (code === 'BLOCKED') return ['blocked', words];
  if (code === 'ECONNREFUSED') return ['refused', `connection refused (${words})`];
  if (code === 'ENOTFOUND' || code.startsWith('EAI_'))
    return ['dns', `the host name does not resolve (${code})`];
  if (code === 'ETIMEDOUT') return ['timeout', 'no connection in time (connecting)'];
  if (/^(CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|UNABLE_TO|SELF_SIGNED|HOSTNAME_MISMATCH|EPROTO)/.test(code)) {
    return ['tls', `${words.split('\n')[0]} (${code})`];
  }
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'EADDRNOTAVAIL')
    return ['refused', words];
  if (error instanceof BadMessageError) return ['reset', `the answer is not HTTP: ${words}`];
  if (!sent) return ['reset', `the connection broke before the request (${words})`];
  return ['reset', `the connection broke before an answer (${words}); it may have been processed`];
}
