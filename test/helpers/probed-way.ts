import { HEADER, type RawHeaders } from '../../src/core/headers.ts';
import type { Answer } from '../../src/http/serve-options.ts';
import { Probe } from '../../src/tunnel/probe.ts';
import { type Endpoint, type SeenRequest, startEndpoint } from './endpoint.ts';
import { type TunnelClock, tunnelClock } from './tunnel-clock.ts';

export const NONCE = 'a1b2c3d4';

/** What a way does to what goes over it; nothing where nothing is said. */
export interface Meddling {
  /** Answers in the place of what is behind it. */
  instead?: (nth: number) => { status: number; headers?: Record<string, string>; body?: string } | null;
  headers?: (headers: RawHeaders) => RawHeaders;
  body?: (body: Buffer) => Uint8Array;
  answer?: (answer: Answer) => Answer;
  /** Cuts the connection once the request has arrived. */
  loseAnswer?: boolean;
  /** How long it holds each back, ms. */
  hold?: { request?: number; answer?: number };
}

export interface ProbedWay {
  probe: Probe;
  clock: TunnelClock;
  endpoint: Endpoint;
  /** Sends the probe; time stands still but for what the way takes. */
  run(): ReturnType<Probe['run']>;
}

/** A way that leads to a probe, by a real endpoint. */
export async function probedWay(meddling: Meddling = {}): Promise<ProbedWay> {
  const { instead, headers, body, answer, loseAnswer, hold } = meddling;
  const clock = tunnelClock();
  const probe = new Probe(NONCE, clock);
  const endpoint = await startEndpoint((response, request, nth) => {
    const other = instead?.(nth) ?? null;
    if (other !== null) return response.writeHead(other.status, other.headers ?? {}).end(other.body ?? '');
    clock.jump(hold?.request ?? 0);
    const arriving = incoming(request, clock);
    const said = probe.intercept({
      ...arriving,
      headers: headers?.(arriving.headers) ?? arriving.headers,
      body: body?.(request.body) ?? request.body,
    });
    if (said === null) return response.writeHead(404).end('not a probe');
    if (loseAnswer) return response.socket?.destroy();
    clock.jump(hold?.answer ?? 0);
    const back = answer?.(said) ?? said;
    response.writeHead(back.status, [...back.headers]).end(back.body);
  });
  return {
    ...{ probe, clock, endpoint },
    run: () => probe.run(endpoint.url, {}),
  };
}

function incoming({ path, headers, body }: SeenRequest, clock: TunnelClock) {
  return { method: 'POST', target: path, headers, body, receivedAt: clock.now() };
}

/** Somebody else's request, that may bear a nonce. */
export function request(nonce: string | null = NONCE) {
  const headers = nonce === null ? [] : [HEADER.probe, nonce];
  return { method: 'POST', target: '/', headers, body: Buffer.from('{}'), receivedAt: 0 };
}
