import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { headerValue } from '../../src/core/headers.ts';

/** An HTTP proxy on a free port of 127.0.0.1 that resolves every name to this machine; it ends with the test. */
export interface ConnectProxy {
  url: URL;
  /** What it was asked for, in order: `CONNECT host:port`, or the method and the absolute URL. */
  asked: string[];
  /** The credentials that came with each. */
  credentials: (string | undefined)[];
}

/** `refuse` answers everything with this status. */
export async function startConnectProxy({
  refuse = null,
}: {
  refuse?: number | null;
} = {}): Promise<ConnectProxy> {
  const asked: string[] = [];
  const credentials: (string | undefined)[] = [];
  const open = new Set<Socket>();
  const note = ({ method, url, rawHeaders }: IncomingMessage) => {
    asked.push(`${method} ${url}`);
    credentials.push(headerValue(rawHeaders, 'Proxy-Authorization'));
  };
  const server = createServer((incoming, response) => {
    note(incoming);
    if (refuse !== null) return void response.writeHead(refuse).end();
    const { port, pathname, search } = new URL(incoming.url as string);
    const onward = httpRequest(
      {
        port,
        host: '127.0.0.1',
        method: incoming.method,
        path: pathname + search,
        headers: incoming.rawHeaders,
      },
      (answer) => {
        response.writeHead(answer.statusCode as number, answer.rawHeaders);
        answer.pipe(response);
      },
    );
    incoming.pipe(onward);
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
  });
  server.on('connect', (incoming: IncomingMessage, client: Socket) => {
    note(incoming);
    if (refuse !== null) return void client.end(`HTTP/1.1 ${refuse} No\r\nContent-Length: 0\r\n\r\n`);
    const port = Number(/:(\d+)$/.exec(incoming.url as string)?.[1]);
    const onward = connect({ port, host: '127.0.0.1' }, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(onward).pipe(client);
    });
    onward.on('error', () => client.destroy());
    client.on('error', () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}`), asked, credentials };
}
