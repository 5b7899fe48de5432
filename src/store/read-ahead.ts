import { createRequire } from 'node:module';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

/** The values of one run of a statement. */
export type Question = (string | number)[];
/** The one row that a statement gives: bytes, and numbers beside them. Good until the next is asked for. */
export type Answer = [bytes: Uint8Array | null, ...numbers: (number | null)[]];

/** So many answers wait to be used at most, and so much memory, bytes, is there for each. */
const AHEAD = 4;
const SLOT = 2 ** 20;

/** Asks one after another, and lets others have a turn between. */
export async function* inTurn<Asked, Answered>(
  questions: Iterable<Asked>,
  ask: (question: Asked) => Promise<Answered>,
): AsyncIterable<Answered> {
  for (const question of questions) {
    yield await ask(question);
    await turn();
  }
}

/**
 * The same from a thread with a connection of its own, which reads on while its last answers are being used: with a second
 * processor the reading takes no time of its own. What the thread cannot answer (a locked file, no thread at all) is
 * asked `here`. Bytes come through memory that both threads see: handing buffers over takes a tenth of the whole.
 */
export async function* readAhead(
  path: string,
  sql: string,
  questions: readonly Question[],
  here: (question: Question) => Promise<Answer>,
): AsyncIterable<Answer> {
  const memory = new SharedArrayBuffer(AHEAD * SLOT);
  const libsql = createRequire(import.meta.url).resolve('libsql');
  const worker = new Worker(THREAD, { eval: true, workerData: { path, sql, libsql, memory, slot: SLOT } });
  const answers: (Answer | null)[] = [];
  let gone = false;
  let wake = () => {};
  worker.on('message', (answer: ThreadAnswer) => {
    answers.push(answer === null ? null : toAnswer(answer, memory));
    wake();
  });
  worker.on('error', () => {
    gone = true;
    wake();
  });
  const ask = (i: number) => {
    const question = questions[i];
    if (question !== undefined && !gone) worker.postMessage([question, (i % AHEAD) * SLOT]);
  };
  try {
    for (let i = 0; i < AHEAD; i++) ask(i);
    for (const [i, question] of questions.entries()) {
      while (answers.length === 0 && !gone) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      yield answers.shift() ?? (await here(question));
      // Only now is its memory free for another.
      ask(i + AHEAD);
    }
  } finally {
    await worker.terminate();
  }
}

/** Bytes by their place in the shared memory, or as they are where they had no room there. */
type ThreadAnswer = [bytes: [from: number, to: number] | ArrayBuffer | null, ...numbers: number[]] | null;

function toAnswer([bytes, ...numbers]: NonNullable<ThreadAnswer>, memory: SharedArrayBuffer): Answer {
  if (bytes === null) return [null, ...numbers];
  if (bytes instanceof ArrayBuffer) return [new Uint8Array(bytes), ...numbers];
  return [new Uint8Array(memory, bytes[0], bytes[1] - bytes[0]), ...numbers];
}

/** The thread, as source text: a file of its own would need a place in every way this code is run. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const Database = require(workerData.libsql);
const db = new Database(workerData.path, { timeout: 2000 });
const statement = db.prepare(workerData.sql).raw();
const memory = new Uint8Array(workerData.memory);
parentPort.on('message', ([question, from]) => {
  try {
    const [[bytes, ...numbers]] = statement.all(question);
    if (bytes === null) return parentPort.postMessage([null, ...numbers]);
    const view = new Uint8Array(bytes);
    if (view.length > workerData.slot) return parentPort.postMessage([view.slice().buffer, ...numbers]);
    memory.set(view, from);
    parentPort.postMessage([[from, from + view.length], ...numbers]);
  } catch {
    parentPort.postMessage(null);
  }
});
`;
