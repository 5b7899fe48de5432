import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { PROTOCOL } from './control.ts';

/** What a listener sends at once; its answers are short. */
const MAX_MESSAGE = 4 * 1024 ** 2;

/** The upgrade request, as much of it as matters; header names are in lower case. */
export interface UpgradeRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
}

/** Turns a connection into a WebSocket; null where the request asks for none, which was answered then. */
export type Upgrader = (request: UpgradeRequest, socket: Socket, rest: Buffer) => Promise<WebSocket | null>;

export function createUpgrader(): Upgrader {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE,
    handleProtocols: () => PROTOCOL,
  });
  return (request, socket, rest) =>
    new Promise((resolve) => {
      const failed = () => resolve(null);
      socket.once('close', failed);
      server.handleUpgrade(request as unknown as IncomingMessage, socket, rest, (webSocket) => {
        socket.off('close', failed);
        resolve(webSocket);
      });
    });
}
