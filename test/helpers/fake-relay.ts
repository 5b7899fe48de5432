import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { PROTOCOL } from '../../src/tunnel/control.ts';
import { type AnswerFrame, decodeFrames, encodeContent, encodeDelivery } from '../../src/tunnel/frames.ts';

/** A relay that a test has in its hand, to be as hostile as it likes; it ends with the test. */
export interface FakeRelay {
  port: number;
  /** Every attempt of a listener to be let in, by its headers. */
  knocks: IncomingHttpHeaders[];
  /** What listeners have sent as text. */
  controls: Record<string, unknown>[];
  answers: AnswerFrame[];
  /** How links ended: the code and the reason that the listener gave. */
  closed: { code: number; reason: string }[];
  /** What came as plain requests: method and target of each. */
  requests(): string[];
  /** The link that there is. */
  socket(): WebSocket;
  /** Hands on a delivery; resolves to its answer, rejects when its link ends without one. */
  deliver(headers: string[], body: Uint8Array, about?: { kept?: boolean }): Promise<AnswerFrame>;
}

/** `greeting` is what it says first of all; null says nothing. */
export async function startFakeRelay(
  greeting: string | ((port: number) => string) | null = attached(),
): Promise<FakeRelay> {
  const requests: string[] = [];
  const http = createServer(({ method, url }, response) => {
    requests.push(`${method} ${url}`);
    response.writeHead(410).end();
  });
  const server = new WebSocketServer({ server: http, handleProtocols: () => PROTOCOL });
  let link: WebSocket | null = null;
  let number = 0;
  const answered = new Map<number, (answer: AnswerFrame) => void>();
  const relay: FakeRelay = {
    port: 0,
    knocks: [],
    controls: [],
    answers: [],
    closed: [],
    requests: () => requests,
    socket: () => link as unknown as WebSocket,
    deliver(headers, body, { kept = false } = {}) {
      number += 1;
      const mine = number;
      const content = encodeContent(headers, [body]);
      const frame = encodeDelivery({ number: mine, kept, copy: false, receivedAt: Date.now(), content });
      const socket = relay.socket();
      socket.send(Buffer.concat(frame));
      return new Promise((resolve, reject) => {
        answered.set(mine, resolve);
        socket.once('close', () => reject(new Error(`no answer to delivery ${mine}`)));
      });
    },
  };
  server.on('connection', (socket, request) => {
    link = socket;
    relay.knocks.push(request.headers);
    socket.on('error', () => {});
    socket.on('message', (data, binary) => {
      if (binary) {
        const answers = decodeFrames(data as Buffer).filter((frame) => frame.kind === 'answer');
        relay.answers.push(...answers);
        for (const answer of answers) answered.get(answer.number)?.(answer);
      } else {
        const control = JSON.parse(String(data)) as Record<string, unknown>;
        relay.controls.push(control);
        if (control.type === 'open' && control.open === true) socket.send('{"type":"opened"}');
      }
    });
    socket.on('close', (code, reason) => relay.closed.push({ code, reason: String(reason) }));
    if (greeting !== null) socket.send(typeof greeting === 'string' ? greeting : greeting(relay.port));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  relay.port = (http.address() as AddressInfo).port;
  onTestFinished(async () => {
    for (const client of server.clients) client.terminate();
    const over = new Promise((resolve) => http.close(resolve));
    http.closeAllConnections();
    await over;
  });
  return relay;
}

/** A relay's first word. */
export function attached(about: Record<string, unknown> = {}): string {
  return JSON.stringify({
    type: 'attached',
    channel: 'dev',
    public_url: null,
    ack: 'app',
    heartbeat_ms: 10_000,
    waiting: 0,
    copy: false,
    ...about,
  });
}
