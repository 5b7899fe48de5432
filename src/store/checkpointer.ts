import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

/** So many records make some ten megabytes of write-ahead log. */
const RECORDS = 8000;
/**
 * While somebody goes on writing, what a checkpoint leaves behind keeps the log from starting anew. Once it has so many
 * pages, 32 MiB, whoever writes waits for a moment.
 */
const LONG_LOG = 8192;

/** Empties a store's write-ahead log into its file while the store goes on. */
export interface Checkpointer {
  /** Told of records that were committed. */
  wrote(records: number): void;
  /** Resolves once it has been tried: for a writer that makes more log than its records tell. */
  checkpoint(): Promise<void>;
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
  let underWay: Promise<void> | null = null;
  let failed = false;

  function start(): Worker {
    const made = new Worker(THREAD, {
      eval: true,
      workerData: { path, libsql: createRequire(import.meta.url).resolve('libsql'), longLog: LONG_LOG },
    });
    // It is asked nothing more then.
    made.on('error', () => {
      failed = true;
    });
    return made;
  }

  async function checkpoint(): Promise<void> {
    if (failed) return;
    worker ??= start();
    worker.postMessage('checkpoint');
    // Rejects where the thread fails.
    await once(worker, 'message').catch(() => {});
  }

  function run(): Promise<void> {
    underWay ??= checkpoint().finally(() => {
      underWay = null;
    });
    return underWay;
  }

  return {
    wrote(records) {
      pending += records;
      if (pending < RECORDS || underWay !== null) return;
      pending = 0;
      void run();
      worker?.unref();
    },
    checkpoint() {
      const trying = run();
      worker?.ref();
      return trying.finally(() => worker?.unref());
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
      // The second takes what came during the first, so that little is left for which writers have to wait.
      checkpoint('PASSIVE');
      checkpoint('RESTART');
    }
  } catch {
    // The next one, or the writer's own, makes up for it.
  }
  parentPort.postMessage('done');
});
`;
