import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { RawHeaders } from '../core/headers.ts';
import { type Done, hostOf, isSecure, type OpenSocket, openSocket, portOf } from './connect.ts';

/** The proxy, not the endpoint, stood in the way. */
export class ProxyError extends Error {
  readonly code = 'PROXY';
}

/** The way through a proxy: a tunnel to what is encrypted (RFC 9110 §9.3.6), else a connection to the proxy itself. */
export function openThrough(proxy: URL, url: URL, insecure: boolean): OpenSocket {
  if (!isSecure(url))
    return (done) =>
      openSocket(proxy, {}, (error, socket) =>
        error === null ? done(null, socket) : done(new ProxyError(unreachable(proxy, error))),
      );
  return (done) => {
    let giveUp = openTunnel(proxy, `${url.hostname}:${portOf(url)}`, (error, socket) => {
      if (socket === undefined) done(error);
      else giveUp = openSocket(url, { insecure, through: socket }, done);
    });
    return () => giveUp();
  };
}

function openTunnel(proxy: URL, target: string, done: Done): () => void {
  const request = (isSecure(proxy) ? httpsRequest : httpRequest)({
    method: 'CONNECT',
    host: hostOf(proxy),
    port: portOf(proxy),
    path: target,
    headers: { Host: target, ...authorization(proxy) },
    agent: false,
  });
  const refused = ({ statusCode }: IncomingMessage) => {
    request.destroy();
    done(new ProxyError(proxyRefusal(proxy, statusCode as number)));
  };
  let over = false;
  request.once('connect', (response: IncomingMessage, socket: Socket) => {
    over = true;
    if (response.statusCode === 200) return done(null, socket);
    socket.on('error', () => {}).destroy();
    refused(response);
  });
  request.once('response', (response) => {
    over = true;
    refused(response);
  });
  request.on('error', (error) => {
    if (!over) done(new ProxyError(unreachable(proxy, error)));
    over = true;
  });
  request.end();
  return () => {
    request.socket?.destroy();
    request.destroy();
  };
}

/** What a proxy asks for in each request; names and values in turn. */
export function proxyHeaders(proxy: URL): RawHeaders {
  return Object.entries(authorization(proxy)).flat();
}

/** Why a proxy let nothing through, in words. */
export function proxyRefusal(proxy: URL, status: number): string {
  if (status === 407)
    return `the proxy ${proxy.host} wants a user name and password (407): give them as http://USER:PASSWORD@${proxy.host} in the proxy's variable`;
  if (status === 403) return `the proxy ${proxy.host} forbids this connection (403)`;
  return `the proxy ${proxy.host} answered ${status} instead of connecting`;
}

function unreachable(proxy: URL, { code, message }: NodeJS.ErrnoException): string {
  return `the proxy ${proxy.host} cannot be reached (${code ?? message})`;
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}
