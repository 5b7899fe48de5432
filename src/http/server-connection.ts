import type { Socket } from 'node:net';
import { judgeHead } from './judge-head.ts';
import { BadMessageError, type Fields } from './message-head.ts';
import { MessageParser, type MessageSink } from './message-parser.ts';
import { REQUEST, type RequestLine } from './request-parser.ts';
import type { Admission, Answer, RequestHead, ServeLimits, ServeOptions } from './serve-options.ts';
import { KEEP_ALIVE_MS, writeAnswer } from './write-answer.ts';

/** How long the other side has to read a last answer before its connection is cut, ms. */
const LAST_WORDS_MS = 250;
const TLS_HINT = 'a TLS hello came to this plain http port; use http:// in the URL';

/** What the connection is at; each is bounded in time, but for the answering, which is the handler's to bound. */
type Phase = 'waiting' | 'head' | 'body' | 'answering' | 'unread' | 'handing over' | 'over';

/** One client's connection: its requests are read and answered in turn. */
export class ServerConnection implements MessageSink<RequestLine> {
  readonly #socket: Socket;
  readonly #options: ServeOptions;
  readonly #limits: ServeLimits;
  readonly #parser = new MessageParser(REQUEST, this);
  #phase: Phase = 'waiting';
  /** When the phase began; a request's head and body are one span of time. */
  #since: number;
  #answered = 0;
  #request: RequestLine | null = null;
  #headers: readonly string[] = [];
  #admission: Admission | null = null;
  #upgrade: RequestHead | null = null;
  #pieces: Buffer[] = [];
  #size = 0;
  #reusable = true;

  constructor(socket: Socket, options: ServeOptions, limits: ServeLimits, now: number) {
    this.#socket = socket;
    this.#options = options;
    this.#limits = limits;
    this.#since = now;
    this.#parser.expect();
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => this.#ended());
    socket.on('error', () => this.#lost());
    socket.on('close', () => this.#lost());
    socket.on('drain', () => {
      if (this.#phase === 'unread') this.#next();
    });
  }

  get idle(): boolean {
    return this.#phase === 'waiting';
  }

  /** Ends what has taken too long; asked every now and then. */
  check(now: number): void {
    const { headersTimeoutMs, requestTimeoutMs } = this.#limits;
    const took = now - this.#since;
    const first = this.#answered === 0;
    if (this.#phase === 'waiting' && took > (first ? headersTimeoutMs : KEEP_ALIVE_MS)) {
      if (first) this.#refuseUnreadable(408, 'no request came');
      else this.cut();
    } else if (this.#phase === 'head' && took > headersTimeoutMs) {
      this.#refuseUnreadable(408, 'its headers took too long');
    } else if (this.#phase === 'body' && took > requestTimeoutMs) {
      this.#refuseUnreadable(408, 'its body took too long');
    } else if (this.#phase === 'unread' && took > requestTimeoutMs) {
      this.cut();
    }
  }

  /** No more requests after the one under way. */
  finish(): void {
    this.#reusable = false;
    if (this.idle) this.cut();
  }

  cut(): void {
    this.#abandon();
    this.#phase = 'over';
    this.#socket.destroy();
  }

  onHead(request: RequestLine, fields: Fields): void {
    this.#request = request;
    this.#headers = fields.headers;
    this.#phase = 'body';
    const judged = judgeHead(this.#options, request, fields, this.#socket);
    if ('status' in judged) return this.#refuse(judged);
    if ('takeOver' in judged) this.#upgrade = judged.takeOver;
    else this.#admission = judged;
    if (fields.expect === null || !request.modern) return;
    if (fields.expect.toLowerCase() !== '100-continue')
      return this.#refuse({ status: 417, headers: [], body: 'Expectation failed' });
    this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  onBody(chunk: Buffer): void {
    if (this.#phase !== 'body') return;
    this.#size += chunk.length;
    const { maxBody, onFault } = this.#options;
    if (this.#size > maxBody) {
      onFault?.({ kind: 'too_large', detail: `more than ${maxBody} bytes` });
      return this.#refuse({ status: 413, headers: [], body: 'Body too large' });
    }
    this.#pieces.push(chunk);
  }

  onEnd(reusable: boolean): void {
    if (this.#phase !== 'body') return;
    if (this.#upgrade !== null) {
      this.#phase = 'handing over';
      return;
    }
    this.#phase = 'answering';
    if (!reusable) this.#reusable = false;
    const { method, target } = this.#request as RequestLine;
    const { now, onFault } = this.#options;
    const admission = this.#admission as Admission;
    this.#admission = null;
    const handled = admission.handle({
      method,
      target,
      headers: this.#headers,
      pieces: this.#pieces,
      receivedAt: now(),
    });
    this.#pieces = [];
    this.#size = 0;
    handled.then(
      (answer) => this.#answer(answer),
      (error: unknown) => {
        onFault?.({ kind: 'failed', detail: String(error) });
        this.#answer({ status: 500, headers: [], body: 'Internal error' });
      },
    );
  }

  #read(chunk: Buffer): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'waiting') {
      this.#phase = 'head';
      this.#since = performance.now();
    }
    // A client may send its next requests unasked, but not without end.
    if (this.#phase === 'answering' || this.#phase === 'unread') this.#socket.pause();
    this.#parse(() => this.#parser.push(chunk), chunk);
  }

  #parse(work: () => void, chunk: Buffer | null = null): void {
    try {
      work();
      if (this.#phase === 'handing over') this.#handOver();
    } catch (error) {
      if (!(error instanceof BadMessageError)) throw error;
      if (this.#phase === 'over') return;
      const hello = chunk !== null && chunk[0] === 0x16 && chunk[1] === 0x03;
      this.#refuseUnreadable(error.tooLong ? 431 : 400, error.message, hello ? TLS_HINT : undefined);
    }
  }

  /** From here on the connection is another's. */
  #handOver(): void {
    this.#phase = 'over';
    const socket = this.#socket;
    for (const event of ['data', 'end', 'drain', 'error']) socket.removeAllListeners(event);
    this.#options.upgrade?.(this.#upgrade as RequestHead, socket, this.#parser.takeRest());
  }

  #answer(answer: Answer): void {
    if (this.#phase !== 'answering') return;
    const { method } = this.#request as RequestLine;
    this.#answered += 1;
    this.#since = performance.now();
    writeAnswer(this.#socket, answer, { keep: this.#reusable, withBody: method !== 'HEAD' });
    if (!this.#reusable) return this.#lastWords();
    // For a client that does not read its answers (fault C1).
    if (this.#socket.writableNeedDrain) this.#phase = 'unread';
    else this.#next();
  }

  /** Takes up the next request, which may be here already. */
  #next(): void {
    this.#phase = 'waiting';
    this.#socket.resume();
    this.#parse(() => this.#parser.expect());
    if (this.#phase === 'waiting' && this.#parser.inHead) this.#phase = 'head';
  }

  /** Answers without reading the rest, and closes: what is still coming is not worth the bandwidth. */
  #refuse(answer: Answer): void {
    this.#abandon();
    this.#phase = 'over';
    writeAnswer(this.#socket, answer, { keep: false, withBody: this.#request?.method !== 'HEAD' });
    this.#lastWords();
  }

  #refuseUnreadable(status: number, why: string, hint?: string): void {
    this.#options.onFault?.({ kind: 'bad_request', detail: hint ?? `${status} ${why}` });
    this.#refuse({ status, headers: [], body: '' });
  }

  /** Ends our side, and gives the other a moment to read before the reset that unread bytes cause. */
  #lastWords(): void {
    this.#phase = 'over';
    const socket = this.#socket;
    socket.resume();
    socket.end(() => setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref());
  }

  /** The other side sends no more; an answer that is due it may still want. */
  #ended(): void {
    if (this.#phase === 'answering' || this.#phase === 'unread') this.#reusable = false;
    else {
      this.#lost();
      this.#socket.destroy();
    }
  }

  #abandon(): void {
    this.#admission?.abandoned?.();
    this.#admission = null;
  }

  #lost(): void {
    this.#abandon();
    if (this.#phase === 'body') {
      const detail = `the sender went away after ${this.#size} body bytes`;
      this.#options.onFault?.({ kind: 'aborted', detail });
    }
    this.#phase = 'over';
  }
}
