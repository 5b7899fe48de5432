import type { Dispatcher } from 'undici';
import type { RawHeaders } from '../core/headers.ts';
import { isSuccess, type Outcome } from '../core/record.ts';
import { type Connection, Connections, type Exchange } from './connections.ts';
import { type Failure, nameFailure } from './failure-words.ts';
import { proxyRefusal } from './proxy.ts';
import { type RouteOptions, routeTo } from './route.ts';

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
  /** What the system or a library calls it; null for an answer, and for what we ended ourselves. */
  failure: Pick<Failure, 'code' | 'text'> | null;
  /** Of a success only where they are kept (`keepHeaders`): nearly nobody asks for them. */
  headers: RawHeaders;
  /** The beginning of the answer's body. */
  responseBody: Buffer;
  /** True where there was more of it: past what is kept, too late, or cut off. */
  bodyCut: boolean;
}

export interface TransportOptions extends RouteOptions {
  url: URL;
  /** How many connections are kept to the endpoint. */
  connections: number;
  /** The whole of an attempt, slow drips included, ms. */
  timeoutMs: number;
  /** How much of an answer's body is kept, bytes; 2048 unless told otherwise, 65,536 at most. */
  keepBody?: number;
  /** Keeps the headers of a success, too. */
  keepHeaders?: boolean;
}

/** Sends requests to one endpoint. `send` never rejects, but with TypeError for a header that cannot be sent. */
export interface Transport {
  /** The endpoint's. */
  readonly url: URL;
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

/** What holds for every request to an endpoint. */
interface Terms {
  keepHeaders: boolean;
  timeoutMs: number;
  keepBody: number;
  proxy: URL | null;
  /** The endpoint's, `https:`, for what its failures mean. */
  protocol: string;
}

type Ending = [outcome: Outcome, error: string | null];

/**
 * The only place that makes an outgoing delivery, measures it and names its failure. Redirects are never followed
 * (contract §1), forbidden addresses never connected to (see route.ts).
 */
export function createTransport(options: TransportOptions): Transport {
  const { url, timeoutMs, keepBody = KEPT_BODY, keepHeaders = false, proxy = null } = options;
  const route = routeTo(url, options);
  const connections = new Connections(url.origin, route.open, options.connections);
  const terms = { timeoutMs, keepBody, keepHeaders, proxy, protocol: url.protocol };
  const place = `${url.pathname}${url.search}`;
  const abort = () => {
    for (const exchange of connections.exchanges())
      (exchange as AttemptHandler).stop('aborted', 'interrupted');
  };
  return {
    url,
    send: ({ headers, body, target = place }) =>
      new Promise((resolve, reject) => {
        const request: Dispatcher.DispatchOptions = {
          method: 'POST',
          path: route.prefix + target,
          headers: route.headers.length === 0 ? (headers as string[]) : [...headers, ...route.headers],
          body,
          // Else undici would hold back what is behind it until its answer begins.
          blocking: false,
        };
        connections.run(new AttemptHandler(request, terms, resolve, reject));
      }),
    abort,
    close: async () => {
      abort();
      connections.destroy();
    },
  };
}

/** Follows one request to its outcome. A class, because a sender at full speed makes very many of them. */
class AttemptHandler implements Exchange {
  readonly request: Dispatcher.DispatchOptions;
  connection: Connection | null = null;
  over = false;
  readonly #terms: Terms;
  readonly #resolve: (result: AttemptResult) => void;
  readonly #reject: (error: TypeError) => void;
  readonly #started = performance.now();
  #timer: NodeJS.Timeout;
  #sent = false;
  #status: number | null = null;
  #durationMs = 0;
  #headers: RawHeaders = [];
  #failure: Failure | null = null;
  #kept: Buffer = NO_BODY;
  #received = 0;
  #whole = false;

  constructor(
    request: Dispatcher.DispatchOptions,
    terms: Terms,
    resolve: (result: AttemptResult) => void,
    reject: (error: TypeError) => void,
  ) {
    this.request = request;
    this.#terms = terms;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(onTimeout, terms.timeoutMs, this);
  }

  onConnect(): void {
    this.#sent = true;
  }

  onHeaders(status: number, headers: Buffer[]): boolean {
    // Interim: the answer itself is still to come.
    if (status < 200) return true;
    this.#status = status;
    this.#durationMs = performance.now() - this.#started;
    if (this.#terms.keepHeaders || !isSuccess(status)) this.#headers = headers.map(latin1);
    // Nearly always the body comes with the head; only where it does not does it need a timer of its own.
    queueMicrotask(() => this.#awaitBody());
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#received += chunk.length;
    const room = this.#terms.keepBody - this.#kept.length;
    if (room > 0) {
      const more = chunk.subarray(0, room);
      this.#kept = this.#kept.length === 0 ? Buffer.from(more) : Buffer.concat([this.#kept, more]);
    }
    if (this.#received > BODY_LIMIT) this.stop(...verdict(this.#status as number, this.#terms));
    return true;
  }

  onComplete(): void {
    this.#whole = true;
    this.#settle(...verdict(this.#status as number, this.#terms));
    this.connection?.free();
  }

  onError(error: Error & { code?: string }): void {
    if (this.#status !== null) this.#settle(...verdict(this.#status, this.#terms));
    else if (isUnsendable(error)) this.#refuse(error);
    else this.#fail(error);
    this.connection?.free();
  }

  #awaitBody(): void {
    if (this.over) return;
    clearTimeout(this.#timer);
    const left = Math.max(1, this.#terms.timeoutMs - this.#durationMs);
    this.#timer = setTimeout(onTimeout, Math.min(BODY_PATIENCE_MS, left), this);
  }

  /** Settles the attempt and gives up its connection. */
  stop(outcome: Outcome, error: string | null): void {
    this.#settle(outcome, error);
    this.connection?.cut();
  }

  timeOut(): void {
    if (this.#status !== null) return this.stop(...verdict(this.#status, this.#terms));
    const phase = !this.#sent ? 'connecting' : 'waiting for the answer';
    this.stop('timeout', `no answer within ${this.#terms.timeoutMs} ms (${phase})`);
  }

  /** It cannot be sent as it is. */
  #refuse({ message }: Error): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.#timer);
    this.#reject(new TypeError(`The request cannot be sent: ${message}.`));
  }

  #fail(error: Error): void {
    const failure = nameFailure(error, { sent: this.#sent, protocol: this.#terms.protocol });
    this.#failure = failure;
    this.#settle(failure.outcome, failure.words);
  }

  #settle(outcome: Outcome, error: string | null): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.#timer);
    if (this.#status === null) this.#durationMs = performance.now() - this.#started;
    this.#resolve({
      outcome,
      status: this.#status,
      durationMs: Math.round(this.#durationMs * 10) / 10,
      error,
      failure: this.#failure,
      headers: this.#headers,
      responseBody: this.#kept,
      bodyCut: this.#status !== null && !(this.#whole && this.#kept.length === this.#received),
    });
  }
}

function onTimeout(attempt: AttemptHandler): void {
  attempt.timeOut();
}

function latin1(bytes: Buffer): string {
  return bytes.toString('latin1');
}

function verdict(status: number, { proxy }: Terms): Ending {
  if (isSuccess(status)) return ['delivered', null];
  if (status === 407 && proxy !== null) return ['rejected', proxyRefusal(proxy, status)];
  return ['rejected', `answered ${status}${status === 410 ? ' (gone: no retry)' : ''}`];
}

function isUnsendable({ code }: { code?: string }): boolean {
  return code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED';
}
