import { placeAt, targetPath } from '../core/asked.ts';
import { credentialsIn } from '../core/credentials.ts';
import { endToEnd, type RawHeaders } from '../core/headers.ts';
import { hiding, secretsIn } from '../core/hide-values.ts';
import { type ForwardResult, isSuccess } from '../core/record.ts';
import {
  type AttemptResult,
  createTransport,
  type OutgoingRequest,
  type Transport,
} from '../http/attempt.ts';
import { otherLoopback } from '../http/elsewhere.ts';

const FORWARD_TIMEOUT_MS = 30_000;
const CONNECTIONS = 64;
/** How much of the app's answer goes back to the sender, bytes. */
const PASSED_BODY = 65_536;
/** How much of it is for people and the log, bytes; it holds more characters than a log keeps. */
const SAID_BYTES = 8192;
/** The sender's wish, not ours: what the developer reads and the store keeps is text. */
const LEFT_BEHIND = new Set(['accept-encoding']);

/** A delivery for the app. `asked` is what its sender asked for, as `askedFor` has it. */
export interface ForwardedDelivery {
  headers: RawHeaders;
  body: Uint8Array;
  asked: string;
}

/** What the app said to a forwarded delivery. */
export interface AppAnswer extends AttemptResult {
  /** What the log keeps of it. */
  result: ForwardResult;
  delivered: boolean;
  /** True where we gave up ourselves, because the run ended. */
  cut: boolean;
  /** Where it went: origin and path. The query, in which secrets travel, is left out. */
  place: string;
  /** The beginning of its body for people and the log, without the secrets that it repeats. */
  said: string;
}

/** Forwards deliveries to the user's app: the same method, bytes and headers (contract §2). */
export interface Forwarder {
  readonly url: URL;
  /** Rejects with TypeError where a header of the delivery cannot be sent. */
  forward(delivery: ForwardedDelivery): Promise<AppAnswer>;
  close(): Promise<void>;
}

export interface ForwarderOptions {
  timeoutMs?: number;
  /** Accept any TLS certificate. */
  insecure?: boolean;
  /** Plain http to a public address too. */
  allowHttp?: boolean;
  proxy?: URL | null;
  /** The app may be at either of this machine's own addresses, 127.0.0.1 and ::1. */
  eitherLoopback?: boolean;
  /** Told where deliveries go from now on, because the app was found there. */
  onMoved?: (from: URL, to: URL) => void;
}

export function createForwarder(url: URL, options: ForwarderOptions = {}): Forwarder {
  let app = connectTo(url, options);
  const known = [app];
  let moving: Promise<boolean> | null = null;
  let closed = false;

  async function send(request: OutgoingRequest): Promise<AttemptResult> {
    const used = app;
    const answer = await used.transport.send(request);
    if (answer.outcome !== 'refused' || options.eitherLoopback !== true || closed) return answer;
    // What was refused was never sent, so the other address may get it.
    if (used === app) moving ??= move().finally(() => (moving = null));
    return (await moving) === false ? answer : app.transport.send(request);
  }

  /** Resolves to false where the app is not at the other address either. */
  async function move(): Promise<boolean> {
    const to = await otherLoopback(app.url);
    if (to === null || closed) return false;
    options.onMoved?.(app.url, to);
    app = known.find((other) => other.url.href === to.href) ?? connectTo(to, options);
    if (!known.includes(app)) known.push(app);
    return true;
  }

  return {
    url,
    async forward({ headers, body, asked }) {
      const target = placeAt(url, asked);
      const answer = await send({ headers: forwardHeaders(headers), body, target });
      const { status, durationMs, error } = answer;
      const hide = hiding([...secretsIn(new URL(url.origin + target)), ...credentialsIn(headers)]);
      return {
        ...answer,
        result: { status, durationMs, error: status === null ? error : null },
        delivered: isSuccess(status),
        cut: closed && status === null,
        place: `${app.url.origin}${targetPath(target)}`,
        said: hide(answer.responseBody.subarray(0, SAID_BYTES).toString('utf8')),
      };
    },
    async close() {
      closed = true;
      await Promise.all(known.map(({ transport }) => transport.close()));
    },
  };
}

function connectTo(url: URL, options: ForwarderOptions): { url: URL; transport: Transport } {
  const { timeoutMs = FORWARD_TIMEOUT_MS, insecure = false, allowHttp = false, proxy = null } = options;
  const about = {
    connections: CONNECTIONS,
    timeoutMs,
    insecure,
    allowHttp,
    proxy,
    keepBody: PASSED_BODY,
    keepHeaders: true,
  };
  return { url, transport: createTransport({ url, ...about }) };
}

/** The headers of a delivery that an app gets. Those of the signature are the sender's, whatever `Connection` names. */
function forwardHeaders(headers: RawHeaders): string[] {
  return endToEnd(headers, LEFT_BEHIND);
}
