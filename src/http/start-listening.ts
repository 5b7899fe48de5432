import type { Server } from 'node:net';
import { EnvironmentError } from '../core/errors.ts';

/** Has a server listen. Rejects with EnvironmentError where the port cannot be had (fault C6). */
export function startListening(
  server: Server,
  { host, port, portFlag = '--port' }: { host: string; port: number; portFlag?: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port, portFlag)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      // EMFILE and the like: the connection is lost, the server goes on (fault C7).
      server.on('error', () => {});
      resolve();
    });
  });
}

function listenError(
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
  flag: string,
): EnvironmentError {
  const why: Record<string, string> = {
    EADDRINUSE: `Port ${port} on ${host} is in use, perhaps by another listen (see: lsof -i :${port}). Choose another with ${flag}, or ${flag} 0 for any free one.`,
    EACCES: `Port ${port} needs privileges this user lacks. Choose one above 1023 with ${flag}.`,
    EADDRNOTAVAIL: `The address ${host} is not one of this machine's. Choose another with --host.`,
    ENOTFOUND: `The host name ${host} does not resolve. Choose another with --host.`,
  };
  return new EnvironmentError(why[error.code ?? ''] ?? `Cannot listen on ${host}:${port}: ${error.message}`, {
    cause: error,
  });
}
