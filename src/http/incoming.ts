import type { IncomingMessage, ServerResponse } from 'node:http';
import { PieceGatherer } from '../core/pieces.ts';
import type { Client, InLine } from './clients.ts';
import { judgeHead } from './judge-head.ts';
import { LAST_WORDS_MS } from './refuse-on.ts';
import type { Admission, Answer, ServeOptions } from './serve-options.ts';

const NOTHING = new PieceGatherer();
/** More is nobody's way to send a body, but one to keep a server busy (fault G5). */
const MAX_CHUNKS = 65_536;

/** One request, from its head to its answer. */
export class Incoming implements InLine {
  turn: (() => void) | null = null;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #client: Client;
  readonly #options: ServeOptions;
  #admission: Admission | null = null;
  #pieces = new PieceGatherer();
  #chunks = 0;
  /** Nothing more is taken of it. */
  #over = false;

  constructor(request: IncomingMessage, response: ServerResponse, client: Client, options: ServeOptions) {
    this.#request = request;
    this.#response = response;
    this.#client = client;
    this.#options = options;
  }

  get whole(): boolean {
    return this.#request.complete;
  }

  /** `awaitsContinue` where the sender asks first whether its body is wanted. */
  begin(awaitsContinue: boolean): void {
    const judged = judgeHead(this.#request, this.#options);
    if ('status' in judged) return this.refuse(judged);
    this.#admission = judged;
    this.#client.enter(this);
    if (awaitsContinue) this.#response.writeContinue();
    this.#request.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#request.on('end', () => this.#received());
  }

  /** Answers by the head alone, and closes. */
  refuse(answer: Answer): void {
    this.#over = true;
    this.#client.enter(this);
    this.#client.readyToEnd(this, () => this.#answerAndClose(answer));
  }

  abandon(): void {
    this.#over = true;
    this.#pieces = NOTHING;
    this.#admission?.abandoned?.();
    this.#admission = null;
  }

  /** Its sender is gone, before all of it came. */
  lost(): void {
    if (this.#over) return;
    const detail = `the sender went away after ${this.#pieces.size} body bytes`;
    this.abandon();
    this.#options.onFault?.({ kind: 'aborted', detail });
  }

  #take(chunk: Buffer): void {
    if (this.#over) return;
    const { maxBody, onFault } = this.#options;
    this.#chunks += 1;
    if (this.#pieces.size + chunk.length > maxBody) {
      onFault?.({ kind: 'too_large', detail: `more than ${maxBody} bytes` });
      this.#cutShort({ status: 413, headers: [], body: 'Body too large' });
    } else if (this.#chunks > MAX_CHUNKS) {
      onFault?.({ kind: 'bad_request', detail: `400 its body comes in more than ${MAX_CHUNKS} chunks` });
      this.#cutShort({ status: 400, headers: [], body: 'Too many chunks' });
    } else this.#pieces.add(chunk);
  }

  #cutShort(answer: Answer): void {
    this.abandon();
    this.#client.readyToEnd(this, () => this.#answerAndClose(answer));
  }

  #received(): void {
    if (this.#over) return;
    this.#over = true;
    this.#client.ready(this, () => this.#handle());
  }

  #handle(): void {
    const { method, url, rawHeaders } = this.#request;
    const { now, onFault } = this.#options;
    const admission = this.#admission as Admission;
    this.#admission = null;
    const { pieces } = this.#pieces;
    this.#pieces = NOTHING;
    admission
      .handle({
        method: method as string,
        target: url as string,
        headers: rawHeaders,
        pieces,
        receivedAt: now(),
      })
      .then((answer) => this.#answer(answer))
      .catch((error: unknown) => {
        onFault?.({ kind: 'failed', detail: String(error) });
        this.#answer({ status: 500, headers: [], body: 'Internal error' });
      });
  }

  #answer(answer: Answer): void {
    if (this.#client.finishing) this.#response.shouldKeepAlive = false;
    this.#writeHead(answer);
    const { body } = answer;
    // What is ASCII, as nearly all answers are, is written faster as latin1.
    if (typeof body === 'string' && Buffer.byteLength(body) === body.length)
      this.#response.end(body, 'latin1');
    else this.#response.end(body);
    this.#client.answered(this.#response);
  }

  /** Without reading the rest: what is still coming is not worth the bandwidth. */
  #answerAndClose(answer: Answer): void {
    const response = this.#response;
    const { socket } = this.#client;
    response.shouldKeepAlive = false;
    this.#writeHead(answer);
    const { body } = answer;
    // Its end would have Node close the connection at once, and the reset that unread bytes cause would take the answer away.
    if (body.length === 0 || this.#request.method === 'HEAD') response.flushHeaders();
    else response.write(body);
    this.#request.resume();
    socket.end();
    setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
  }

  /** Throws where a header cannot be sent. */
  #writeHead({ status, headers, body }: Answer): void {
    const all = [...headers];
    // These two have no body, so a length would announce bytes that never come.
    if (status !== 204 && status !== 304) all.push('Content-Length', String(Buffer.byteLength(body)));
    this.#response.writeHead(status, all);
  }
}
