import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { type TestIo, type TestIoOptions, testIo } from './test-io.ts';

/** A `dashboard --json` that has said that it is ready; it is interrupted when the test ends. */
export async function startCommand(args: string[] = [], options: TestIoOptions = {}) {
  const io = testIo(options);
  const ended = run(['dashboard', '--json', '--port', '0', ...args], io);
  onTestFinished(async () => {
    io.interrupt();
    await ended;
  });
  const failed = ended.then((code) => Promise.reject(new Error(`it ended with ${code}: ${io.err()}`)));
  failed.catch(() => {});
  const [, link] = (await Promise.race([io.waitFor(/"dashboard":"([^"]+)"/), failed])) as RegExpMatchArray;
  return { io, ended, link: link as string, port: Number(new URL(link as string).port) };
}

export async function fails(
  args: string[],
  options: TestIoOptions = {},
): Promise<[code: number, io: TestIo]> {
  const io = testIo(options);
  return [await run(args, io), io];
}

/** Listens on a port until the test ends, so that nobody else can; false where somebody else does already. */
export function hold(port: number): Promise<boolean> {
  const server = createServer();
  onTestFinished(() => void server.close());
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
}

/** Listens on a port, so that nobody else can. */
export async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  await new Promise((resolve) => server.close(resolve));
  return free;
}
