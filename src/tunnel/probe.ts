import { createHmac } from 'node:crypto';
import { EnvironmentError } from '../core/errors.ts';
import { HEADER, headerValue } from '../core/headers.ts';
import { shownUrl, visible } from '../core/redact.ts';
import { formatDuration, formatTimestamp } from '../core/time.ts';
import { type AttemptResult, createTransport } from '../http/attempt.ts';
import type { RouteOptions } from '../http/route.ts';
import type { Answer, IncomingRequest } from '../http/serve-options.ts';
import type { Clock } from './clock.ts';

const TIMEOUT_MS = 10_000;
/** A tunnel that has only just been started may take this long until it leads anywhere, ms. */
const PATIENCE_MS = 20_000;
const PAUSE_MS = 1000;
/** Slower than this, one way, something holds deliveries back. */
const HELD_MS = 1000;

/** What may be odd about a way that leads here all the same, in words. */
export interface Proof {
  tookMs: number;
  remarks: string[];
}

/**
 * Sends a delivery to this listener through its public URL, and looks at what becomes of it on the way: whether it
 * arrives at all, with its bytes and its headers, and whether the answer comes back.
 */
export class Probe {
  readonly #nonce: string;
  readonly #clock: Clock;
  #arrived: { request: IncomingRequest; at: number } | null = null;
  #done = false;

  /** The nonce is this run's own; a relay knows by it to whom the probe belongs (see Credentials.session). */
  constructor(nonce: string, clock: Clock) {
    this.#nonce = nonce;
    this.#clock = clock;
  }

  /** The answer to the probe itself; null for everything else, which is a delivery. */
  intercept(request: IncomingRequest): Answer | null {
    if (this.#done || headerValue(request.headers, HEADER.probe) !== this.#nonce) return null;
    this.#arrived = { request, at: this.#clock.elapsed() };
    return {
      status: 200,
      headers: ['Content-Type', 'text/plain', HEADER.probe, this.#nonce],
      body: this.#nonce,
    };
  }

  /** The URL is the user's own word, or allowed by it (fault G12). Rejects with EnvironmentError. */
  async run(url: URL, route: RouteOptions): Promise<Proof> {
    const transport = createTransport({
      url,
      connections: 1,
      timeoutMs: TIMEOUT_MS,
      keepHeaders: true,
      ...route,
    });
    const began = this.#clock.now();
    const deadline = this.#clock.elapsed() + PATIENCE_MS;
    try {
      for (;;) {
        const sentAt = this.#clock.elapsed();
        const body = Buffer.from(`{"probe": "${this.#nonce}", "bytes": "\\u00e9\\/é", "number": 1.0}\n`);
        // The same each time: an earlier one may still arrive.
        const headers = this.#headers(body, began);
        const result = await transport.send({ headers, body });
        const proof = this.#judge(url, { headers, body, sentAt }, result);
        if (typeof proof !== 'string') return proof;
        const passing =
          this.#arrived === null && mayPass(result) && this.#clock.elapsed() + PAUSE_MS < deadline;
        if (!passing) throw new EnvironmentError(`${url.origin} does not lead here: ${proof}`);
        await new Promise<void>((resolve) => this.#clock.after(PAUSE_MS, resolve));
      }
    } finally {
      this.#done = true;
      await transport.close();
    }
  }

  #headers(body: Uint8Array, now: number): string[] {
    const signature = createHmac('sha256', this.#nonce).update(body).digest('hex');
    return [
      HEADER.contentType,
      'application/json',
      'User-Agent',
      'mo-notify-probe',
      HEADER.eventId,
      `ev_probe_${this.#nonce}`,
      HEADER.signature,
      `sha256=${signature}`,
      HEADER.attempt,
      '1',
      HEADER.sentAt,
      formatTimestamp(now),
      HEADER.probe,
      this.#nonce,
    ];
  }

  /** What is wrong, in words, or what it took. */
  #judge(
    url: URL,
    sent: { headers: string[]; body: Buffer; sentAt: number },
    result: AttemptResult,
  ): Proof | string {
    const now = this.#clock.elapsed();
    if (this.#arrived === null) return notHere(url, result);
    const { request, at } = this.#arrived;
    if (!sent.body.equals(request.body))
      return 'the body arrives changed, so that no signature can be right. Something on the way writes it anew; switch that off.';
    const lost = changedHeaders(sent.headers, request.headers);
    if (lost.length > 0)
      return `${lost.join(', ')} ${lost.length === 1 ? 'does' : 'do'} not arrive as sent. Have what is in between pass on headers that begin with X-MO-.`;
    if (result.status === null)
      return `the probe arrived here, but its answer did not come back (${result.error}).`;
    if (result.status !== 200 || result.responseBody.toString('latin1') !== this.#nonce)
      return `the probe arrived here, but its answer came back changed: ${said(result)}. The platform would not see what your app says.`;
    return { tookMs: now - sent.sentAt, remarks: remarks(sent.sentAt, at, now) };
  }
}

/** Failures that a tunnel which is just coming up has, too. */
function mayPass({ status, outcome }: AttemptResult): boolean {
  if (status !== null) return status === 404 || (status >= 500 && status !== 511);
  return outcome !== 'blocked' && outcome !== 'tls';
}

function notHere({ host }: URL, result: AttemptResult): string {
  const { status, error, headers } = result;
  if (status === null) return `${error}.`;
  const location = headerValue(headers, 'Location');
  if (location !== undefined)
    return `it answers ${status}, a redirect to ${visible(shownUrl(location), 200)}, which the platform does not follow. Use that URL itself.`;
  const page = result.responseBody.toString('latin1');
  const html = /<(?:!doctype|html|head|body)/i.test(page);
  if (headerValue(headers, 'ngrok-error-code') !== undefined || (html && /ngrok/i.test(page)))
    return `ngrok answers in its place (${said(result)}): its warning page, or a tunnel that is not running. The warning goes away with a paid plan, or a domain of your own.`;
  if (html && /localtunnel|loca\.lt|tunnel password/i.test(page))
    return `localtunnel's reminder page answers in its place (${status}): callers without a browser's User-Agent pass it, proxies of others may not.`;
  if (html && /cloudflare/i.test(page))
    return `Cloudflare answers in its place (${said(result)}): a challenge page, or a tunnel that is not running.`;
  if (status >= 502 && status <= 504)
    return `what is at ${host} finds nothing behind it (${said(result)}). Is your tunnel running, and does it lead to this port?`;
  if (html) return `a web page answers in its place (${said(result)}): an interstitial, or another site.`;
  return `something else answers there (${said(result)}).`;
}

function changedHeaders(sent: readonly string[], arrived: readonly string[]): string[] {
  const names: string[] = [];
  for (let i = 0; i < sent.length; i += 2) {
    const name = sent[i] as string;
    const matters = name.startsWith('X-MO-') || name === HEADER.contentType;
    if (matters && headerValue(arrived, name) !== sent[i + 1]) names.push(name);
  }
  return names;
}

function remarks(sentAt: number, arrivedAt: number, answeredAt: number): string[] {
  const held: string[] = [];
  if (arrivedAt - sentAt > HELD_MS)
    held.push(
      `deliveries are held back for ${formatDuration(arrivedAt - sentAt)} on their way here: something buffers them`,
    );
  if (answeredAt - arrivedAt > HELD_MS)
    held.push(
      `answers are held back for ${formatDuration(answeredAt - arrivedAt)} on their way back: something buffers them`,
    );
  return held;
}

function said({ status, responseBody }: AttemptResult): string {
  const text = textOf(responseBody.toString('utf8'));
  return `${status}${text === '' ? '' : ` '${visible(text, 100)}'`}`;
}

/** What people read of a page: no tags, nor what stands in a script or a style. */
function textOf(html: string): string {
  const ended = html.split(/<\/(?:script|style)>/i);
  const rest = ended.pop();
  return [...ended.map((part) => part.replace(/<(?:script|style).*/is, '')), rest]
    .join(' ')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
