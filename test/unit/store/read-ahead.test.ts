import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { beforeAll, expect, test } from 'vitest';
import { inTurn, type Question, readAhead } from '../../../src/store/read-ahead.ts';
import { collect } from '../../helpers/records.ts';

const SQL = 'SELECT CAST(group_concat(n) AS BLOB), count(*) FROM numbers WHERE n > ? AND n <= ?';
const QUESTIONS: Question[] = Array.from({ length: 30 }, (_, i) => [i * 100, (i + 1) * 100]);
type Row = [ArrayBuffer, number];

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
async function here(question: Question): Promise<Row[]> {
  asked.push(question);
  const db = new Database(path);
  const rows = db.prepare(SQL).raw().all(question) as Row[];
  db.close();
  return rows;
}

const texts = (answers: Row[][]) =>
  answers.map(([row]) => [Buffer.from((row as Row)[0]).toString(), (row as Row)[1]]);

test('the thread gives the answers that are given here, in order, and is asked them all', async () => {
  asked = [];
  const ahead = texts(await collect(readAhead(path, SQL, QUESTIONS, here)));
  expect(asked).toEqual([]);
  expect(ahead).toEqual(texts(await collect(inTurn(QUESTIONS, here))));
  expect(ahead[29]).toEqual([expect.stringMatching(/^2901,.*,3000$/), 100]);
});

test('what the thread cannot answer is asked here', async () => {
  asked = [];
  const answers = await collect(readAhead(path, 'SELECT n FROM no_such_table', QUESTIONS, here));
  expect(asked).toEqual(QUESTIONS);
  expect(texts(answers)[0]).toEqual([expect.stringMatching(/^1,.*,100$/), 100]);
});

test('a reader that stops early ends the thread', async () => {
  asked = [];
  for await (const answer of readAhead(path, SQL, QUESTIONS, here)) {
    expect(texts([answer])[0]?.[1]).toBe(100);
    break;
  }
  expect(process.getActiveResourcesInfo()).not.toContain('MessagePort');
});
