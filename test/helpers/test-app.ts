import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the app got, byte for byte. */
export interface AppRequest {
  method: string;
  target: string;
  rawHeaders: string[];
  body: Buffer;
}

/** A user's app on a free port of this machine. */
export interface TestApp {
  url: string;
  port: number;
  requests: AppRequest[];
  /** Resolves once it has got this many requests. */
  got(count: number): Promise<void>;
  close(): Promise<void>;
}

/** `respond` answers each request, or keeps it waiting; by default with `200 ok`. */
export async function startApp(
  respond: (response: ServerResponse, request: AppRequest, count: number) => void = (response) => {
    response.end('ok');
  },
): Promise<TestApp> {
  const requests: AppRequest[] = [];
  const watchers = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      const { method = '', url: target = '', rawHeaders } = request;
      const got = { method, target, rawHeaders, body: Buffer.concat(chunks) };
      requests.push(got);
      for (const watch of [...watchers]) watch();
      respond(response, got, requests.length);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen({ port: 0, host: '127.0.0.1' }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    got: (count) =>
      new Promise((resolve) => {
        const watch = () => {
          if (requests.length < count) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
