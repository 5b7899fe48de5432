import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

/** So many records make some ten megabytes of write-ahead log. */
const RECORDS = 8000;
/**
 * While somebody goes on writing, what a checkpoint leaves behind keeps the log from starting anew. Once it has so many
 * pages, 32 MiB, the writer waits for a moment.
 */
const LONG_LOG = 8192;

/** Empties a store's write-ahead log into its file while the store goes on. */
export interface Checkpointer {
  /** Told of records that were committed. */
  wrote(records: number): void;
  stop(): Promise<void>;
}

/**
 * A checkpoint waits for the disk, so it is another thread's work: a receiver that made its own would answer nobody
 * meanwhile. The thread is started once it is needed. Where it cannot be, or cannot keep up, SQLite's own automatic
 * checkpoint in the writing thread bounds the log (see connect in sqlite.ts).
 */
export function createCheckpointer(path: string): Checkpointer {
  let worker: Worker | null = null;
  let pending = 0;
  let busy = false;

  function start(): Worker {
    const made = new Worker(THREAD, {
      eval: true,
      workerData: { path, libsql: createRequire(import.meta.url).resolve('libsql'), longLog: LONG_LOG },
    });
    made.on('message', () => {
      busy = false;
    });
    // It stays busy from then on, and is asked nothing more.
    made.on('error', () => {});
    made.unref();
    return made;
  }

  return {
    wrote(records) {
      pending += records;
      if (pending < RECORDS || busy) return;
      pending = 0;
      busy = true;
      worker ??= start();
      worker.postMessage('checkpoint');
    },
    async stop() {
      if (worker === null || worker.threadId === -1) return;
      worker.ref();
      const ended = once(worker, 'exit');
      worker.postMessage('stop');
      await ended;
    },
  };
}

/** The other thread, as source text: a file of its own would need a place in every way this code is run. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const Database = require(workerData.libsql);
const db = new Database(workerData.path, { timeout: 5000 });
const checkpoint = (mode) => db.prepare('PRAGMA wal_checkpoint(' + mode + ')').raw().all()[0];
parentPort.on('message', (wanted) => {
  if (wanted === 'stop') {
    db.close();
    return parentPort.close();
  }
  try {
    const [, pages] = checkpoint('PASSIVE');
    if (pages > workerData.longLog) {
      // The second takes what came during the first, so that little is left for which the writer has to wait.
      checkpoint('PASSIVE');
      checkpoint('RESTART');
    }
  } catch {
    // The next one, or the writer's own, makes up for it.
  }
  parentPort.postMessage('done');
});
`;
