import { onTestFinished } from 'vitest';
import { serve } from '../../src/http/serve.ts';
import type { ServeFault, ServeOptions } from '../../src/http/serve-options.ts';
import type { ReceiverOptions } from '../../src/receiver/receiver.ts';
import { type TestReceiver, testReceiver } from './test-receiver.ts';

/** A receiver behind a socket of its own; closed when the test ends. */
export interface ReceiverServer extends TestReceiver {
  port: number;
  faults: ServeFault[];
  /** Resolves once so many faults of any kind were told of. */
  faulted(count: number): Promise<void>;
}

export async function startReceiver(
  serving: Partial<Extract<ServeOptions, { handle: unknown }>> = {},
  receiving: Partial<ReceiverOptions> = {},
): Promise<ReceiverServer> {
  const receiver = await testReceiver({ maxBody: serving.maxBody ?? 1024 ** 2, ...receiving });
  const faults: ServeFault[] = [];
  const watchers = new Set<() => void>();
  const server = await serve({
    host: '127.0.0.1',
    port: 0,
    maxBody: 1024 ** 2,
    allowHosts: null,
    now: Date.now,
    handle: receiver.receive,
    ...serving,
    onFault: (fault) => {
      faults.push(fault);
      for (const watch of [...watchers]) watch();
    },
  });
  onTestFinished(() => server.close(0));
  return {
    ...receiver,
    port: server.port,
    faults,
    faulted: (count) =>
      new Promise((resolve) => {
        const watch = () => {
          if (faults.length < count) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
      }),
  };
}
