import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { beforeAll, expect, test } from 'vitest';
import { type Answer, inTurn, type Question, readAhead } from '../../../src/store/read-ahead.ts';

const SQL = 'SELECT CAST(group_concat(n) AS BLOB), count(*) FROM numbers WHERE n > ? AND n <= ?';
const QUESTIONS: Question[] = Array.from({ length: 30 }, (_, i) => [i * 100, (i + 1) * 100]);

let path: string;
let asked: Question[];
beforeAll(() => {
  path = join(mkdtempSync(join(tmpdir(), 'mo-notify-test-')), 'numbers.db');
  const db = new Database(path);
  db.exec('CREATE TABLE numbers (n INTEGER PRIMARY KEY)');
  db.exec(
    'INSERT INTO numbers WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000) SELECT n FROM up',
  );
  db.close();
});

/** The question as another connection, in this thread, answers it. */
async function here(question: Question): Promise<Answer> {
  asked.push(question);
  const db = new Database(path);
  const [[bytes, count]] = db.prepare(SQL).raw().all(question) as [[ArrayBuffer, number]];
  db.close();
  return [new Uint8Array(bytes), count];
}

/** Each answer as text as it comes, since its memory is another's afterwards. */
async function texts(answers: AsyncIterable<Answer>) {
  const all: [string, unknown][] = [];
  for await (const [bytes, count] of answers) {
    await new Promise(setImmediate);
    all.push([Buffer.from(bytes as Uint8Array).toString(), count]);
  }
  return all;
}

test('the thread gives the answers that are given here, in order, and is asked them all', async () => {
  asked = [];
  const ahead = await texts(readAhead(path, SQL, QUESTIONS, here));
  expect(asked).toEqual([]);
  expect(ahead).toEqual(await texts(inTurn(QUESTIONS, here)));
  expect(ahead[29]).toEqual([expect.stringMatching(/^2901,.*,3000$/), 100]);
});

test('an answer without room in the shared memory comes whole', async () => {
  asked = [];
  const sql = 'SELECT zeroblob(1048570 + ?), 1';
  const lengths: unknown[] = [];
  for await (const [bytes] of readAhead(path, sql, [[5], [6], [7], [500_000], [1]], here))
    lengths.push(bytes?.length);
  expect(lengths).toEqual([1_048_575, 1_048_576, 1_048_577, 1_548_570, 1_048_571]);
});

test('what the thread cannot answer is asked here', async () => {
  asked = [];
  const answers = await texts(readAhead(path, 'SELECT n FROM no_such_table', QUESTIONS, here));
  expect(asked).toEqual(QUESTIONS);
  expect(answers[0]).toEqual([expect.stringMatching(/^1,.*,100$/), 100]);
});

test('a reader that stops early ends the thread', async () => {
  asked = [];
  for await (const answer of readAhead(path, SQL, QUESTIONS, here)) {
    expect(answer[1]).toBe(100);
    break;
  }
  expect(process.getActiveResourcesInfo()).not.toContain('MessagePort');
});
