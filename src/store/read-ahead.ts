import { createRequire } from 'node:module';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

/** The values of one run of a statement. */
export type Question = (string | number)[];

/** So many answers wait to be used at most: a few megabytes. */
const AHEAD = 4;

/** Asks one after another, and lets others have a turn between. */
export async function* inTurn<Answer>(
  questions: Iterable<Question>,
  ask: (question: Question) => Promise<Answer>,
): AsyncIterable<Answer> {
  for (const question of questions) {
    yield await ask(question);
    await turn();
  }
}

/**
 * The same from a thread with a connection of its own, which reads on while its last answers are being used: with a second
 * processor the reading takes no time of its own. What the thread cannot answer (a locked file, no thread at all) is
 * asked `here`.
 */
export async function* readAhead<Answer>(
  path: string,
  sql: string,
  questions: readonly Question[],
  here: (question: Question) => Promise<Answer>,
): AsyncIterable<Answer> {
  const libsql = createRequire(import.meta.url).resolve('libsql');
  const worker = new Worker(THREAD, { eval: true, workerData: { path, sql, libsql } });
  const answers: (Answer | null)[] = [];
  let gone = false;
  let wake = () => {};
  worker.on('message', (answer: Answer | null) => {
    answers.push(answer);
    wake();
  });
  worker.on('error', () => {
    gone = true;
    wake();
  });
  try {
    for (const question of questions.slice(0, AHEAD)) worker.postMessage(question);
    for (const [i, question] of questions.entries()) {
      while (answers.length === 0 && !gone) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const answer = answers.shift() ?? null;
      const next = questions[i + AHEAD];
      if (next !== undefined && !gone) worker.postMessage(next);
      yield answer ?? (await here(question));
    }
  } finally {
    await worker.terminate();
  }
}

/** The thread, as source text: a file of its own would need a place in every way this code is run. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const Database = require(workerData.libsql);
const db = new Database(workerData.path, { timeout: 2000 });
const statement = db.prepare(workerData.sql).raw();
parentPort.on('message', (question) => {
  try {
    const rows = statement.all(question);
    parentPort.postMessage(rows, rows.flat().filter((value) => value instanceof ArrayBuffer));
  } catch {
    parentPort.postMessage(null);
  }
});
`;
