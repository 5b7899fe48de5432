import { RecordProblem } from './record-json.ts';

const MOST_A_ROW = 100;
/** So many attempts beyond one a row, and so many more for each row: far more than any sender's retries. */
const FIRST = 10_000;
const EACH_ROW = 10;

/** Bounds the records that come of rows which only count their attempts, or a short file would fill the log (fault G17). */
export class AttemptBudget {
  #left = FIRST;

  /** Throws RecordProblem where a row claims more attempts than it may. */
  spend(attempts: number): void {
    if (attempts > MOST_A_ROW)
      throw new RecordProblem(`attempts: ${attempts} is more than a row may count (${MOST_A_ROW})`);
    this.#left += EACH_ROW;
    if (attempts - 1 > this.#left)
      throw new RecordProblem(
        `attempts: with ${attempts} more the file counts too many (${FIRST} and ${EACH_ROW} a row)`,
      );
    this.#left -= attempts - 1;
  }
}
